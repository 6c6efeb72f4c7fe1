#include "tests/bench/cluster/drill.hpp"

#include "tests/support/eventually.hpp"

#include <algorithm>

namespace muster::test {

using namespace std::chrono_literals;
using Time = std::chrono::nanoseconds;

namespace {

constexpr std::chrono::seconds settle_limit{120};

}  // namespace

Drill::Drill(std::size_t backends,
             std::chrono::milliseconds interval,
             std::optional<int> shard_size)
    : responder_(backends), interval_(interval) {
    cluster_.apply(make_group(responder_, "web", 0, backends, interval, shard_size));
    require(cluster_.wait_all_up(settle_limit), "all backends UP");
    require(cluster_.wait_members(cluster_.size(), settle_limit), "settled members");
}

Drill::Crashes Drill::kill_masters(int rounds) {
    Crashes crashes;
    for (int i = 0; i < rounds; ++i) {
        const std::size_t victim = cluster_.master().value();
        const std::int64_t epoch = cluster_.observer().view().epoch->version;
        begin_round();
        const Time start = Responder::now();
        cluster_.kill_process(victim);
        const auto next = wait_successor(epoch, true);
        crashes.claim.add(next.seen - start);
        crashes.first_write.add(next.first_write - start);
        require(eventually(10s, [&] { return !cluster_.running(victim); }), "the guardian's end");
        wait_since(start, 2 * interval_);
        crashes.longest_gap = std::max(crashes.longest_gap, responder_.longest_gap());
        ++kills_;
        come_back(victim);
    }
    return crashes;
}

Drill::Losses Drill::lose_hosts(int rounds, bool with_zookeeper_leader) {
    Losses losses;
    for (int i = 0; i < rounds; ++i) {
        const std::size_t victim = cluster_.master().value();
        const std::size_t server = cluster_.zookeeper().leader();
        const std::int64_t epoch = cluster_.observer().view().epoch->version;
        begin_round();
        const Time start = Responder::now();
        if (with_zookeeper_leader) cluster_.zookeeper().kill(server);
        cluster_.kill_host(victim);
        losses.first_write.add(wait_successor(epoch, true).first_write - start);
        wait_since(start, 4s + 2 * interval_);
        losses.longest_gap = std::max(losses.longest_gap, responder_.longest_gap());
        ++kills_;
        if (with_zookeeper_leader) cluster_.zookeeper().start(server);
        cluster_.zookeeper().wait_until_serving();
        come_back(victim);
    }
    return losses;
}

Spread Drill::step_downs(int rounds) {
    Spread spread;
    for (int i = 0; i < rounds; ++i) {
        const std::size_t master = cluster_.master().value();
        const std::int64_t epoch = cluster_.observer().view().epoch->version;
        begin_round();
        // We may see its claim before it hears of it itself, and then it has nothing to give up.
        Time start{};
        const auto stepped_down = [&] {
            start = Responder::now();
            return cluster_.post(master, "/api/v1/step-down", "{}").status == 200;
        };
        require(eventually(5s, stepped_down), "a step-down");
        spread.add(wait_successor(epoch, false).seen - start);
        require(cluster_.wait_for_master(10s), "a master");
    }
    return spread;
}

std::size_t Drill::planned_moves(int rounds) {
    std::size_t missed = 0;
    for (int i = 0; i < rounds; ++i) {
        const std::size_t leaver = static_cast<std::size_t>(i) % cluster_.size();
        begin_round();
        require(cluster_.terminate(leaver, 40s).code == 0, "an orderly end");
        for (std::size_t b = 0; b < responder_.size(); ++b) {
            if (responder_.record(b).longest_gap > interval_ * 3 / 2) ++missed;
        }
        come_back(leaver);
    }
    return missed;
}

std::size_t Drill::wrong_verdicts() const {
    const auto changes = cluster_.observer().verdict_changes();
    return wrong_ + static_cast<std::size_t>(std::ranges::count(
                        changes, znodes::Letter::down, &Observer::VerdictChange::to));
}

void Drill::begin_round() {
    wrong_ = wrong_verdicts();
    cluster_.observer().forget();
    responder_.reset_gaps();
}

Observer::EpochChange Drill::wait_successor(std::int64_t before, bool wants_write) {
    Observer::EpochChange found;
    require(eventually(20s,
                       [&] {
                           for (const auto& epoch : cluster_.observer().epochs()) {
                               if (epoch.epoch <= before) continue;
                               found = epoch;
                               if (!wants_write || epoch.first_write != Time{}) return true;
                           }
                           return false;
                       }),
            "a successor");
    return found;
}

void Drill::wait_since(Time start, Time span) {
    require(eventually(span + 1s, [&] { return Responder::now() - start > span; }),
            "the end of a span of time");
}

void Drill::come_back(std::size_t node) {
    cluster_.start(node);
    require(cluster_.wait_members(cluster_.size(), settle_limit), "settled members");
}

}  // namespace muster::test
