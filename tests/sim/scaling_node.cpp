#include "tests/sim/scaling_node.hpp"

#include "common/config/decode.hpp"
#include "orchestrator/config_plan.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;
using namespace orchestrator;

ScalingNode::ScalingNode(World& world, SimNode& node, ScaleDutySettings settings)
    : world_(world),
      node_(node),
      duty_(std::make_unique<ScaleDuty>(
          world.context.get_executor(),
          node.store(),
          node.clock(),
          node.node(),
          nullptr,
          std::move(settings),
          [&node] { return fmt::format("{:016x}{:016x}", node.random()(), node.random()()); },
          [] { return false; },
          [] {})),
      tasks_(world.context.get_executor()) {
    node.node().on_change([this](const follow::ViewChange&) { duty_->look(); });
    duty_->start();
    tasks_.spawn("snapshots", publish());
}

void ScalingNode::end() {
    bool ended = false;
    const auto stop = [](ScalingNode& self, bool& done) -> asio::awaitable<void> {
        co_await self.tasks_.stop();
        co_await self.duty_->stop();
        done = true;
    };
    node_.node().on_change({});
    asio::co_spawn(world_.context, stop(*this, ended), test::rethrow);
    world_.run_until(0ns, [&] { return ended; });
    if (!ended) throw std::logic_error("the duty still waits for something");
}

asio::awaitable<void> ScalingNode::publish() {
    for (;;) {
        const Election* const election = node_.node().election();
        SnapshotFacts facts{.cluster_name = "sim",
                            .self = {.node = node_.id()},
                            .session = node_.store().session(),
                            .settled = node_.node().settled(),
                            .scaling_notes = duty_->notes(),
                            .now = node_.clock().now(),
                            .wall = node_.clock().wall()};
        if (election != nullptr && election->office()) {
            facts.office = election->office();
            facts.lease_until = election->lease_until();
        }
        snapshot_ = builder_.build(node_.node().view(), facts);
        duty_->take(snapshot_);
        co_await node_.clock().sleep_for(1s);
    }
}

void apply_fleet(World& world, const std::string& document) {
    const auto decoded = config::decode(document);
    if (!decoded.problems.empty())
        throw std::logic_error(config::to_string(decoded.problems.front()));
    const ConfigWrite write = plan_apply(world.paths,
                                         decoded.fleets.at(0),
                                         std::nullopt,
                                         {.cluster = World::cluster,
                                          .name = "scene",
                                          .writer = "scene",
                                          .time = world.clock.wall(),
                                          .new_uid = "uid-of-" + decoded.fleets.at(0).name.str()});
    for (const coordination::CreateOp& op : write.prepare) world.ensemble.write({op});
    if (!world.ensemble.write(write.commit).applied())
        throw std::logic_error("the fleet was refused");
}

}  // namespace muster::sim
