#pragma once

#include "agent/lb_state.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What an LB is to do, in the fewest words.
namespace muster::test {

[[nodiscard]] inline agent::Server server(std::string_view id,
                                          std::string_view address = "10.0.0.1") {
    return {.id = BackendId(id), .address = std::string(address), .port = 80};
}

[[nodiscard]] inline agent::Pool pool(std::string_view group, std::vector<agent::Server> servers) {
    return {.group = GroupName(group), .servers = std::move(servers)};
}

/// To one group, over HTTP.
[[nodiscard]] inline config::Listener listener(std::string_view group,
                                               std::string_view name = "front") {
    return {
        .name = std::string(name), .address = "127.0.0.1", .port = 8080, .group = GroupName(group)};
}

/// One listener before the group "web".
[[nodiscard]] inline agent::LbState web(std::vector<agent::Server> servers) {
    return {.listeners = {listener("web")}, .pools = {pool("web", std::move(servers))}};
}

}  // namespace muster::test
