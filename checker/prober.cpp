#include "checker/prober.hpp"

#include <string_view>
#include <variant>

namespace muster::checker {

namespace {

template <class T>
void add(std::size_t& seed, const T& value) {
    seed ^= std::hash<T>{}(value) + 0x9e3779b97f4a7c15U + (seed << 6U) + (seed >> 2U);
}

void add_probe(std::size_t& seed, const config::HttpCheck& check) {
    add(seed, check.method);
    add(seed, check.path);
    add(seed, check.host);
    for (const config::Header& header : check.headers) {
        add(seed, header.name);
        add(seed, header.value);
    }
    for (const config::StatusRange& range : check.expect_status) {
        add(seed, range.first);
        add(seed, range.last);
    }
    add(seed, check.expect_body);
}

void add_probe(std::size_t& /*seed*/, const config::TcpCheck& /*check*/) {}

}  // namespace

std::size_t hash_of_endpoint(const ProbeRequest& request) {
    std::size_t seed = std::hash<std::string_view>{}(request.host);
    add(seed, request.port);
    return seed;
}

std::size_t hash_of(const ProbeRequest& request) {
    std::size_t seed = hash_of_endpoint(request);
    add(seed, request.probe.index());
    std::visit([&seed](const auto& probe) { add_probe(seed, probe); }, request.probe);
    add(seed, request.timeout.count());
    return seed;
}

}  // namespace muster::checker
