#include "tests/failover/random_failovers.hpp"

#include "scaler/spec_policy.hpp"
#include "tests/failover/wave.hpp"
#include "tests/failover/world.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <random>
#include <stdexcept>

namespace muster::test {

using namespace std::chrono_literals;
using Verb = MachinePark::Verb;

namespace {

constexpr RemovalBudget budget{.count = 1, .window = 4s};
constexpr int most = 7;
constexpr std::size_t compared_fleets = 2;  ///< a and b
/// Of 1 s, and of each fleet. A guardian tells of a dead master: the tick that it was at may be
/// lost.
constexpr std::size_t ticks_of_an_announced_end = 1;
/// Else it is missed when its session of 2 s is over, and the next one begins within a tick or two.
constexpr std::size_t ticks_of_an_unannounced_end = 4;

class Failovers {
 public:
    explicit Failovers(const FailoverRun& run)
        : run_(run),
          engine_(run.seed),
          wave_(run.seed, clock_.wall(), 5s),
          world_({.machines = 60 + static_cast<std::size_t>(run.failovers) * 30}) {
        world_.park.answer_with(
            [this](const http::Request& request) { return wave_.answer(request, world_.park); });
        for (const char* const fleet : {"a", "b"})
            world_.apply(
                {.name = fleet,
                 .drain_timeout = fleet == std::string("b") ? 5s : 1s,
                 .in = "{window: 2s, budgets: [{count: 1, window: 4s}]}",
                 .out = "{budgets: []}",
                 .dns = fleet == std::string("b"),
                 .metric = fmt::format("{{name: load, query: 'sum(lb_sessions{{fleet=\"{}\"}})"
                                       "', target: {{total_average: 100}}}}",
                                       fleet),
                 .max = most});
        wait_until("the fleets begin", 60s, [&] {
            return world_.park.machines_of("a").size() >= 2 &&
                   world_.park.machines_of("b").size() >= 2;
        });
    }

    FailoverOutcome go() {
        if (run_.orphan) make_orphan();
        for (int i = 1; i <= run_.failovers; ++i) {
            pass(std::chrono::milliseconds(engine_() % run_.longest_gap.count()));
            if (run_.rest_every > 0 && i % run_.rest_every == 0) pass(22s);
            fail_over();
        }
        if (run_.orphan) wait_until("the orphan is collected", 300s, [&] { return !has_orphan(); });
        wave_.end(clock_.wall() + 1s, most * 100 - 5);
        for (const char* const fleet : {"a", "b"})
            wait_until(fmt::format("{} settles", fleet), 120s, [&] {
                return world_.settled(fleet, most);
            });
        return judge();
    }

 private:
    void wait_until(const std::string& what,
                    std::chrono::seconds limit,
                    const std::function<bool()>& condition) {
        if (!eventually(limit, condition))
            throw std::runtime_error("it doesn't come about that " + what + "\n" + world_.logs());
    }
    void pass(std::chrono::nanoseconds time) {
        const SteadyTime until = clock_.now() + time;
        (void)eventually(time + 10s, [&] { return clock_.now() >= until; });
    }
    void wait_for_master() {
        if (!world_.cluster->wait_for_master(30s))
            throw std::runtime_error("there is no master\n" + world_.logs());
    }
    void fail_over() {
        wait_for_master();
        const std::int64_t was = world_.epoch();
        const std::size_t master = world_.cluster->master().value();
        const auto way = engine_() % 4;
        if (way == 0) {
            world_.cluster->pause(master);
            ++outcome_.paused;
            ++outcome_.unannounced;
        } else if (way == 1) {
            world_.cluster->kill_host(master);
            ++outcome_.killed;
            ++outcome_.unannounced;
        } else {
            world_.cluster->kill_process(master);
            ++outcome_.killed;
        }
        if (!world_.new_master(was, 30s))
            throw std::runtime_error("nobody takes over\n" + world_.logs());
        if (way == 0) world_.cluster->resume(master);
        wait_until("a killed node ends", 20s, [&] {
            return way == 0 || !world_.cluster->running(master);
        });
        world_.start_again();
    }
    /// An order of a master that stood still comes when its machine was given up.
    void make_orphan() {
        world_.park.hold(Verb::create, "c", MachinePark::When::before);
        world_.apply({.name = "c", .create_timeout = 10s, .drain_timeout = 1s, .dns = false});
        wait_until("c orders a machine", 30s, [&] { return world_.park.holds(Verb::create, "c"); });
        world_.park.refuse_creates("c", true);
        const std::int64_t was = world_.epoch();
        const std::size_t master = world_.cluster->master().value();
        world_.cluster->pause(master);
        if (!world_.new_master(was, 30s))
            throw std::runtime_error("nobody takes over\n" + world_.logs());
        ++outcome_.paused;
        ++outcome_.unannounced;
        wait_until("c gives its machine up", 60s, [&] {
            const auto state = world_.state("c");
            return state && state->back_off.failures > 0 && world_.phases("c").empty();
        });
        world_.park.refuse_creates("c", false);
        if (!world_.park.carry_out_late("c")) throw std::runtime_error("the late order is refused");
        world_.park.pretend_age(11min);
        world_.cluster->resume(master);
    }
    /// Later ones of the fleet have records.
    [[nodiscard]] bool has_orphan() const { return world_.park.machines_of("c").contains("c-1-1"); }

    FailoverOutcome judge() {
        outcome_.wrong = world_.judge(budget);
        for (const char* const fleet : {"a", "b", "c"}) {
            const auto records = world_.phases(fleet);
            for (const std::string& id : world_.park.machines_of(fleet))
                if (!records.contains(id)) ++outcome_.orphans;
            outcome_.made += static_cast<std::size_t>(world_.park.done_to(Verb::create, fleet));
            outcome_.removed += static_cast<std::size_t>(world_.park.done_to(Verb::remove, fleet));
        }
        // Before the recordings: a tick is handed to the recorder before it is in the tree.
        const auto commits = world_.commits();
        const follow::ClusterView view = world_.cluster->observer().view();
        for (const char* const fleet : {"a", "b"}) {
            std::vector<RecordedDecision> recorded;
            for (std::size_t node = 0; node < world_.cluster->size(); ++node) {
                auto more =
                    recorded_decisions(world_.cluster->state_dir(node) / "recordings", fleet);
                recorded.insert(recorded.end(),
                                std::make_move_iterator(more.begin()),
                                std::make_move_iterator(more.end()));
            }
            const auto& spec = view.fleets.at(FleetName(fleet)).spec;
            add(compare_decisions(
                commits, FleetName(fleet), recorded, scaler::policy_of(*spec->scaling), 1s));
        }
        judge_coverage();
        return std::move(outcome_);
    }
    /// What isn't compared can't differ: `differences == 0` is worth as much as what it covers.
    void judge_coverage() {
        const DecisionSequence& all = outcome_.decisions;
        // Killed between the tree's write and its own recorder's, a master loses one tick a fleet;
        // the one in office may be about to record its newest.
        const std::size_t most_unrecorded = compared_fleets * (outcome_.killed + 1);
        if (all.unrecorded > most_unrecorded)
            outcome_.wrong.push_back(fmt::format(
                "{} decisions are in no recording: {} masters were killed, and each may "
                "lose the last one of each fleet",
                all.unrecorded,
                outcome_.killed));
        if (all.holes > 0)
            outcome_.wrong.push_back(
                fmt::format("{} decisions are in no recording, and later ones of their masters are",
                            all.holes));
        const std::size_t failovers = outcome_.killed + outcome_.paused;
        const std::size_t most_missed =
            compared_fleets * (ticks_of_an_announced_end * (failovers - outcome_.unannounced) +
                               ticks_of_an_unannounced_end * outcome_.unannounced);
        if (all.ticks + most_missed < all.span)
            outcome_.wrong.push_back(fmt::format(
                "of {} ticks {} have no decision: {} at most are expected of {} failovers",
                all.span,
                all.span - all.ticks,
                most_missed,
                failovers));
    }
    void add(const DecisionSequence& more) {
        DecisionSequence& all = outcome_.decisions;
        all.ticks += more.ticks;
        all.masters = std::max(all.masters, more.masters);
        all.changes += more.changes;
        all.differences += more.differences;
        all.unwritten += more.unwritten;
        all.unrecorded += more.unrecorded;
        all.holes += more.holes;
        all.span += more.span;
        if (all.first.empty()) all.first = more.first;
    }

    FailoverRun run_;
    std::mt19937_64 engine_;
    AsioClock clock_;
    Wave wave_;
    FailoverWorld world_;
    FailoverOutcome outcome_;
};

}  // namespace

FailoverOutcome run_failovers(const FailoverRun& run) {
    return Failovers(run).go();
}

}  // namespace muster::test
