// The judges of failovers can say no.
#include "tests/failover/fleet_log.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using znodes::InstancePhase;
using Verb = MachinePark::Verb;
using Texts = std::vector<std::string>;

const FleetName edge("edge");
const InstanceId first("edge-1-1");
const InstanceId second("edge-1-2");

WallTime at(int number) {
    return WallTime(std::chrono::seconds(1'000 + number));
}

znodes::FleetInstanceRecord in(InstancePhase phase, const std::string& token = "t") {
    return {.phase = phase, .token = token};
}

FleetCommit commit(int when, const InstanceId& id, InstancePhase phase) {
    return {.zxid = when, .at = at(when), .fleet = edge, .records = {{id, in(phase)}}};
}

FleetCommit leaving(int tick, std::vector<InstanceId> ids) {
    return {.zxid = tick,
            .at = at(tick),
            .fleet = edge,
            .state = znodes::FleetState{
                .intent = znodes::FleetIntent{.kind = znodes::FleetIntentKind::in,
                                              .leaving = std::move(ids)},
                .tick = 1'000 + tick}};
}

TEST(FleetLog, TellsPhasesThatMayNotFollow) {
    EXPECT_EQ(judge_order({commit(1, first, InstancePhase::creating),
                           commit(2, first, InstancePhase::booting),
                           commit(3, first, InstancePhase::warming),
                           commit(4, first, InstancePhase::serving)}),
              Texts{});
    EXPECT_EQ(judge_order({commit(1, first, InstancePhase::planned),
                           commit(2, first, InstancePhase::serving)}),
              Texts{"2 edge: edge-1-1 goes from planned to serving"});
    EXPECT_EQ(judge_order({commit(1, first, InstancePhase::planned),
                           commit(2, first, InstancePhase::creating),
                           commit(3, first, InstancePhase::booting),
                           commit(4, first, InstancePhase::failed),
                           commit(5, first, InstancePhase::serving)}),
              Texts{"5 edge: edge-1-1 goes from failed to serving"});
    FleetCommit gone = commit(2, first, InstancePhase::planned);
    gone.records[first].reset();
    EXPECT_EQ(judge_order({commit(1, first, InstancePhase::planned),
                           gone,
                           commit(3, first, InstancePhase::planned)}),
              Texts{"3 edge: edge-1-1 comes back"});
}

TEST(FleetLog, TellsOlderMasters) {
    FleetCommit one = leaving(1, {});
    one.state->stamp.token = 2;
    FleetCommit other = leaving(2, {});
    other.state->stamp.token = 1;
    EXPECT_EQ(judge_order({one, other}), Texts{"2 edge: written by an older master"});
}

TEST(FleetLog, TellsRemovalsBeyondTheBudget) {
    const RemovalBudget budget{.count = 1, .window = 60s};
    EXPECT_EQ(judge_removals({leaving(0, {first}), leaving(60, {first, second})}, {}, budget),
              Texts{});
    EXPECT_EQ(judge_removals({leaving(0, {first}), leaving(59, {first, second})}, {}, budget),
              Texts{"edge: 2 are told to leave within 60s"});
}

TEST(FleetLog, TellsRemovalsThatNobodyHadWritten) {
    const MachinePark::Done removed{
        .verb = Verb::remove, .fleet = "edge", .id = first.str(), .at = at(5)};
    EXPECT_EQ(judge_removals({commit(4, first, InstancePhase::deleting)}, {removed}, {}), Texts{});
    EXPECT_EQ(judge_removals({commit(6, first, InstancePhase::deleting)}, {removed}, {}),
              Texts{"edge-1-1 was removed before it was written"});
    EXPECT_EQ(judge_removals({commit(4, first, InstancePhase::draining)}, {removed}, {}),
              Texts{"edge-1-1 was removed, and nobody had written so"});
}

TEST(FleetLog, TellsNamesOfWhatDoesNotServe) {
    const std::vector<MachinePark::Done> made{{.verb = Verb::create,
                                               .fleet = "edge",
                                               .id = first.str(),
                                               .address = "127.1.0.1:1",
                                               .at = at(0)},
                                              {.verb = Verb::create,
                                               .fleet = "edge",
                                               .id = second.str(),
                                               .address = "127.1.0.2:1",
                                               .at = at(0)}};
    const std::vector<FleetCommit> commits{commit(1, first, InstancePhase::warming),
                                           commit(2, first, InstancePhase::serving),
                                           commit(5, second, InstancePhase::warming),
                                           commit(8, second, InstancePhase::serving),
                                           commit(9, first, InstancePhase::draining),
                                           commit(20, first, InstancePhase::deleting)};
    const auto published = [](int second_of, const std::string& host) {
        return DnsWatch::Event{.seen = at(second_of), .key = "/" + host, .host = host};
    };
    const auto removed = [](int second_of, const std::string& host) {
        return DnsWatch::Event{
            .seen = at(second_of), .key = "/" + host, .host = "", .deleted = true};
    };
    // The only one there is may be published as soon as it answers.
    EXPECT_EQ(judge_names(
                  commits,
                  made,
                  {published(1, "127.1.0.1"), published(8, "127.1.0.2"), removed(10, "127.1.0.1")}),
              Texts{});
    EXPECT_EQ(judge_names(commits, made, {published(0, "127.1.0.1"), removed(10, "127.1.0.1")}),
              Texts{"127.1.0.1 is published before it can answer"});
    EXPECT_EQ(judge_names(
                  commits,
                  made,
                  {published(2, "127.1.0.1"), published(6, "127.1.0.2"), removed(10, "127.1.0.1")}),
              Texts{"127.1.0.2 is published and doesn't serve"});
    EXPECT_EQ(judge_names(commits, made, {published(2, "127.1.0.1"), removed(21, "127.1.0.1")}),
              Texts{"127.1.0.1 was in DNS when it was deleted"});
    EXPECT_EQ(judge_names(commits, made, {published(2, "127.1.0.1")}),
              Texts{"127.1.0.1 is in DNS, and was deleted"});
    EXPECT_EQ(judge_names(commits, made, {published(2, "127.1.0.9")}),
              Texts{"127.1.0.9 is published, and never served"});
}

}  // namespace
}  // namespace muster::test
