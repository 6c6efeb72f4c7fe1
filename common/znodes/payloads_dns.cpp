// What masters hand on to one another of the stores of DNS records.
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {
constexpr std::size_t max_stores = 64;
}  // namespace

std::string encode(const DnsState& state) {
    json::object out = stamped(state.stamp);
    json::object stores;
    for (const auto& [name, store] : state.stores)
        stores.emplace(
            name,
            json::object{{"born", store.born}, {"revision", store.revision}, {"term", store.term}});
    out.emplace("stores", std::move(stores));
    return json::serialize(out);
}

static void read(Reader& in, DnsState& state) {
    for (const auto& [name, value] : in.object("stores", max_stores)) {
        if (!is_path_name(name) || !value.is_object()) return in.refuse(Errc::malformed, "stores");
        Reader of_store(value.get_object());
        DnsStore& store = state.stores[std::string(name)];
        store.born = of_store.flag("born");
        store.revision = of_store.integer("revision", 0, Reader::no_limit);
        store.term = of_store.integer("term", 0, Reader::no_limit);
        if (of_store.refused())
            return in.refuse(static_cast<Errc>(of_store.error()->code.value()),
                             "stores: " + of_store.error()->context);
    }
}

template Result<DnsState> decode<DnsState>(std::string_view, std::string_view);

}  // namespace muster::znodes
