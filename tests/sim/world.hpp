#pragma once

#include "checker/prober_pool.hpp"
#include "common/config/model.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "orchestrator/config_plan.hpp"
#include "orchestrator/node.hpp"
#include "tests/sim/backends.hpp"
#include "tests/sim/node_clock.hpp"
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

/// One simulated musterd: the real Node over a MemoryStore, its own clock and prober.
class SimNode {
 public:
    /// Lets a test put something between the node and its store (a mutant that breaks a rule).
    using WrapStore = std::function<std::unique_ptr<coordination::Store>(coordination::Store&)>;

    SimNode(asio::io_context& context,
            test::VirtualClock& truth,
            coordination::MemoryEnsemble& ensemble,
            Backends& backends,
            NodeId id,
            int incarnation,
            double clock_rate,
            std::uint64_t seed,
            const WrapStore& wrap);
    ~SimNode();

    void start();
    /// Ends every coroutine; nothing of it reaches the ensemble if the caller has cut the client
    /// off before.
    void end();

    [[nodiscard]] orchestrator::Node& node() { return *node_; }
    [[nodiscard]] NodeClock& clock() { return clock_; }
    [[nodiscard]] coordination::MemoryStore& store() { return *memory_; }
    [[nodiscard]] const NodeId& id() const { return id_; }
    /// As the node itself sees it, at this instant.
    [[nodiscard]] bool may_act() const;

 private:
    test::VirtualClock& truth_;
    asio::any_io_executor executor_;
    NodeId id_;
    std::mt19937_64 random_;
    NodeClock clock_;
    std::unique_ptr<coordination::MemoryStore> memory_;
    std::unique_ptr<coordination::Store> wrapped_;
    SimProber prober_;
    checker::InlinePool pool_;
    TaskGroup tasks_;
    std::unique_ptr<orchestrator::Node> node_;
};

/// A cluster of simulated nodes with its ensemble and backends. One seed, one history.
class World {
 public:
    explicit World(std::uint64_t seed, SimNode::WrapStore wrap = {});
    ~World();

    void start_node(const std::string& id, double clock_rate = 1.0);
    /// kill -9. `adopted`: its guardian closes the session at once; else it expires by time.
    enum class Session { adopted, left };
    void crash_node(const std::string& id, Session session);
    /// SIGSTOP for so long.
    void pause_node(const std::string& id, std::chrono::nanoseconds span);

    /// Writes a group's head and chunks as the API does.
    void apply(const config::GroupSpec& group);
    void remove(const GroupName& group);

    void run_for(std::chrono::nanoseconds span) { clock.run_for(span); }
    bool run_until(std::chrono::nanoseconds limit, const std::function<bool()>& done) {
        return clock.run_for(limit, done);
    }

    [[nodiscard]] std::vector<std::string> masters() const;
    [[nodiscard]] SimNode* find(const std::string& id);

    asio::io_context context{1};
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    Backends backends;
    std::map<std::string, std::unique_ptr<SimNode>> nodes;
    std::mt19937_64 random;
    znodes::Paths paths{"sim"};
    static constexpr const char* cluster = "sim-uuid";

 private:
    void write(const orchestrator::ConfigWrite& write);
    [[nodiscard]] std::optional<orchestrator::KnownHead> head(const GroupName& group) const;
    [[nodiscard]] orchestrator::ConfigAuthor author();

    SimNode::WrapStore wrap_;
    TaskGroup tasks_;
    int incarnations_ = 0;
};

/// A group of `count` backends "10.0.<n>.<i>:80", all in `backends` and healthy.
[[nodiscard]] config::GroupSpec make_group(World& world,
                                           const std::string& name,
                                           int count,
                                           int shard_size);

}  // namespace muster::sim
