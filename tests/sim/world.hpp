#pragma once

#include "common/config/model.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/config_plan.hpp"
#include "tests/sim/backends.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace muster::sim {

/// A group as users want it now.
struct WantedGroup {
    std::optional<config::GroupSpec> spec;  ///< nothing: deleted
    SteadyTime changed{};
};

/// A cluster of simulated nodes with its ensemble and backends. One seed, one history.
class World {
 public:
    explicit World(std::uint64_t seed, SimNode::WrapStore wrap = {});
    ~World();

    /// On a host of that name, made when it is new. `clock_rate` sets the host's for good.
    void start_node(const std::string& id, std::optional<double> clock_rate = {});
    /// kill -9. `adopted`: its guardian closes the session at once; else it expires by time.
    enum class Session { adopted, left };
    void crash_node(const std::string& id, Session session);
    /// SIGSTOP for so long.
    void pause_node(const std::string& id, std::chrono::nanoseconds span);
    /// Nothing passes between it and the ensemble; it notices after a while.
    void cut_node(const std::string& id, std::chrono::nanoseconds noticed_after);
    void heal_node(const std::string& id);
    /// Its probes don't reach so many thirds of the backends; 0: they reach all.
    void blind_node(const std::string& id, unsigned thirds);
    void stop_ensemble();
    void start_ensemble();

    /// Writes a group's head and chunks as the API does.
    void apply(const config::GroupSpec& group);
    void remove(const GroupName& group);

    void run_for(std::chrono::nanoseconds span) { clock.run_for(span); }
    bool run_until(std::chrono::nanoseconds limit, const std::function<bool()>& done) {
        return clock.run_for(limit, done);
    }

    /// Those that would act as master at this instant.
    [[nodiscard]] std::vector<std::string> masters() const;
    [[nodiscard]] SimNode* find(const std::string& id);
    [[nodiscard]] bool serving() const { return serving_; }
    /// Nothing has happened to any host, nor to the ensemble, for so long.
    [[nodiscard]] bool calm_for(std::chrono::nanoseconds span) const;
    /// Since this world began.
    [[nodiscard]] double seconds() const;

    asio::io_context context{1};
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    Backends backends;
    std::map<std::string, std::unique_ptr<SimNode>> nodes;
    std::map<std::string, Host> hosts;
    std::map<GroupName, WantedGroup> groups;
    std::mt19937_64 random;
    znodes::Paths paths{"sim"};
    static constexpr const char* cluster = "sim-uuid";

 private:
    /// To ask a peer; null when no message gets through.
    [[nodiscard]] SimNode* find_peer(const std::string& from, const std::string& to);
    void write(const orchestrator::ConfigWrite& write);
    [[nodiscard]] std::optional<orchestrator::KnownHead> head(const GroupName& group) const;
    [[nodiscard]] orchestrator::ConfigAuthor author();
    void want(const GroupName& group, std::optional<config::GroupSpec> spec);

    SimNode::WrapStore wrap_;
    TaskGroup tasks_;
    int incarnations_ = 0;
    bool serving_ = true;
};

/// A duration between the two, inclusive; the same on every platform.
[[nodiscard]] std::chrono::nanoseconds between(std::mt19937_64& random,
                                               std::chrono::nanoseconds low,
                                               std::chrono::nanoseconds high);

/// A group of `count` backends "10.<net>.<n>.<i>:80", all in `backends` and healthy.
[[nodiscard]] config::GroupSpec make_group(
    World& world, const std::string& name, int count, int shard_size, int net = 0);
/// Its backend number `i`, made known to the world.
[[nodiscard]] config::Backend make_backend(World& world, int net, int i);

}  // namespace muster::sim
