#include "common/config/check_codec.hpp"
#include "common/config/decode.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/field_writer.hpp"
#include "common/config/outlier_codec.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <utility>

namespace muster::config {
namespace {

namespace json = boost::json;

json::value encode_backend(const Backend& backend, Verbosity verbosity) {
    const std::string address = to_string(Endpoint{.host = backend.address, .port = backend.port});
    const Backend standard;
    FieldWriter writer(verbosity);
    writer.put("address", json::string(address));
    if (backend.id.str() != address) writer.put("name", json::string(backend.id.str()));
    writer.field("weight", backend.weight, standard.weight);
    writer.optional("zone", backend.zone);
    json::object labels;
    for (const auto& [key, value] : backend.labels) labels.emplace(key, value);
    writer.map("labels", std::move(labels));
    writer.field("state", backend.admin, standard.admin);
    writer.optional("slow_start", backend.slow_start);
    if (backend.check) writer.put("check", json::parse(backend.check->fields));
    json::object object = writer.take();
    if (object.size() == 1) return json::string(address);
    return object;
}

json::array encode_backend_list(const std::vector<Backend>& backends, Verbosity verbosity) {
    json::array list;
    list.reserve(backends.size());
    for (const Backend& backend : backends) list.push_back(encode_backend(backend, verbosity));
    return list;
}

json::object encode_lb(const LbSettings& lb, Verbosity verbosity) {
    const LbSettings standard;
    FieldWriter writer(verbosity);
    writer.field("algorithm", lb.algorithm, standard.algorithm);
    json::object sticky;
    if (!lb.sticky_cookie.empty()) {
        sticky.emplace("cookie", lb.sticky_cookie);
    } else if (lb.sticky_source) {
        sticky.emplace("source", true);
    }
    writer.map("sticky", std::move(sticky));
    writer.field("retries", lb.retries, standard.retries);
    FieldWriter timeouts(verbosity);
    timeouts.field("connect", lb.connect_timeout, standard.connect_timeout);
    timeouts.field("server", lb.server_timeout, standard.server_timeout);
    writer.map("timeouts", timeouts.take());
    writer.field("slow_start", lb.slow_start, standard.slow_start);
    return writer.take();
}

/// The fields of a spec after its backends.
void encode_rest(const GroupSpec& group, Verbosity verbosity, FieldWriter& writer) {
    const GroupSpec standard;
    writer.map("check", encode(group.check, verbosity));
    writer.map("lb", encode_lb(group.lb, verbosity));
    writer.field("max_eject_percent", group.max_eject_percent, standard.max_eject_percent);
    FieldWriter panic(verbosity);
    panic.field("enter", group.panic_enter_percent, standard.panic_enter_percent);
    panic.field("exit", group.panic_exit_percent, standard.panic_exit_percent);
    writer.map("panic", panic.take());
    writer.optional("shard_size", group.shard_size);
    if (group.outlier) writer.put("outlier", encode(*group.outlier, verbosity));
}

}  // namespace

json::value encode(const GroupSpec& group, Verbosity verbosity) {
    FieldWriter spec(verbosity);
    spec.put("backends", encode_backend_list(group.backends, verbosity));
    encode_rest(group, verbosity, spec);
    json::object document;
    document.emplace("kind", "Group");
    document.emplace("name", group.name.str());
    document.emplace("spec", spec.take());
    return document;
}

json::value encode_spec_without_backends(const GroupSpec& group) {
    // In full: what is stored must not change its meaning when a later build has other defaults.
    FieldWriter spec(Verbosity::full);
    encode_rest(group, Verbosity::full, spec);
    return spec.take();
}

json::value encode_backends(const std::vector<Backend>& backends) {
    return encode_backend_list(backends, Verbosity::changed_only);
}

}  // namespace muster::config
