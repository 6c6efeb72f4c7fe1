// What masters hand on to one another of the stores of DNS records.
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <iterator>
#include <optional>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {
constexpr std::size_t max_stores = 64;
constexpr std::size_t max_names = 10'000;
constexpr std::size_t max_members = 10'000;
constexpr std::int64_t max_ttl = 604'800;
constexpr int max_number = 65'535;

/// {"api.example.org":{"ttl":30,"members":{"edge-lb-1":["192.0.2.1",80,10,50]}}}
json::object json_of(const std::map<std::string, DnsSetKept>& sets) {
    json::object all;
    for (const auto& [name, set] : sets) {
        json::object members;
        for (const auto& [id, record] : set.members)
            members.emplace(
                id, json::array{record.address, record.port, record.priority, record.weight});
        all.emplace(name, json::object{{"ttl", set.ttl.count()}, {"members", std::move(members)}});
    }
    return all;
}

std::optional<DnsRecordKept> record_of(const json::value& value) {
    const json::array* const parts = value.if_array();
    if (parts == nullptr || parts->size() != 4 || !(*parts)[0].is_string()) return std::nullopt;
    DnsRecordKept record{.address = std::string((*parts)[0].get_string())};
    int* const numbers[] = {&record.port, &record.priority, &record.weight};
    for (std::size_t i = 0; i < std::size(numbers); ++i) {
        const json::value& number = (*parts)[i + 1];
        if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() > max_number)
            return std::nullopt;
        *numbers[i] = static_cast<int>(number.get_int64());
    }
    return record;
}

/// False: something of it is not as it should be.
bool read_sets(Reader& in, std::map<std::string, DnsSetKept>& sets) {
    if (!in.has("last_good")) return true;  // of an earlier build
    for (const auto& [name, value] : in.object("last_good", max_names)) {
        if (!value.is_object()) return false;
        Reader of_set(value.get_object());
        DnsSetKept& set = sets[std::string(name)];
        set.ttl = std::chrono::seconds(of_set.integer("ttl", 0, max_ttl));
        for (const auto& [id, record] : of_set.object("members", max_members)) {
            auto read = record_of(record);
            if (!read) return false;
            set.members.emplace(std::string(id), *std::move(read));
        }
        if (of_set.refused()) return false;
    }
    return !in.refused();
}
}  // namespace

std::string encode(const DnsState& state) {
    json::object out = stamped(state.stamp);
    json::object stores;
    for (const auto& [name, store] : state.stores) {
        json::object one{{"born", store.born},
                         {"revision", store.revision},
                         {"term", store.term},
                         {"longest_ttl", store.longest_ttl}};
        if (!store.last_good.empty()) one.emplace("last_good", json_of(store.last_good));
        stores.emplace(name, std::move(one));
    }
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
        // An earlier build wrote none.
        if (of_store.has("longest_ttl"))
            store.longest_ttl = of_store.integer("longest_ttl", 0, store.longest_ttl);
        if (!of_store.refused() && !read_sets(of_store, store.last_good))
            return in.refuse(Errc::malformed, "stores: last_good");
        if (of_store.refused())
            return in.refuse(static_cast<Errc>(of_store.error()->code.value()),
                             "stores: " + of_store.error()->context);
    }
}

template Result<DnsState> decode<DnsState>(std::string_view, std::string_view);

}  // namespace muster::znodes
