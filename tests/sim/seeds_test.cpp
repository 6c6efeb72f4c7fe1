// Seeded histories with faults of every kind. Of a failure it prints the line that replays it.
//   MUSTER_SIM_SEED=n       one seed alone, with the nodes' log
//   MUSTER_SIM_SEEDS=n      how many (default below)
//   MUSTER_SIM_FIRST=n      the first of them (default 1)
//   MUSTER_SIM_SHARD=i/n    each n-th of them, beginning with the i-th
#include "common/observe/log.hpp"
#include "tests/sim/seed_run.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

namespace muster::sim {
namespace {

constexpr std::uint64_t default_seeds = 2000;

std::optional<std::string> setting(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::uint64_t number(const char* name, std::uint64_t otherwise) {
    const auto text = setting(name);
    return text ? std::stoull(*text) : otherwise;
}

void print(const RunReport& sum) {
    std::cout << fmt::format(
        "seeds {}, simulated hours {:.1f}, faults {} (fewest of a seed {}), elections {}, expiries "
        "{}, moves {} (planned {}), verdict changes {}, commits {}, probes {}, collected {}, "
        "longest recovery {:.1f} s, violations {}\n",
        sum.seeds,
        sum.simulated_seconds / 3600,
        sum.faults,
        sum.fewest_faults,
        sum.history.elections,
        sum.history.expiries,
        sum.moves,
        sum.planned_moves,
        sum.verdict_changes,
        sum.history.commits,
        sum.probes,
        sum.collected,
        sum.longest_recovery,
        sum.violations.size());
    std::cout << "faults:";
    for (std::size_t kind = 0; kind < fault_kinds; ++kind)
        std::cout << " " << to_string(static_cast<Fault>(kind)) << " " << sum.by_kind[kind];
    std::cout << "\ngarbage:";
    for (const auto& [kind, count] : sum.garbage) std::cout << " " << kind << " " << count;
    std::cout << "\n";
}

std::string replay(std::uint64_t seed) {
    return fmt::format("replay: MUSTER_SIM_SEED={} sim_test --gtest_filter='*Seeds*'", seed);
}

/// One of several processes that share the seeds.
class Seeds : public testing::TestWithParam<int> {
 protected:
    static constexpr int shards = 2;
};

TEST_P(Seeds, NoHistoryBreaksAnInvariant) {
    if (const auto only = setting("MUSTER_SIM_SEED")) {
        if (GetParam() != 0) GTEST_SKIP() << "one seed is replayed by the first shard";
        const std::uint64_t seed = std::stoull(*only);
        const RunReport report = run_seed(seed);
        print(report);
        std::cout << fmt::format("hash {:016x}\n", report.history.hash);
        for (const std::string& text : report.violations) ADD_FAILURE() << text;
        return;
    }
    log::set_level(log::Level::error);
    std::uint64_t shard = static_cast<std::uint64_t>(GetParam());
    std::uint64_t of = shards;
    if (const auto text = setting("MUSTER_SIM_SHARD")) {
        if (GetParam() != 0) GTEST_SKIP() << "MUSTER_SIM_SHARD says which seeds";
        shard = std::stoull(*text);
        of = std::stoull(text->substr(text->find('/') + 1));
    }
    const std::uint64_t first = number("MUSTER_SIM_FIRST", 1);
    const std::uint64_t seeds = number("MUSTER_SIM_SEEDS", default_seeds);
    RunReport sum;
    std::size_t failed = 0;
    for (std::uint64_t seed = first + shard; seed < first + seeds && failed < 10; seed += of) {
        const RunReport report = run_seed(seed);
        if (!report.violations.empty()) {
            ++failed;
            ADD_FAILURE() << report.violations.front() << "\n  " << replay(seed);
        } else {
            EXPECT_GE(report.faults, 5U) << replay(seed);
        }
        // Some are run twice: the same seed must give the same history, byte for byte.
        if (seed % 64 == 0) {
            EXPECT_EQ(run_seed(seed).history.hash, report.history.hash) << replay(seed);
        }
        sum += report;
    }
    print(sum);
    if (seeds < default_seeds) return;
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
        EXPECT_GE(sum.by_kind[kind] * of, 100U) << to_string(static_cast<Fault>(kind));
    }
}

INSTANTIATE_TEST_SUITE_P(Half, Seeds, testing::Values(0, 1));

}  // namespace
}  // namespace muster::sim
