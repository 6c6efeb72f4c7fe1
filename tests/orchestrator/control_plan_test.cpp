#include "orchestrator/control_plan.hpp"

#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/follow/mirror.hpp"
#include "common/znodes/initial_tree.hpp"
#include "orchestrator/config_plan.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using coordination::CreateOp;
using coordination::SetOp;
using znodes::Role;

const GroupName web("web");

config::GroupSpec group_of(int backends, int shard_size) {
    config::GroupSpec group{.name = web, .shard_size = shard_size};
    for (int i = 0; i < backends; ++i) {
        const std::string host = fmt::format("10.0.{}.{}", i / 250, i % 250 + 1);
        group.backends.push_back({.id = BackendId(host + ":80"), .address = host, .port = 80});
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

/// A tree, a mirrored view of it, and masters that come and go: each plan is made from the view and
/// written straight into the tree.
class Board {
 public:
    Board() {
        const znodes::Control control{.stamp = {.cluster = "c1", .writer = "test"}};
        std::vector<coordination::Op> tree;
        for (znodes::InitialNode& node : znodes::initial_tree(paths, control))
            tree.emplace_back(CreateOp{.path = node.path, .data = node.data});
        EXPECT_TRUE(ensemble_.write(std::move(tree)).applied());
        asio::co_spawn(context_, store_.run(), [](const std::exception_ptr&) {});
        mirror_.start();
        read();
    }

    void apply(const config::GroupSpec& group) {
        write(plan_apply(paths, group, head(), author()));
    }
    void apply(const config::FleetSpec& fleet) {
        write(plan_apply(paths, fleet, head_at(paths.head(fleet.name)), author()));
    }
    void remove(const FleetName& fleet) {
        write(plan_removal(paths, fleet, head_at(paths.head(fleet)).value(), author()));
    }
    /// An agent beside an LB of fleet "edge".
    void register_agent(const std::string& instance, const std::string& address) {
        const FleetName edge("edge");
        const std::string path = paths.agent(edge, InstanceId(instance));
        const std::string report =
            znodes::encode(znodes::AgentReport{.stamp = {.cluster = "c1"},
                                               .fleet = edge,
                                               .instance = InstanceId(instance),
                                               .incarnation = "first",
                                               .address = address});
        if (!there(paths.agents(edge)))
            EXPECT_TRUE(ensemble_.write({CreateOp{.path = paths.agents(edge)}}).applied());
        if (there(path)) {
            EXPECT_TRUE(ensemble_.write({SetOp{.path = path, .data = report}}).applied());
        } else {
            EXPECT_TRUE(ensemble_.write({CreateOp{.path = path, .data = report}}).applied());
        }
        read();
    }
    /// As a worker publishes it.
    void publish(const ShardId& shard, std::string_view letters) {
        const znodes::ShardMembers& members =
            view.groups.at(shard.group).shards.at(shard.number).members->value;
        znodes::ShardStatus status{
            .stamp = {.cluster = "c1"}, .group_uid = members.group_uid, .layout = members.layout};
        for (const char letter : letters)
            status.letters.push_back(static_cast<znodes::Letter>(letter));
        EXPECT_TRUE(
            ensemble_.write({SetOp{.path = paths.status(shard), .data = znodes::encode(status)}})
                .applied());
        read();
    }
    void create(const std::string& path, const std::string& data) {
        EXPECT_TRUE(ensemble_.write({CreateOp{.path = path, .data = data}}).applied());
        read();
    }
    void wait(std::chrono::nanoseconds time) { clock_.run_for(time); }

    void remove() { write(plan_removal(paths, web, head().value(), author())); }
    void join(const std::string& node) {
        const znodes::Member member{.stamp = {.cluster = "c1", .writer = node},
                                    .node = NodeId(node),
                                    .incarnation = node + "-1",
                                    .probes = {"http"}};
        EXPECT_TRUE(ensemble_
                        .write({CreateOp{.path = paths.member(NodeId(node)),
                                         .data = znodes::encode(member)}})
                        .applied());
        read();
    }
    void take_office() {
        const auto* epoch = ensemble_.tree().find(paths.epoch());
        EXPECT_TRUE(
            ensemble_
                .write({SetOp{
                    .path = paths.epoch(), .data = epoch->data, .version = epoch->stat.version}})
                .applied());
        memory_ = {};
        read();
    }

    [[nodiscard]] ControlPlan plan() {
        ControlPlan next =
            plan_control(view,
                         {.paths = paths,
                          .cluster = "c1",
                          .node = NodeId("n1"),
                          .office = {.epoch = ensemble_.tree().find(paths.epoch())->stat.version},
                          .wall = clock_.wall(),
                          .time = {.now = clock_.now(), .listening_since = clock_.now()},
                          .assignment = {}},
                         memory_);
        return next;
    }
    bool commit(const Transaction& transaction) {
        const bool applied = ensemble_.write(transaction.ops).applied();
        read();
        return applied;
    }
    /// As the master does: all of a plan, then the next one, until nothing is left.
    void settle() {
        for (int rounds = 0; rounds < 10; ++rounds) {
            ControlPlan next = plan();
            memory_ = next.memory;
            if (next.transactions.empty()) return;
            for (const Transaction& transaction : next.transactions) {
                EXPECT_TRUE(commit(transaction)) << transaction.what;
            }
        }
        ADD_FAILURE() << "the plans never end";
    }

    /// What the tree says to whoever reads it: backends by shard, and one owner for each shard.
    [[nodiscard]] std::string shape() {
        std::string text;
        for (const auto& [name, group] : view.groups) {
            if (!group.index || group.index->gone) continue;
            text += fmt::format("{} shards {}:", name.str(), group.index->value.shards);
            for (const auto& [k, shard] : group.shards) {
                if (!shard.members || shard.members->gone) continue;
                text += fmt::format(" {}=", k);
                for (const znodes::Slot& slot : shard.members->value.slots)
                    text += (slot.tombstone ? "-" : "") + slot.backend.str() + ",";
                EXPECT_TRUE(shard.status && !shard.status->gone) << k;
            }
        }
        std::map<ShardId, int> owners;
        for (const auto& [node, document] : view.assignments) {
            for (const znodes::AssignedShard& shard : document.value.shards)
                if (shard.role != Role::warm) ++owners[shard.shard];
        }
        text += "; owned:";
        for (const auto& [shard, count] : owners) {
            EXPECT_EQ(count, 1) << shard.str();
            text += " " + shard.str();
        }
        return text;
    }
    [[nodiscard]] bool there(const std::string& path) const {
        return ensemble_.tree().find(path) != nullptr;
    }
    void garble(const std::string& path) {
        EXPECT_TRUE(ensemble_.write({SetOp{.path = path, .data = "?"}}).applied());
        read();
    }

    /// Whatever of these can be: not what has children that stay.
    void erase(std::vector<std::string> paths_to_erase) {
        // Children before their parents.
        std::ranges::sort(paths_to_erase, std::ranges::greater{});
        for (const std::string& path : paths_to_erase)
            (void)ensemble_.write({coordination::DeleteOp{.path = path}});
        read();
    }

    znodes::Paths paths{"test"};
    follow::ClusterView view;

 private:
    void read() { clock_.run_for(1s); }
    std::optional<KnownHead> head() { return head_at(paths.group_head(web)); }
    std::optional<KnownHead> head_at(const std::string& path) {
        const auto* node = ensemble_.tree().find(path);
        if (node == nullptr) return std::nullopt;
        return KnownHead{.head = znodes::decode<znodes::GroupHead>(node->data, "c1").value(),
                         .version = node->stat.version};
    }
    ConfigAuthor author() {
        return {.cluster = "c1",
                .name = "test",
                .writer = "test",
                .new_uid = fmt::format("uid-{}", ++uids_)};
    }
    void write(const ConfigWrite& planned) {
        for (const CreateOp& op : planned.prepare) (void)ensemble_.write({op});
        EXPECT_TRUE(ensemble_.write(planned.commit).applied());
        read();
    }

    asio::io_context context_{1};
    test::VirtualClock clock_{context_};
    coordination::MemoryEnsemble ensemble_{context_.get_executor(), clock_};
    coordination::MemoryStore store_{context_.get_executor(), clock_, ensemble_, {}};
    follow::Mirror mirror_{
        context_.get_executor(),
        store_,
        clock_,
        paths.root(),
        [this](const std::string& path) { return follow::interest_in(paths, view, path); },
        [this](const std::vector<std::string>& changed) {
            follow::apply(view, paths, mirror_, changed, clock_.now());
            std::vector<std::string> chunks;
            for (const std::string& hash : view.named_chunks) {
                if (!view.chunks.contains(hash)) chunks.push_back(paths.chunk(hash));
            }
            if (!chunks.empty()) mirror_.refresh(chunks);
        }};
    ControlMemory memory_;
    int uids_ = 0;
};

/// The histories that a master may die in: a scene, and the change that it has to work through.
struct Scene {
    std::string name;
    std::function<void(Board&)> before;
    std::function<void(Board&)> change;
};

std::vector<Scene> scenes() {
    const auto settled = [](Board& board) {
        board.join("n1");
        board.join("n2");
        board.apply(group_of(40, 4));
        board.take_office();
        board.settle();
    };
    return {{"a new group",
             [](Board& board) {
                 board.join("n1");
                 board.join("n2");
             },
             [](Board& board) { board.apply(group_of(400, 2)); }},
            {"many backends more", settled, [](Board& board) { board.apply(group_of(300, 4)); }},
            {"most backends gone", settled, [](Board& board) { board.apply(group_of(3, 4)); }},
            {"the group deleted", settled, [](Board& board) { board.remove(); }},
            {"the group made anew", settled, [](Board& board) {
                 board.remove();
                 board.apply(group_of(30, 8));
             }}};
}

TEST(ControlPlan, OfASettledTreeIsEmpty) {
    for (const Scene& scene : scenes()) {
        Board board;
        scene.before(board);
        scene.change(board);
        board.take_office();
        board.settle();
        EXPECT_TRUE(board.plan().transactions.empty()) << scene.name;
    }
}

TEST(ControlPlan, EveryTransactionChecksTheEpochFirst) {
    for (const Scene& scene : scenes()) {
        Board board;
        scene.before(board);
        scene.change(board);
        board.take_office();
        const ControlPlan plan = board.plan();
        ASSERT_FALSE(plan.transactions.empty()) << scene.name;
        board.take_office();  // another master
        for (const Transaction& transaction : plan.transactions) {
            const auto* guard = std::get_if<coordination::CheckOp>(&transaction.ops.front());
            ASSERT_NE(guard, nullptr) << scene.name << ": " << transaction.what;
            EXPECT_EQ(guard->path, board.paths.epoch());
            EXPECT_FALSE(board.commit(transaction)) << scene.name << ": " << transaction.what;
        }
    }
}

TEST(ControlPlan, AnotherMasterEndsWhatOneBeganWhereverItDied) {
    for (const Scene& scene : scenes()) {
        Board whole;
        scene.before(whole);
        scene.change(whole);
        whole.take_office();
        const std::size_t steps = whole.plan().transactions.size();
        whole.settle();
        const std::string wanted = whole.shape();
        for (std::size_t dies_after = 0; dies_after <= steps; ++dies_after) {
            SCOPED_TRACE(fmt::format("{}, after {} of {}", scene.name, dies_after, steps));
            Board board;
            scene.before(board);
            scene.change(board);
            board.take_office();
            const ControlPlan plan = board.plan();
            ASSERT_EQ(plan.transactions.size(), steps);
            for (std::size_t i = 0; i < dies_after; ++i)
                ASSERT_TRUE(board.commit(plan.transactions[i]));
            board.take_office();
            board.settle();
            EXPECT_EQ(board.shape(), wanted);
        }
    }
}

TEST(ControlPlan, MakesGarbageGoodAgain) {
    Board board;
    board.join("n1");
    board.apply(group_of(12, 4));
    board.take_office();
    board.settle();
    const std::string wanted = board.shape();
    const ShardId shard{.group = web, .number = 1};
    for (const std::string& path : {board.paths.index(web),
                                    board.paths.shard_members(shard),
                                    board.paths.status(shard),
                                    board.paths.map(),
                                    board.paths.assignment(NodeId("n1"))}) {
        board.garble(path);
        board.settle();
        EXPECT_EQ(board.shape(), wanted) << path;
    }
}

TEST(ControlPlan, MakesAgainWhateverWasDeleted) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        Board board;
        board.join("n1");
        board.join("n2");
        board.apply(group_of(12, 4));
        board.take_office();
        board.settle();
        const std::string wanted = board.shape();
        std::vector<std::string> all{board.paths.group(web),
                                     board.paths.index(web),
                                     board.paths.shards(web),
                                     board.paths.map()};
        for (const NodeId& node : {NodeId("n1"), NodeId("n2")}) {
            all.push_back(board.paths.ack(node));
            all.push_back(board.paths.progress(node));
        }
        for (int k = 0; k < 3; ++k) {
            const ShardId shard{.group = web, .number = k};
            all.push_back(board.paths.shard(shard));
            all.push_back(board.paths.shard_members(shard));
            all.push_back(board.paths.status(shard));
        }
        // From hardly anything to nearly everything; a parent only goes when its children do.
        std::bernoulli_distribution goes(round % 10 / 10.0 + 0.1);
        std::vector<std::string> victims;
        for (const std::string& path : all) {
            if (goes(random)) victims.push_back(path);
        }
        board.erase(victims);
        board.settle();
        ASSERT_EQ(board.shape(), wanted) << fmt::format("{}", fmt::join(victims, " "));
        for (const std::string& path : all) ASSERT_TRUE(board.there(path)) << path;
        ASSERT_TRUE(board.plan().transactions.empty());
    }
}

TEST(ControlPlan, LeavesAGroupAloneWhoseHeadCannotBeRead) {
    Board board;
    board.join("n1");
    board.apply(group_of(12, 4));
    board.take_office();
    board.settle();
    const std::string wanted = board.shape();
    board.garble(board.paths.group_head(web));
    board.settle();
    EXPECT_EQ(board.shape(), wanted);
}

TEST(ControlPlan, TakesADeletedGroupsNodesAway) {
    Board board;
    board.join("n1");
    board.apply(group_of(12, 4));
    board.take_office();
    board.settle();
    ASSERT_TRUE(board.there(board.paths.group(web)));
    board.remove();
    board.settle();
    EXPECT_FALSE(board.there(board.paths.group(web)));
    EXPECT_TRUE(board.there(board.paths.group_head(web))) << "the tombstone stays";
}

config::FleetSpec edge_fleet() {
    return {.name = FleetName("edge"),
            .listeners = {{.name = "main", .port = 80, .group = web}},
            .health = {.forget_after = std::chrono::hours(1)}};
}

const ShardId edge_shard{.group = GroupName("@edge"), .number = 0};

/// A fleet with two LBs that are registered, serve, and are laid out.
class Lbs : public testing::Test {
 protected:
    Lbs() {
        board.join("n1");
        board.take_office();
        board.apply(edge_fleet());
        board.settle();
        EXPECT_EQ(board.shape(), "; owned:") << "a fleet without LBs has no group";
        board.register_agent("lb1", "10.0.0.1:80");
        board.register_agent("lb2", "10.0.0.2:80");
        board.settle();
        board.publish(edge_shard, "UU");
    }
    [[nodiscard]] const std::vector<znodes::Slot>& slots() const {
        return board.view.groups.at(edge_shard.group).shards.at(0).members->value.slots;
    }

    Board board;
    const std::string both = "@edge shards 1: 0=lb1,lb2,; owned: @edge/0";
};

TEST_F(Lbs, AreLaidOutAndAssignedAsBackendsAre) {
    EXPECT_EQ(board.shape(), both);
    EXPECT_EQ(slots()[0].address, "10.0.0.1:80");
    EXPECT_TRUE(board.plan().transactions.empty());
    const follow::GroupView& group = board.view.groups.at(edge_shard.group);
    ASSERT_TRUE(group.live());
    EXPECT_EQ(group.spec->backends.size(), 2U);
    EXPECT_EQ(group.head->value.uid, board.view.fleets.at(FleetName("edge")).head->value.uid);
}

TEST_F(Lbs, StayWhateverHappensToTheirAgents) {
    const FleetName edge("edge");
    board.garble(board.paths.agent(edge, InstanceId("lb1")));
    board.settle();
    EXPECT_EQ(board.shape(), both);
    board.erase({board.paths.agent(edge, InstanceId("lb1")),
                 board.paths.agent(edge, InstanceId("lb2")),
                 board.paths.agents(edge)});
    board.settle();
    EXPECT_EQ(board.shape(), both);
    board.take_office();
    board.settle();
    EXPECT_EQ(board.shape(), both);
    board.erase({board.paths.agents()});
    board.wait(2h);
    board.settle();
    EXPECT_EQ(board.shape(), both);
    EXPECT_EQ(slots()[1].address, "10.0.0.2:80");
}

TEST_F(Lbs, AreMadeAgainFromWhatIsKnown) {
    board.erase({board.paths.agent(FleetName("edge"), InstanceId("lb1")),
                 board.paths.agent(FleetName("edge"), InstanceId("lb2")),
                 board.paths.status(edge_shard),
                 board.paths.shard_members(edge_shard),
                 board.paths.shard(edge_shard),
                 board.paths.shards(edge_shard.group),
                 board.paths.index(edge_shard.group),
                 board.paths.group(edge_shard.group)});
    board.settle();
    EXPECT_EQ(board.shape(), both);
    const auto& status = board.view.groups.at(edge_shard.group).shards.at(0).status->value;
    EXPECT_EQ(status.letters, (std::vector{znodes::Letter::up, znodes::Letter::up}));
}

TEST_F(Lbs, MoveWithTheirSlot) {
    board.register_agent("lb2", "10.0.0.9:80");
    board.settle();
    EXPECT_EQ(board.shape(), both);
    EXPECT_EQ(slots()[1].address, "10.0.0.9:80");
    EXPECT_EQ(board.view.groups.at(edge_shard.group).spec->backends[1].address, "10.0.0.9");
    const auto& status = board.view.groups.at(edge_shard.group).shards.at(0).status->value;
    EXPECT_EQ(status.letters.size(), 2U) << "what was found of it is not forgotten";
}

TEST_F(Lbs, AreAsTheFleetListsThem) {
    config::FleetSpec fleet = edge_fleet();
    fleet.instances = {{.id = InstanceId("lb2"),
                        .address = "192.0.2.2",
                        .port = 443,
                        .weight = 7,
                        .admin = config::Admin::drain}};
    board.apply(fleet);
    const auto& group = board.view.groups.at(edge_shard.group);
    EXPECT_EQ(group.spec->backends[1].weight, 7) << "without waiting for a master";
    EXPECT_EQ(group.spec->backends[1].address, "192.0.2.2");
    board.settle();
    EXPECT_TRUE(slots()[1].listed);
    EXPECT_EQ(slots()[1].address, "192.0.2.2:443");
    // No agent speaks for it, and people take it back.
    board.erase({board.paths.agent(FleetName("edge"), InstanceId("lb2"))});
    board.apply(edge_fleet());
    board.settle();
    EXPECT_EQ(board.shape(), "@edge shards 1: 0=lb1,-lb2,; owned: @edge/0");
}

TEST_F(Lbs, AreForgottenWhenTheyAreUnregisteredAndDownForSoLong) {
    board.erase({board.paths.agent(FleetName("edge"), InstanceId("lb2"))});
    board.publish(edge_shard, "UD");
    board.settle();
    ASSERT_TRUE(board.plan().again) << "time alone changes it";
    board.wait(59min);
    board.settle();
    EXPECT_EQ(board.shape(), both);
    board.wait(1min);
    board.settle();
    EXPECT_EQ(board.shape(), "@edge shards 1: 0=lb1,-lb2,; owned: @edge/0");
}

TEST_F(Lbs, GoWithTheirFleetAndComeBackWithIt) {
    board.remove(FleetName("edge"));
    board.settle();
    EXPECT_EQ(board.shape(), "; owned:");
    EXPECT_FALSE(board.there(board.paths.group(edge_shard.group)));
    board.apply(edge_fleet());
    board.settle();
    EXPECT_EQ(board.shape(), both) << "their agents are registered";
}

TEST_F(Lbs, HaveNoHeadOfTheirOwn) {
    board.create(board.paths.group_head(edge_shard.group),
                 znodes::encode(znodes::GroupHead{.stamp = {.cluster = "c1"},
                                                  .uid = "stranger",
                                                  .generation = 9,
                                                  .spec = R"({"backends":[]})",
                                                  .deleted = true}));
    board.settle();
    EXPECT_EQ(board.shape(), both);
}

}  // namespace
}  // namespace muster::orchestrator
