// A name under a prober of ten milliseconds while what stands behind it breaks.
#include "tests/never_empty/name_faults.hpp"
#include "tests/support/coredns_server.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(NeverEmpty, AnswersWhateverBreaks) {
    if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
        GTEST_SKIP() << missing;
    // All of them: ./bench dns.
    for (const FaultReport& report : run_name_faults({"lbs_die", "all_at_once"})) {
        EXPECT_EQ(report.tally.empty + report.tally.nxdomain, 0U)
            << report.fault << fmt::format(": {}", fmt::join(report.tally.first_bad, ", "));
        EXPECT_GT(report.tally.answers, 100U) << report.fault;
    }
}

}  // namespace
}  // namespace muster::test
