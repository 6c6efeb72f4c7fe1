#include "tests/sim/sim_node.hpp"

#include "tests/sim/world.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;

asio::awaitable<Result<std::string>> SimPeers::ask(std::string address,
                                                   std::string question,
                                                   std::chrono::nanoseconds limit) {
    const SteadyTime end = clock_.now() + limit;
    auto box = std::make_shared<std::optional<std::string>>();
    co_await clock_.sleep_for(draw_());
    if (SimNode* const peer = find_(address)) peer->answer(std::move(question), box);
    while (!*box && clock_.now() < end) co_await clock_.sleep_for(10ms);
    // The way back.
    if (!*box || find_(address) == nullptr) {
        co_return tl::unexpected(Error{.code = std::make_error_code(std::errc::timed_out)});
    }
    co_return std::move(**box);
}

SimNode::SimNode(asio::io_context& context,
                 test::VirtualClock& truth,
                 coordination::MemoryEnsemble& ensemble,
                 Backends& backends,
                 NodeId id,
                 const Host& host,
                 std::uint64_t seed,
                 const WrapStore& wrap,
                 SimPeers::Find find)
    : truth_(truth),
      executor_(context.get_executor()),
      id_(std::move(id)),
      random_(seed),
      clock_(truth, host.clock_rate, host.wall_offset),
      memory_(std::make_unique<coordination::MemoryStore>(
          executor_, clock_, ensemble, coordination::MemoryStore::Settings{.client = id_.str()})),
      wrapped_(wrap ? wrap(*memory_, clock_) : nullptr),
      prober_(
          executor_,
          clock_,
          truth,
          backends,
          id_.str(),
          [this] { return between(random_, 300us, 5ms); },
          [&host](const std::string& address) { return host.reaches(address); }),
      peers_(clock_, std::move(find), [this] { return between(random_, 200us, 3ms); }),
      pool_(executor_, clock_, prober_, {}),
      tasks_(executor_) {
    coordination::Store& store = wrapped_ ? *wrapped_ : static_cast<coordination::Store&>(*memory_);
    node_ = std::make_unique<orchestrator::Node>(
        executor_,
        store,
        clock_,
        pool_,
        znodes::Paths("sim"),
        orchestrator::NodeIdentity{
            .node = id_, .incarnation = host.incarnation, .peer_address = id_.str()},
        orchestrator::NodeOptions{.collection = collection_settings(),
                                  .worker = {.peers = &peers_}},
        [this] { return fmt::format("{:016x}{:016x}", random_(), random_()); });
}

SimNode::~SimNode() = default;

void SimNode::start() {
    tasks_.spawn("store", memory_->run());
    tasks_.spawn("checks", pool_.run());
    node_->start();
}

void SimNode::end() {
    bool ended = false;
    const auto finish = [](SimNode& self, bool& done) -> asio::awaitable<void> {
        co_await self.prober_.finish();
        co_await self.tasks_.stop();
        co_await self.node_->stop();
        done = true;
    };
    asio::co_spawn(executor_, finish(*this, ended), test::rethrow);
    truth_.run_for(0ns, [&] { return ended; });
    if (!ended) throw std::logic_error("a stopped node still waits for something: " + id_.str());
}

void SimNode::leave() {
    const auto leave = [](SimNode& self, std::shared_ptr<bool> done) -> asio::awaitable<void> {
        co_await self.node_->leave(30s);
        *done = true;
    };
    tasks_.spawn("leave", leave(*this, left_));
}

void SimNode::answer(std::string question, std::shared_ptr<std::optional<std::string>> box) {
    const auto answer =
        [](SimNode& self,
           std::string asked,
           std::shared_ptr<std::optional<std::string>> into) -> asio::awaitable<void> {
        // The probes begin in this turn of the executor, or there are none.
        self.prober_.vote(true);
        asio::post(self.executor_, [&self] { self.prober_.vote(false); });
        *into = co_await self.node_->answer_peer(std::move(asked));
    };
    tasks_.spawn("answer", answer(*this, std::move(question), std::move(box)));
}

bool SimNode::may_act() const {
    return node_->election() != nullptr && !clock_.frozen() &&
           node_->election()->may_act(clock_.now());
}

void SimNode::step_down() {
    const auto step_down = [](SimNode& self) -> asio::awaitable<void> {
        co_await self.node_->step_down();
    };
    tasks_.spawn("step down", step_down(*this));
}

}  // namespace muster::sim
