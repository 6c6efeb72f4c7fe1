// What a cell holds of a backend's own words, from prober to prober.
#include "orchestrator/status_cell.hpp"

#include "tests/orchestrator/one_shard.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using znodes::Intent;
using znodes::Intents;
using znodes::LeasedIntent;
using Serving = Intent::Serving;
using Wish = Intent::Wish;

const WallTime now = WallTime(1'700'000'000'000ms);

/// Of one slot, whose backend has said this.
StatusCell cell_of(const SharedValue<Intents>& said) {
    const follow::ClusterView view = view_of_one_shard(1);
    const follow::GroupView& group = view.groups.at(web_shard.group);
    StatusCell cell =
        make_cell(group.shards.at(web_shard.number).members->value, *group.spec, nullptr);
    cell.slots.front().state.verdict = checker::Verdict::up;
    cell.slots.front().intents = said;
    return cell;
}

LeasedIntent wish(Wish wish, WallTime until) {
    return {.intent = {.wish = wish}, .until = until};
}

void hear(StatusCell& cell, std::string_view words, WordsOf source, WallTime when) {
    take_words(cell.slots.front(), checker::parse_intent(words).value(), source, 30s, when);
}

TEST(Words, OfEachSourceAreKeptApartAndForgottenWhenTheyAreOver) {
    StatusCell cell = cell_of({});
    const auto& said = cell.slots.front().intents;
    hear(cell, "drain 50%", WordsOf::agent, now);
    hear(cell, "up ttl:60s", WordsOf::reply, now + 5s);
    hear(cell, "ready", WordsOf::agent, now + 10s);
    const LeasedIntent up{.intent = {.serving = Serving::up}, .until = now + 65s};
    EXPECT_EQ(said,
              (Intents{.reply = up,
                       .agent = LeasedIntent{.intent = {.wish = Wish::ready, .weight_percent = 50},
                                             .until = now + 40s}}));
    hear(cell, "up ttl:25s", WordsOf::reply, now + 40s);
    EXPECT_EQ(said, Intents{.reply = up});
}

TEST(Merge, KeepsOfEachSourceTheWordsThatHoldLonger) {
    const Intents ours{.reply = wish(Wish::ready, now + 9s), .agent = wish(Wish::ready, now + 1s)};
    const Intents theirs{.reply = wish(Wish::drain, now + 8s),
                         .agent = wish(Wish::drain, now + 2s)};
    struct Row {
        SharedValue<Intents> ours;
        SharedValue<Intents> theirs;
        SharedValue<Intents> merged;
    };
    const SharedValue<Intents> nothing;
    const SharedValue<Intents> reply = Intents{.reply = ours.reply};
    const SharedValue<Intents> agent = Intents{.agent = theirs.agent};
    const SharedValue<Intents> longer = Intents{.reply = ours.reply, .agent = theirs.agent};
    for (const Row& row : {Row{ours, theirs, longer},
                           Row{theirs, ours, longer},
                           Row{reply, agent, longer},
                           Row{nothing, theirs, theirs},
                           Row{ours, nothing, ours},
                           Row{nothing, nothing, nothing}}) {
        StatusCell cell = cell_of(row.ours);
        merge(cell, to_status(cell_of(row.theirs), {}, now), std::nullopt);
        EXPECT_EQ(cell.slots.front().intents, row.merged);
    }
}

TEST(Adopt, TakesOverWhatBothSourcesSaid) {
    const Intents said{.reply = wish(Wish::ready, now + 9s), .agent = wish(Wish::drain, now + 1s)};
    StatusCell cell = cell_of({});
    adopt(cell, to_status(cell_of(said), {}, now));
    EXPECT_EQ(cell.slots.front().intents, said);
}

znodes::Ejection ejection_until(WallTime until) {
    return {.since = now, .until = until, .times = 2, .lbs = 2, .of = 3};
}

StatusCell cell_ejected(const SharedValue<znodes::Ejection>& ejection) {
    StatusCell cell = cell_of({});
    cell.slots.front().ejection = ejection;
    return cell;
}

TEST(Ejections, ArePublishedAndOutliveTheirOwner) {
    const SharedValue<znodes::Ejection> ejection = ejection_until(now + 30s);
    const znodes::ShardStatus status = to_status(cell_ejected(ejection), {}, now);
    EXPECT_EQ(status.details.at(0).ejection, ejection);
    StatusCell heir = cell_of({});
    adopt(heir, status);
    EXPECT_EQ(heir.slots.front().ejection, ejection);
    StatusCell unproven = cell_of({});
    unproven.slots.front().state = {};
    unproven.slots.front().ejection = ejection;
    EXPECT_EQ(to_status(unproven, {}, now).details.at(0).ejection, ejection)
        << "also of one without a verdict";
}

TEST(Ejections, AreTheOldOwnersAtTheEndOfAMove) {
    const SharedValue<znodes::Ejection> theirs = ejection_until(now + 30s);
    for (const SharedValue<znodes::Ejection>& ours :
         {SharedValue<znodes::Ejection>{}, SharedValue<znodes::Ejection>(ejection_until(now))}) {
        StatusCell cell = cell_ejected(ours);
        merge(cell, to_status(cell_ejected(theirs), {}, now), std::nullopt);
        EXPECT_EQ(cell.slots.front().ejection, theirs);
        merge(cell, to_status(cell_ejected({}), {}, now), std::nullopt);
        EXPECT_FALSE(cell.slots.front().ejection) << "which has ended it";
    }
}

TEST(Ejections, StayInTheirSlot) {
    const follow::ClusterView view = view_of_one_shard(1);
    const follow::GroupView& group = view.groups.at(web_shard.group);
    const auto& members = group.shards.at(web_shard.number).members->value;
    const StatusCell before = cell_ejected(ejection_until(now + 30s));
    EXPECT_TRUE(make_cell(members, *group.spec, &before).slots.front().ejection);
    config::GroupSpec spec = *group.spec;
    spec.backends.front().admin = config::Admin::maintenance;
    EXPECT_FALSE(make_cell(members, spec, &before).slots.front().ejection)
        << "who was in maintenance begins anew";
}

}  // namespace
}  // namespace muster::orchestrator
