#pragma once

#include "checker/prober_pool.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "orchestrator/node.hpp"
#include "tests/sim/backends.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/node_clock.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace muster::sim {

/// Quick and greedy, so that minutes of a simulation see what production sees in weeks.
[[nodiscard]] inline orchestrator::CollectionSettings collection_settings() {
    return {.period = std::chrono::seconds(2),
            .grace = std::chrono::seconds(5),
            .kept_generations = 2,
            .kept_audit = 5};
}

class SimNode;

/// What nodes ask each other: messages that take a while, and get lost when one of the two is cut
/// off, frozen or gone. Addresses are names.
class SimPeers final : public orchestrator::Peers {
 public:
    /// Who can be reached now; or null.
    using Find = std::function<SimNode*(const std::string& address)>;

    SimPeers(Clock& clock, Find find, std::function<std::chrono::nanoseconds()> draw)
        : clock_(clock), find_(std::move(find)), draw_(std::move(draw)) {}

    [[nodiscard]] asio::awaitable<Result<std::string>> ask(std::string address,
                                                           std::string question,
                                                           std::chrono::nanoseconds limit) override;

 private:
    Clock& clock_;
    Find find_;
    std::function<std::chrono::nanoseconds()> draw_;
};

/// One simulated musterd: the real Node over a MemoryStore, its own clock and prober.
class SimNode {
 public:
    /// Lets a test put something between the node and its store (a mutant that breaks a rule).
    using WrapStore =
        std::function<std::unique_ptr<coordination::Store>(coordination::Store&, Clock&)>;

    SimNode(asio::io_context& context,
            test::VirtualClock& truth,
            coordination::MemoryEnsemble& ensemble,
            Backends& backends,
            NodeId id,
            const Host& host,
            std::uint64_t seed,
            const WrapStore& wrap,
            SimPeers::Find find);
    ~SimNode();

    void start();
    /// Ends every coroutine; nothing of it reaches the ensemble if the caller has cut the client
    /// off before.
    void end();
    /// SIGTERM: begins to leave, for 30 s at most. left() tells when it is done.
    void leave();
    [[nodiscard]] bool left() const { return *left_; }

    [[nodiscard]] orchestrator::Node& node() { return *node_; }
    [[nodiscard]] NodeClock& clock() { return clock_; }
    [[nodiscard]] coordination::MemoryStore& store() { return *memory_; }
    [[nodiscard]] const NodeId& id() const { return id_; }
    [[nodiscard]] std::mt19937_64& random() { return random_; }
    /// As the node itself sees it, at this instant.
    [[nodiscard]] bool may_act() const;
    void step_down();
    /// A question of a peer's: the answer is put into the box.
    void answer(std::string question, std::shared_ptr<std::optional<std::string>> box);

 private:
    test::VirtualClock& truth_;
    asio::any_io_executor executor_;
    NodeId id_;
    std::mt19937_64 random_;
    NodeClock clock_;
    std::unique_ptr<coordination::MemoryStore> memory_;
    std::unique_ptr<coordination::Store> wrapped_;
    SimProber prober_;
    SimPeers peers_;
    checker::InlinePool pool_;
    TaskGroup tasks_;
    std::unique_ptr<orchestrator::Node> node_;
    std::shared_ptr<bool> left_ = std::make_shared<bool>(false);
};

}  // namespace muster::sim
