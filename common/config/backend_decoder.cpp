#include "common/config/check_codec.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/group_decoder.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace muster::config {
namespace {

bool read_address(const Value& value, Backend& backend) {
    const auto text = read_text(value, rules::endpoint);
    if (!text) return false;
    const auto endpoint = parse_endpoint(*text);
    if (!is_destination(endpoint->host)) {
        value.refuse(fmt::format(
            "is {}, where nothing can listen; must be the backend's own address", *text));
        return false;
    }
    backend.address = endpoint->host;
    backend.port = endpoint->port;
    backend.id = BackendId(*text);
    return true;
}

void read_labels(const Fields& fields, std::map<std::string, std::string>& into) {
    const auto labels = fields.find("labels");
    if (!labels) return;
    for (const Value& label : entries_of(*labels, bounds::labels)) {
        if (const auto complaint = rules::label_key(label.key()); !complaint.empty())
            label.refuse(fmt::format("can't be set; the name {}", complaint));
        if (auto text = read_text(label, rules::label_value))
            into.emplace(label.key(), std::move(*text));
    }
}

/// Nothing when there is no address to know it by.
std::optional<Backend> decode_backend(const Value& value,
                                      BackendForm form,
                                      const std::optional<Value>& check_of_group) {
    Backend backend;
    if (value.node().is_scalar()) {
        if (!read_address(value, backend)) return std::nullopt;
        return backend;
    }
    if (form == BackendForm::address_only || value.node().kind != Node::Kind::map) {
        value.refuse_type("host:port, such as 10.0.0.1:80");
        return std::nullopt;
    }
    const Fields fields(
        value, {"address", "name", "weight", "zone", "labels", "state", "slow_start", "check"});
    const auto address = fields.require("address", "host:port");
    const bool placed = address && read_address(*address, backend);
    if (const auto name = fields.find("name")) {
        if (auto text = read_text(*name, rules::name)) backend.id = BackendId(std::move(*text));
    }
    read_int(fields, "weight", backend.weight, bounds::weight);
    read_text(fields, "zone", backend.zone, rules::zone);
    read_labels(fields, backend.labels);
    read_enum(fields, "state", backend.admin);
    if (const auto ramp = fields.find("slow_start"))
        backend.slow_start = read_duration(*ramp, bounds::slow_start);
    if (const auto check = fields.find("check"))
        backend.check = decode_backend_check(*check, check_of_group);
    if (!placed) return std::nullopt;
    return backend;
}

}  // namespace

std::vector<Backend> decode_backends(const Value& list,
                                     BackendForm form,
                                     const std::optional<Value>& check,
                                     std::size_t max_backends) {
    std::vector<Backend> backends;
    const std::vector<Value> elements = elements_of(list, max_backends);
    backends.reserve(elements.size());
    std::unordered_map<BackendId, const Value*> seen;
    seen.reserve(elements.size());
    for (const Value& element : elements) {
        std::optional<Backend> backend = decode_backend(element, form, check);
        if (!backend) continue;
        const auto [first, is_new] = seen.emplace(backend->id, &element);
        if (is_new) {
            backends.push_back(std::move(*backend));
        } else {
            element.refuse(fmt::format(
                "is backend {} a second time; the first is {}. Give each its own address "
                "or name",
                backend->id.str(),
                first->second->path()));
        }
    }
    std::ranges::sort(backends, {}, &Backend::id);
    return backends;
}

}  // namespace muster::config
