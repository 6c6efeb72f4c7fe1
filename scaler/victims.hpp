#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Who goes when a fleet shrinks. Pure.
namespace muster::scaler {

struct VictimCandidate {
    InstanceId id;
    bool healthy = true;
    std::optional<std::int64_t> connections{};  ///< open; absent: as many as the busiest
    std::string zone;
    bool old_spec = false;  ///< made by an earlier spec than the newest
    WallTime serving_since{};
    bool operator==(const VictimCandidate&) const = default;
};

struct Victim {
    InstanceId id;
    std::int64_t score = 0;
    std::string why;  ///< what the score is made of
    bool operator==(const Victim&) const = default;
};

/// At most `count`, the highest score first; each is chosen with those before it gone.
///
/// | points    | for                                                                            |
/// |-----------|--------------------------------------------------------------------------------|
/// | 2000      | isn't healthy                                                                  |
/// | 0 .. 900  | 300 for each instance that its zone has more than the smallest zone, up to 3   |
/// | 0 .. 400  | connections: 400 with none, 0 with as many as the busiest                      |
/// | 0 or 200  | made by an earlier spec                                                        |
/// | 0 .. 100  | age: 100 for the oldest, 0 for the youngest                                    |
///
/// So a zone that has 3 more than another gives first, whatever its connections. Among equals the
/// lowest id. Example: docs/scaling-lifecycle.md.
[[nodiscard]] std::vector<Victim> choose_victims(std::vector<VictimCandidate> candidates,
                                                 std::size_t count);

}  // namespace muster::scaler
