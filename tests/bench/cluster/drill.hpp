#pragma once

#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace muster::test {

/// A real cluster whose backends all answer, and what is done to it round after round. Times are
/// taken by the observer (ZooKeeper's tree) and the responder (what the backends saw).
class Drill {
 public:
    Drill(std::size_t backends,
          std::chrono::milliseconds interval,
          std::optional<int> shard_size = {});

    struct Crashes {
        Spread claim;        ///< kill -9 of the master's process, to its successor's claim
        Spread first_write;  ///< and to the successor's first control write
        std::chrono::nanoseconds longest_gap{};  ///< in the probing of any backend
    };
    [[nodiscard]] Crashes kill_masters(int rounds);

    struct Losses {
        Spread first_write;
        std::chrono::nanoseconds longest_gap{};
    };
    /// Guardian and master die together, and their session with them only by expiry.
    [[nodiscard]] Losses lose_hosts(int rounds, bool with_zookeeper_leader);

    /// From the request to the successor's claim.
    [[nodiscard]] Spread step_downs(int rounds);

    /// Nodes leave in turn (SIGTERM) and come back. Returns how many probes were missed: turns
    /// later than 1.5 intervals.
    [[nodiscard]] std::size_t planned_moves(int rounds);

    [[nodiscard]] std::size_t kills() const { return kills_; }
    [[nodiscard]] std::uint64_t probes() const { return responder_.probes(); }
    /// DOWNs, each of them wrong.
    [[nodiscard]] std::size_t wrong_verdicts() const;

 private:
    void begin_round();
    [[nodiscard]] Observer::EpochChange wait_successor(std::int64_t before, bool wants_write);
    void wait_since(std::chrono::nanoseconds start, std::chrono::nanoseconds span);
    void come_back(std::size_t node);

    Responder responder_;
    std::chrono::milliseconds interval_;
    Cluster cluster_;
    std::size_t kills_ = 0;
    std::size_t wrong_ = 0;  ///< in rounds that are over
};

}  // namespace muster::test
