// What every provider does, whatever makes its machines.
#include "tests/scaler/providers/example_world.hpp"
#include "tests/scaler/providers/exec_world.hpp"
#include "tests/scaler/providers/hostile_answers.hpp"
#include "tests/scaler/providers/process_world.hpp"
#include "tests/scaler/providers/systemd_world.hpp"
#include "tests/scaler/providers/webhook_world.hpp"
#include "tests/support/eventually.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <future>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::ElementsAre;
using testing::IsEmpty;

const FleetName edge("edge");
const ProviderFence fence{.era = 1, .epoch = 5};

struct Kind {
    std::string name;
    MakeProviderWorld make;
};

void PrintTo(const Kind& kind, std::ostream* out) {
    *out << kind.name;
}

class ProviderConformance : public testing::TestWithParam<Kind> {
 protected:
    ProviderWorld& world() { return *world_; }
    Provider& provider() { return world_->provider(); }

    static MachineOrder order(const std::string& id,
                              const std::string& token = "t1",
                              const FleetName& fleet = edge) {
        return {
            .fleet = fleet, .id = InstanceId(id), .token = token, .parameters = {{"size", "2"}}};
    }
    ProviderResult<Machine> create(const std::string& id,
                                   const std::string& token = "t1",
                                   const ProviderFence& by = fence) {
        return world_->run(provider().create(order(id, token), by));
    }
    ProviderResult<Machine> get(const std::string& id) {
        return world_->run(provider().get(edge, InstanceId(id)));
    }
    ProviderResult<void> remove(const std::string& id, const ProviderFence& by = fence) {
        return world_->run(provider().remove(edge, InstanceId(id), 5s, by));
    }
    std::vector<std::string> listed(const FleetName& fleet = edge) {
        const auto machines = world_->run(provider().list(fleet));
        EXPECT_TRUE(machines) << machines.error().detail;
        std::vector<std::string> ids;
        if (!machines) return ids;
        EXPECT_TRUE(machines->complete);
        for (const Machine& machine : machines->machines) ids.push_back(machine.id.str());
        return ids;
    }
    /// Programs start a moment after create() has answered.
    bool becomes(const std::string& id, std::size_t machines) {
        return eventually(10s, [&] { return world_->machines(edge, InstanceId(id)) == machines; });
    }
    bool comes_to_run(const std::string& id) {
        return eventually(10s, [&] {
            const auto machine = get(id);
            return machine && machine->state == MachineState::running;
        });
    }

 private:
    std::unique_ptr<ProviderWorld> world_ = GetParam().make();
};

template <class T>
testing::AssertionResult is_trouble(const ProviderResult<T>& result, Trouble trouble) {
    if (result) return testing::AssertionFailure() << "it succeeded";
    if (result.error().trouble == trouble && !result.error().detail.empty())
        return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << static_cast<int>(result.error().trouble) << ": " << result.error().detail;
}

TEST_P(ProviderConformance, MakesOneMachineHoweverOftenItIsAsked) {
    for (int i = 0; i < 3; ++i) {
        const auto made = create("edge-1-1");
        ASSERT_TRUE(made) << made.error().detail;
        EXPECT_EQ(made->id.str(), "edge-1-1");
        EXPECT_EQ(made->token, "t1");
    }
    EXPECT_TRUE(comes_to_run("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
    const auto got = get("edge-1-1");
    ASSERT_TRUE(got);
    EXPECT_FALSE(got->address.empty());
    EXPECT_LT(got->age, 1min);
    EXPECT_TRUE(create("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
}

TEST_P(ProviderConformance, RefusesAnotherTokenForANameInUse) {
    ASSERT_TRUE(create("edge-1-1"));
    EXPECT_TRUE(is_trouble(create("edge-1-1", "t2"), Trouble::invalid));
    EXPECT_TRUE(becomes("edge-1-1", 1));
    EXPECT_EQ(get("edge-1-1")->token, "t1");
}

TEST_P(ProviderConformance, RemovesForGoodHoweverOftenItIsAsked) {
    ASSERT_TRUE(create("edge-1-1"));
    ASSERT_TRUE(comes_to_run("edge-1-1"));
    for (int i = 0; i < 3; ++i) {
        const auto removed = remove("edge-1-1");
        EXPECT_TRUE(removed) << removed.error().detail;
    }
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 0);
    EXPECT_EQ(*get("edge-1-1"),
              (Machine{.id = InstanceId("edge-1-1"), .state = MachineState::stopped}));
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(ProviderConformance, RemovesWhatHasJustBeenOrdered) {
    ASSERT_TRUE(create("edge-1-1"));
    const auto removed = remove("edge-1-1");
    EXPECT_TRUE(removed) << removed.error().detail;
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 0);
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(ProviderConformance, SaysOfWhatIsNotThereThatItIsNotThere) {
    const auto got = get("edge-9-9");
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(*got, (Machine{.id = InstanceId("edge-9-9"), .state = MachineState::stopped}));
    EXPECT_THAT(listed(), IsEmpty());
    const auto removed = remove("edge-9-9");
    EXPECT_TRUE(removed) << removed.error().detail;
}

TEST_P(ProviderConformance, ListsAFleetsMachinesInOrderAndNoOthers) {
    for (const char* id : {"edge-2-1", "edge-10-1", "edge-1-2"}) ASSERT_TRUE(create(id)) << id;
    const FleetName other("edge-b");
    ASSERT_TRUE(world().run(provider().create(order("edge-b-1-1", "t1", other), fence)));
    EXPECT_THAT(listed(), ElementsAre("edge-1-2", "edge-10-1", "edge-2-1"));
    EXPECT_THAT(listed(other), ElementsAre("edge-b-1-1"));
    EXPECT_THAT(listed(FleetName("nobody")), IsEmpty());
}

/// Both clusters give the same names: each has a fleet `edge`, and the same ids in it.
TEST_P(ProviderConformance, NeitherListsNorRemovesAnotherClustersMachines) {
    const InstanceId id("edge-12-1");
    ASSERT_TRUE(create(id.str()));
    ASSERT_TRUE(comes_to_run(id.str()));
    world().work_for("staging");
    EXPECT_THAT(listed(), IsEmpty());
    EXPECT_EQ(*get(id.str()), (Machine{.id = id, .state = MachineState::stopped}));
    for (int i = 0; i < 3; ++i) (void)remove(id.str());
    EXPECT_EQ(world().machines(edge, id), 1);
    // A machine of its own, where names are each cluster's; else none. It isn't given theirs.
    if (const auto made = create(id.str(), "t9")) EXPECT_EQ(made->token, "t9");
    (void)remove(id.str());
    EXPECT_EQ(world().machines(edge, id), 1);
    world().work_for("prod");
    EXPECT_THAT(listed(), ElementsAre(id.str()));
    EXPECT_EQ(get(id.str())->token, "t1");
    EXPECT_EQ(get(id.str())->state, MachineState::running);
    const auto removed = remove(id.str());
    EXPECT_TRUE(removed) << removed.error().detail;
    EXPECT_EQ(world().machines(edge, id), 0);
}

TEST_P(ProviderConformance, GoesOnWithMachinesThatAnEarlierReleaseMade) {
    ASSERT_TRUE(create("edge-1-1"));
    if (!world().unlabel()) return;
    EXPECT_THAT(listed(), ElementsAre("edge-1-1"));
    EXPECT_EQ(get("edge-1-1")->token, "t1");
    ASSERT_TRUE(create("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
    const auto removed = remove("edge-1-1");
    EXPECT_TRUE(removed) << removed.error().detail;
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(ProviderConformance, SaysBeforeADrainWhetherItWillRemove) {
    ASSERT_TRUE(create("edge-1-1"));
    const auto can = world().run(provider().can_remove(edge, InstanceId("edge-1-1")));
    EXPECT_TRUE(can) << can.error().detail;
}

TEST_P(ProviderConformance, RefusesLowerTokensWhereItSaysSo) {
    ASSERT_TRUE(create("edge-1-1"));
    const std::array lower{ProviderFence{.era = 1, .epoch = 4},
                           ProviderFence{.era = 0, .epoch = 9}};
    for (const ProviderFence& old : lower) {
        if (!world().fences()) break;
        EXPECT_TRUE(is_trouble(create("edge-1-2", "t1", old), Trouble::fenced));
        EXPECT_TRUE(is_trouble(create("edge-1-1", "t1", old), Trouble::fenced));
        EXPECT_TRUE(is_trouble(remove("edge-1-1", old), Trouble::fenced));
        world().restart();
    }
    EXPECT_THAT(listed(), ElementsAre("edge-1-1"));
    for (const ProviderFence& higher :
         {ProviderFence{.era = 1, .epoch = 6}, ProviderFence{.era = 2, .epoch = 0}}) {
        const auto made = create("edge-1-1", "t1", higher);
        EXPECT_TRUE(made) << made.error().detail;
    }
    const auto removed = remove("edge-1-1", {.era = 2, .epoch = 0});
    EXPECT_TRUE(removed) << removed.error().detail;
}

TEST_P(ProviderConformance, MakesSeveralAtOnce) {
    constexpr int many = 6;
    std::vector<std::future<ProviderResult<Machine>>> calls;
    world().context().restart();
    for (int i = 0; i < many; ++i) {
        // Each twice: the second of a pair finds the first one's, or comes before it.
        calls.push_back(
            asio::co_spawn(world().context(),
                           provider().create(order("edge-1-" + std::to_string(i / 2)), fence),
                           asio::use_future));
    }
    world().context().run();
    for (auto& call : calls) {
        const auto made = call.get();
        EXPECT_TRUE(made) << made.error().detail;
    }
    EXPECT_THAT(listed(), ElementsAre("edge-1-0", "edge-1-1", "edge-1-2"));
    for (const char* id : {"edge-1-0", "edge-1-1", "edge-1-2"}) EXPECT_TRUE(becomes(id, 1)) << id;
}

TEST_P(ProviderConformance, TakesEveryLegalName) {
    for (const std::string& id : {std::string("0"),
                                  std::string("A.b_c-D"),
                                  std::string("a..b"),
                                  std::string("x--y"),
                                  std::string("lock"),
                                  std::string("machine.json"),
                                  std::string(128, 'z')}) {
        const auto made = create(id);
        ASSERT_TRUE(made) << id << ": " << made.error().detail;
        EXPECT_EQ(get(id)->token, "t1") << id;
        EXPECT_THAT(listed(), ElementsAre(id));
        const auto removed = remove(id);
        EXPECT_TRUE(removed) << id << ": " << removed.error().detail;
        EXPECT_THAT(listed(), IsEmpty());
    }
}

TEST_P(ProviderConformance, RefusesNamesThatCouldMeanSomethingElse) {
    for (const std::string& id : {std::string(),
                                  std::string("../up"),
                                  std::string("."),
                                  std::string(".gone"),
                                  std::string("-x"),
                                  std::string("a/b"),
                                  std::string("a b"),
                                  std::string("a\nb"),
                                  std::string("a\0b", 3),
                                  std::string("%2e"),
                                  std::string("\xc3\xa9"),
                                  std::string(129, 'z')}) {
        EXPECT_TRUE(is_trouble(create(id), Trouble::invalid)) << id;
        EXPECT_TRUE(is_trouble(get(id), Trouble::invalid)) << id;
        EXPECT_TRUE(is_trouble(remove(id), Trouble::invalid)) << id;
        EXPECT_TRUE(is_trouble(world().run(provider().list(FleetName(id))), Trouble::invalid))
            << id;
    }
    for (const std::string& token : {std::string(), std::string("a b"), std::string("a\nB=c")})
        EXPECT_TRUE(is_trouble(create("edge-1-1", token), Trouble::invalid)) << token;
    MachineOrder bad = order("edge-1-1");
    bad.parameters["size"] = "2\nuser root";
    EXPECT_TRUE(is_trouble(world().run(provider().create(bad, fence)), Trouble::invalid));
    bad.parameters = {{"x=y\nz", "2"}};
    EXPECT_TRUE(is_trouble(world().run(provider().create(bad, fence)), Trouble::invalid));
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(ProviderConformance, KnowsItsMachinesAfterARestart) {
    ASSERT_TRUE(create("edge-1-1"));
    ASSERT_TRUE(comes_to_run("edge-1-1"));
    world().restart();
    EXPECT_THAT(listed(), ElementsAre("edge-1-1"));
    EXPECT_EQ(get("edge-1-1")->token, "t1");
    EXPECT_EQ(get("edge-1-1")->state, MachineState::running);
    ASSERT_TRUE(create("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
    world().restart();
    const auto removed = remove("edge-1-1");
    EXPECT_TRUE(removed) << removed.error().detail;
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 0);
}

TEST_P(ProviderConformance, FindsWhatBecameOfACreateWhoseAnswerWasLost) {
    world().lose_next_answer();
    try {
        EXPECT_TRUE(is_trouble(create("edge-1-1"), Trouble::unknown_outcome));
    } catch (const std::runtime_error&) {
        // Of the process provider: musterd itself ends there.
    }
    world().restart();
    const auto got = get("edge-1-1");
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->token, "t1");
    EXPECT_THAT(listed(), ElementsAre("edge-1-1"));
    const auto again = create("edge-1-1");
    EXPECT_TRUE(again) << again.error().detail;
    EXPECT_TRUE(comes_to_run("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
}

TEST_P(ProviderConformance, GoesOnWithACreateThatWasBrokenOff) {
    for (int broken_off = 0; broken_off < 3; ++broken_off) {
        world().break_off(provider().create(order("edge-1-1"), fence), broken_off);
        world().restart();
    }
    const auto made = create("edge-1-1");
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(comes_to_run("edge-1-1"));
    EXPECT_EQ(world().machines(edge, InstanceId("edge-1-1")), 1);
}

TEST_P(ProviderConformance, BelievesNoAnswerThatCannotBe) {
    if (!world().takes_answers()) return;
    ASSERT_TRUE(create("edge-1-2"));
    for (const std::string& answer : hostile_answers()) {
        SCOPED_TRACE(answer.substr(0, 200));
        world().answer_next(answer);
        EXPECT_TRUE(is_trouble(world().run(provider().list(edge)), Trouble::transient));
        world().answer_next(answer);
        EXPECT_TRUE(is_trouble(get("edge-1-1"), Trouble::transient));
        world().answer_next(answer);
        EXPECT_TRUE(is_trouble(create("edge-1-1"), Trouble::unknown_outcome));
    }
    EXPECT_THAT(listed(), ElementsAre("edge-1-2"));
}

TEST_P(ProviderConformance, DoesNotTakeAnIncompleteListForAWholeOne) {
    if (!world().takes_answers()) return;
    world().answer_next(R"({"complete":false,"machines":[]})");
    const auto machines = world().run(provider().list(edge));
    ASSERT_TRUE(machines) << machines.error().detail;
    EXPECT_FALSE(machines->complete);
    EXPECT_THAT(machines->machines, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All,
                         ProviderConformance,
                         testing::Values(Kind{"Process", make_process_world},
                                         Kind{"Exec", make_exec_world},
                                         Kind{"Webhook", make_webhook_world},
                                         Kind{"Systemd", make_systemd_world},
                                         Kind{"Docker", make_docker_world},
                                         Kind{"Kubectl", make_kubectl_world},
                                         Kind{"Aws", make_aws_world}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace

}  // namespace muster::test
