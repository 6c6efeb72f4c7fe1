#pragma once

#include "agent/haproxy_commands.hpp"
#include "agent/haproxy_settings.hpp"
#include "agent/haproxy_state.hpp"
#include "tests/agent/lb_samples.hpp"

#include <string>
#include <string_view>

namespace muster::test {

/// What HAProxy shows of a server that is as server() says.
[[nodiscard]] inline agent::ObservedServer seen(std::string_view address = "10.0.0.1") {
    return {.number = 1, .address = std::string(address), .port = 80, .weight = 26};
}

}  // namespace muster::test
