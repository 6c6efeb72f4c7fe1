// ./bench isolation: what half of 10,000 targets that are black holes or drip a byte a second do to
// the probes of the other half, in one prober thread. Rounds in which all are well and rounds in
// which half are not take turns; when the healthy ones are probed is seen by the backends.
// MUSTER_BENCH_ROUNDS (5), MUSTER_BENCH_SECONDS of each half of a round (8).
#include "checker/prober_pool.hpp"
#include "checker/prober_set.hpp"
#include "common/base/asio_clock.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/bench/support/own_network.hpp"
#include "tests/cluster/responder.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <thread>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using checker::Check;
using checker::CheckId;
using Time = Responder::Time;

constexpr std::uint32_t targets = 10'000;
constexpr std::uint32_t healthy = targets / 2;  // the first ones
constexpr std::chrono::nanoseconds interval = 2s;

class Isolation {
 public:
    Isolation() {
        pool_.on_report([this](const checker::CheckReport& report) {
            const auto number = static_cast<std::uint32_t>(report.id);
            const bool down = report.state.verdict == checker::Verdict::down;
            if (number < healthy && down) ++wrong_;
            down_[number] = down;
        });
        std::vector<Check> checks;
        for (std::uint32_t i = 0; i < targets; ++i) checks.push_back(check(i, responder_.host(i)));
        pool_.put(std::move(checks));
    }

    /// The lateness of the probes of the healthy half in this time.
    Spread watch(std::chrono::seconds span) {
        responder_.trace(true);
        wait(span);
        const auto trace = responder_.traced();
        responder_.trace(false);
        Spread spread;
        for (const auto& [time, backend] : trace) {
            if (backend >= healthy) continue;
            const auto place = time % interval;
            const auto [at, first] = place_.try_emplace(backend, place);
            // Of the places within the interval at which a target was seen, the earliest is its
            // slot.
            auto late = place - at->second;
            if (late < -interval / 2) late += interval;
            if (late > interval / 2) late -= interval;
            if (late < 0ns) {
                at->second = place;
                late = 0ns;
            }
            spread.add(late);
        }
        return spread;
    }

    void sicken() {
        std::vector<Check> checks;
        for (std::uint32_t i = healthy; i < targets; ++i) {
            if (i % 2 == 0) {
                responder_.set(i, Responder::Behaviour::dripping);
            } else {
                checks.push_back(check(i, bench::black_hole_address(static_cast<int>(i))));
            }
        }
        pool_.put(std::move(checks));
        require(settle(true), "the sick half found DOWN");
    }
    void heal() {
        responder_.set_all(Responder::Behaviour::healthy);
        std::vector<Check> checks;
        for (std::uint32_t i = healthy; i < targets; ++i)
            checks.push_back(check(i, responder_.host(i)));
        pool_.put(std::move(checks));
        require(settle(false), "all found UP");
    }
    void wait(std::chrono::nanoseconds span) {
        context_.restart();
        context_.run_for(span);
    }

    [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
    [[nodiscard]] std::uint64_t probes() const { return responder_.probes(); }

 private:
    Check check(std::uint32_t number, const std::string& host) const {
        return {.id = CheckId{number},
                .request = std::make_shared<const checker::ProbeRequest>(
                    checker::ProbeRequest{.host = host,
                                          .port = responder_.port(),
                                          .probe = config::ProbeSpec(config::HttpCheck{}),
                                          .timeout = 1s}),
                .spec = spec_};
    }
    /// Until the sick half is seen as it is.
    bool settle(bool sick) {
        const Time end = Responder::now() + 30s;
        while (Responder::now() < end) {
            wait(500ms);
            std::uint32_t seen = 0;
            for (std::uint32_t i = healthy; i < targets; ++i) seen += down_[i] == sick ? 1U : 0U;
            if (seen == targets - healthy) return true;
        }
        return false;
    }

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    AsioClock clock_;
    Responder responder_{targets};
    std::shared_ptr<const config::CheckSpec> spec_ = std::make_shared<const config::CheckSpec>(
        config::CheckSpec{.probe = config::ProbeSpec(config::HttpCheck{}),
                          .interval = interval,
                          .timeout = 1s,
                          .rise = 1,
                          .fall = 3});
    std::map<std::uint32_t, bool> down_;
    std::map<std::uint32_t, Time> place_;
    std::uint64_t wrong_ = 0;
    checker::ThreadedPool pool_{
        context_.get_executor(), clock_, 1, {}, [](asio::any_io_executor executor, Clock& clock) {
            return std::make_unique<checker::ProberSet>(
                std::move(executor), clock, checker::ProberSetSettings{});
        }};
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void run() {
    bench::enter_own_network();
    bench::add_black_hole();
    const int rounds = setting("MUSTER_BENCH_ROUNDS", 5);
    const std::chrono::seconds span(setting("MUSTER_BENCH_SECONDS", 8));
    Isolation isolation;
    isolation.wait(6s);
    // The slot of each target is learned from a round that does not count.
    (void)isolation.watch(span);
    std::vector<double> well;
    std::vector<double> sick;
    std::vector<double> rises;
    for (int round = 0; round < rounds; ++round) {
        isolation.wait(2s);
        const Spread before = isolation.watch(span);
        isolation.sicken();
        const Spread after = isolation.watch(span);
        isolation.heal();
        well.push_back(ms(before.at(0.99)));
        sick.push_back(ms(after.at(0.99)));
        rises.push_back(sick.back() - well.back());
        std::printf("round %d: late p99 %.2f ms, with a sick half %.2f ms\n",
                    round + 1,
                    well.back(),
                    sick.back());
        std::fflush(stdout);
    }
    metric("isolation_late_p99_well_ms", median(well), "ms");
    metric("isolation_late_p99_sick_ms", median(sick), "ms");
    metric("isolation_late_p99_rise_ms", median(rises), "ms");
    metric("isolation_rise_limit_ms", std::max(2.0, 0.1 * median(well)), "ms");
    metric("isolation_wrong_verdicts", static_cast<double>(isolation.wrong()), "verdicts");
    metric("isolation_probes", static_cast<double>(isolation.probes()), "probes");
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
