#pragma once

#include "agent/lb_state.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// What anyone could write into ZooKeeper, and no kind of LB may be told.
namespace muster::test {

/// Everything that a state can hold, and all of it right.
[[nodiscard]] agent::LbState full_state();

struct HostileState {
    std::string name;
    std::function<void(agent::LbState&)> spoil;  ///< of a full_state()
    std::string_view complaint;                  ///< a part of what is said about it
};

[[nodiscard]] std::vector<HostileState> hostile_texts();
[[nodiscard]] std::vector<HostileState> senseless_numbers();

}  // namespace muster::test
