#include "tests/browser/showcase_scaling.hpp"

#include "scaler/decide.hpp"
#include "scaler/explain.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using namespace orchestrator;
using namespace std::string_view_literals;

const FleetName edge("edge");

scaler::Policy policy() {
    return {.min = 2,
            .max = 8,
            .metrics = {{.name = "connections",
                         .rule = scaler::TargetPolicy{.measure = scaler::Measure::average_of_total,
                                                      .target = scaler::whole(1000)}},
                        {.name = "cpu",
                         .rule = scaler::TargetPolicy{.measure = scaler::Measure::utilization,
                                                      .target = scaler::whole(70)}}},
            .out = {.budgets = {{.count = 2, .window = 60s}}},
            .in = {.window = 300s}};
}

/// What the decision core says: of 7 wanted, where 2 may be added and one LB doesn't report; or,
/// of 6 LBs, of 5 wanted.
std::string decision(int size, int connections, WallTime wall) {
    scaler::Observations observed;
    observed.samples["connections"] = scaler::sample_of(scaler::whole(connections));
    observed.samples["connections"].age = 4s;
    observed.samples["connections"].coverage = {{.seen = size, .expected = size}};
    std::vector<scaler::Reading> readings;
    scaler::Membership membership{.size = size};
    for (int i = 0; i < size; ++i) {
        const std::string id = fmt::format("edge-6-{}", i + 1);
        membership.instances.push_back({.id = id});
        if (i > 0 || size > 4)
            readings.push_back({.instance = id,
                                .value = scaler::whole(size > 4 ? 41 : 52 + 3 * i),
                                .capacity = scaler::whole(100)});
    }
    observed.samples["cpu"] = scaler::sample_of(std::move(readings));
    observed.samples["cpu"].age = 9s;
    const scaler::History history{.peaks = {{.at = wall - 100s, .size = size}}, .last = wall - 15s};
    const scaler::Decision made =
        scaler::decide(policy(), history, observed, membership, wall - 3s);
    return boost::json::serialize(
        scaler::to_json(scaler::explain(policy(), history, observed, membership, wall - 3s, made)));
}

std::vector<ScalingTick> ticks(WallTime wall) {
    constexpr std::array sizes{2, 2, 3, 3, 3, 4, 5, 5, 4, 4, 4, 6};
    std::vector<ScalingTick> all;
    for (std::size_t i = 0; i < 10 * sizes.size(); ++i) {
        const int size = sizes.at(i / 10);
        const bool late = i % 10 > 6 && i / 10 + 1 < sizes.size();
        all.push_back({.at = wall - 15s * static_cast<int>(10 * sizes.size() - i),
                       .was = size,
                       .wanted = late ? sizes.at(i / 10 + 1) : size,
                       .size = size});
    }
    return all;
}

MachineRow machine(
    std::string_view id, std::string_view phase, WallTime since, int number, std::string_view why) {
    return {.id = InstanceId(id),
            .phase = std::string(phase),
            .since = since,
            .host = fmt::format("muster-{}", number % 3 + 1),
            .address = phase == "creating" ? "" : fmt::format("10.4.0.{}:443", 20 + number),
            .reason = std::string(why)};
}

void change_notes(Snapshot& snapshot, const FleetName& fleet, const auto& change) {
    auto notes = std::make_shared<ScalingNotes>(*snapshot.notes);
    change((*notes)[fleet]);
    snapshot.notes = std::move(notes);
}

}  // namespace

void add_scaling(Snapshot& snapshot, WallTime wall) {
    ScalingRow& growing = snapshot.scaling[edge];
    growing = {
        .min = 2,
        .max = 8,
        .begun = true,
        .target = 6,
        .generation = 7,
        .under_way = "out",
        .intent = ScalingIntentRow{.making = {InstanceId("edge-7-1"), InstanceId("edge-7-2")},
                                   .leaving = {},
                                   .started = wall - 42s,
                                   .deadline = wall + 9min}};
    for (int i = 1; i <= 4; ++i)
        growing.machines.push_back(machine(fmt::format("edge-6-{}", i),
                                           "serving",
                                           wall - std::chrono::minutes(25 * i),
                                           i,
                                           "warmed up"));
    growing.machines.push_back(
        machine("edge-7-1", "booting", wall - 12s, 5, "the machine is there"));
    growing.machines.push_back(machine("edge-7-2", "creating", wall - 9s, 6, "its turn"));
    ScalingRow& paused = snapshot.scaling[FleetName("internal")];
    paused = {.min = 2,
              .max = 4,
              .begun = true,
              .target = 2,
              .generation = 1,
              .pause = {.kind = znodes::FleetPauseKind::in,
                        .by = "alice",
                        .why = "migration of the database",
                        .until = wall + 2h}};
    for (int i = 1; i <= 2; ++i)
        paused.machines.push_back(
            machine(fmt::format("internal-1-{}", i), "serving", wall - 26h, 6 + i, "warmed up"));
    snapshot.notes = std::make_shared<const ScalingNotes>(
        ScalingNotes{{edge,
                      {.says = {"edge-7-2 waits: the first of a change goes alone"},
                       .decided = wall - 3s,
                       .decision = decision(4, 6800, wall),
                       .ticks = ticks(wall)}},
                     {FleetName("internal"), {}}});
}

void lose_scaled_lb(Snapshot& snapshot, WallTime wall) {
    config::GroupSpec spec{.name = GroupName("@edge")};
    GroupRow group;
    for (const MachineRow& one : snapshot.scaling.at(edge).machines) {
        const BackendId id(one.id.str());
        spec.backends.push_back({.id = id, .address = "10.4.0.21", .port = 443});
        group.backends.push_back(
            {.id = id, .verdict = znodes::Letter::up, .since = wall - 9min, .reason = "L7OK"});
    }
    group.backends.front().verdict = znodes::Letter::down;
    group.backends.front().reason = "L4TOUT";
    group.spec = std::make_shared<const config::GroupSpec>(std::move(spec));
    snapshot.groups.insert(snapshot.groups.begin(),
                           std::make_shared<const GroupRow>(std::move(group)));
}

void settle_scaling(Snapshot& snapshot, WallTime wall) {
    ScalingRow& row = snapshot.scaling.at(edge);
    row.under_way.clear();
    row.intent.reset();
    for (MachineRow& one : row.machines) one.phase = "serving";
    change_notes(snapshot, edge, [&](FleetScalingNotes& notes) {
        notes.says.clear();
        notes.decision = decision(6, 4800, wall);
    });
}

void stop_scaling(Snapshot& snapshot, WallTime wall) {
    snapshot.scaling.at(edge).creates_again = wall + 5min;
    change_notes(snapshot, edge, [](FleetScalingNotes& notes) {
        notes.refused = "the fleet has 6 instances by its state and 3 by its records";
    });
}

void make_scaling_hostile(Snapshot& snapshot) {
    const std::string script = "<script>window.hacked=1</script>";
    const std::string image = "<img src=x onerror=\"window.hacked=1\">";
    snapshot.scaling[FleetName(image)] = snapshot.scaling.at(FleetName("internal"));
    ScalingRow& row = snapshot.scaling.at(edge);
    row.pause.kind = znodes::FleetPauseKind::all;
    row.under_way = script;
    for (std::string* text : {&row.pause.why, &row.pause.by}) *text = image;
    MachineRow& first = row.machines.front();
    first.id = InstanceId(script);
    first.phase = image;
    for (std::string* text : {&first.host, &first.address, &first.reason}) *text = script + image;
    change_notes(snapshot, edge, [&](FleetScalingNotes& notes) {
        notes.says = {script + image};
        notes.refused = image;
        // Whatever is a text in it.
        const auto put = [&](std::string_view before, const std::string& after) {
            std::size_t at = 0;
            const std::string quoted = boost::json::serialize(boost::json::value(after));
            const std::string inner = quoted.substr(1, quoted.size() - 2);
            while ((at = notes.decision.find(before, at)) != std::string::npos) {
                notes.decision.replace(at, before.size(), inner);
                at += inner.size();
            }
        };
        for (const std::string_view word : {"connections"sv, "for each instance"sv, "ceil"sv})
            put(word, script + image);
    });
}

}  // namespace muster::test
