#pragma once

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace muster::sim {

enum class Fault : std::uint8_t {
    crash_adopted,    ///< kill -9; the guardian closes the session
    crash_left,       ///< kill -9; the session expires by time
    restart,          ///< kill -9 and at once a new process
    pause_short,      ///< SIGSTOP, shorter than the lease
    pause_long,       ///< SIGSTOP, longer than the session
    cut_noticed,      ///< no network to the ensemble, and the client knows
    cut_unnoticed,    ///< ... and learns of it by its own deadlines
    cut_long,         ///< longer than the session
    blind,            ///< probes of a node reach a third of the backends less, or none
    lost_reply,       ///< the next write is applied, its reply is not heard
    disconnect,       ///< the connection breaks, the session lives
    session_expired,  ///< the ensemble ends the session
    zookeeper_down,   ///< all servers, and back
    step_down,        ///< the master is asked to
    leave,            ///< SIGTERM, and back later
    backend_dies,     ///< refuses or hangs
    backend_flaps,    ///< for a while, at a rate near its thresholds
    backend_returns,  ///< a dead one
    group_added,      ///< a new one
    group_changed,    ///< backends added, removed, drained, put into maintenance
    group_recreated,  ///< deleted, and made again later
    wall_clock_step,  ///< of one host, up to an hour either way
    clock_rate,       ///< of one host, 0.9 to 1.1 of the truth from now on
    garbage,          ///< in some znode
    node_joins,       ///< a host that was not there before
};
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(Fault::node_joins) + 1;
[[nodiscard]] std::string_view to_string(Fault fault);

using FaultCounts = std::array<std::uint64_t, fault_kinds>;

/// Disturbs a world. Each seed draws which kinds are on and how often they come, so that some
/// worlds see but pauses and others everything. Faults that last are ended in time, or all at once
/// by heal().
class Swarm {
 public:
    Swarm(World& world, Invariants& invariants, std::uint64_t seed);

    /// Until this moment of true time. Calls Invariants::tick() all along.
    void run_until(SteadyTime when);
    /// Lets the world go on without new faults, as run_until does, or until `done`.
    bool calm_until(SteadyTime when, const std::function<bool()>& done);
    /// Ends every fault that lasts: all hosts run and are in touch, all garbage that only people
    /// can replace is replaced.
    void heal();

    [[nodiscard]] const FaultCounts& counts() const { return counts_; }
    [[nodiscard]] std::uint64_t total() const { return total_; }
    /// Kinds of znode that garbage went to.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& garbage() const { return garbage_; }

 private:
    using Action = std::function<void()>;

    void step_until(SteadyTime when);
    void strike();
    [[nodiscard]] bool strike(Fault fault);  ///< false: not possible now
    [[nodiscard]] bool strike_process(Fault fault);
    [[nodiscard]] bool strike_link(Fault fault);
    [[nodiscard]] bool strike_backend(Fault fault);
    [[nodiscard]] bool strike_group(Fault fault);
    [[nodiscard]] bool strike_clock(Fault fault);
    [[nodiscard]] bool write_garbage();
    void flap(const std::string& address, int times, std::chrono::nanoseconds period);
    void later(std::chrono::nanoseconds after, Action action);
    void change(config::GroupSpec& group);
    void new_group();
    void create_again(const config::GroupSpec& spec);
    void replace_garbage(const std::string& path, const std::string& before);

    [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    [[nodiscard]] std::chrono::nanoseconds span(std::chrono::nanoseconds low,
                                                std::chrono::nanoseconds high) {
        return between(random_, low, high);
    }
    [[nodiscard]] std::string any_host();
    [[nodiscard]] std::string any_running();
    [[nodiscard]] std::string any_backend(bool healthy);

    World& world_;
    Invariants& invariants_;
    std::mt19937_64 random_;
    std::vector<Fault> on_;
    std::chrono::nanoseconds longest_gap_;
    std::multimap<SteadyTime, Action> ends_;
    std::map<std::string, std::string> overwritten_;  ///< path -> what people would restore
    SteadyTime next_tick_{};
    FaultCounts counts_{};
    std::uint64_t total_ = 0;
    std::map<std::string, std::uint64_t> garbage_;
    int groups_made_ = 0;
    int hosts_made_ = 0;
    int backends_made_ = 0;
};

}  // namespace muster::sim
