#include "checker/prober.hpp"

#include <string_view>
#include <variant>

namespace muster::checker {

namespace {

template <class T>
void add(std::size_t& seed, const T& value) {
    seed ^= std::hash<T>{}(value) + 0x9e3779b97f4a7c15U + (seed << 6U) + (seed >> 2U);
}

/// What tells several checks of one endpoint apart most often; equality looks at the rest.
void add_kind(std::size_t& seed, const config::ProbeKind& kind) {
    add(seed, kind.index());
    if (const auto* http = std::get_if<config::HttpCheck>(&kind)) {
        add(seed, http->method);
        add(seed, http->host);
        add(seed, http->path);
    }
}

}  // namespace

SharedValue<config::PhaseTimeouts> shared(const config::PhaseTimeouts& timeouts) {
    if (timeouts == config::PhaseTimeouts{}) return {};
    return timeouts;
}

std::size_t hash_of_endpoint(const ProbeRequest& request) {
    std::size_t seed = std::hash<std::string_view>{}(request.host);
    add(seed, request.port);
    return seed;
}

std::size_t hash_of(const ProbeRequest& request) {
    std::size_t seed = hash_of_endpoint(request);
    add_kind(seed, request.probe->kind);
    add(seed, request.timeout.count());
    return seed;
}

}  // namespace muster::checker
