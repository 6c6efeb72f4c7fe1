// A fleet shrinks under load: clients that do as DNS says, and repeat nothing, lose nothing.
#include "tests/cluster/dns_load.hpp"
#include "tests/cluster/dns_order.hpp"
#include "tests/cluster/scaled_fleet.hpp"
#include "tests/support/eventually.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST(ScaleIn, FailsNoRequestOfClientsThatFollowDns) {
    if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
        GTEST_SKIP() << missing;
    ScaledFleet fleet;
    const DnsOrder order(fleet.etcd(), fleet.cluster().observer(), "edge");
    fleet.resize(3);
    ASSERT_TRUE(fleet.comes_to(3, 60s)) << fleet.logs();
    const DnsLoad load({.name_server = fleet.coredns().port(),
                        .name = ScaledFleet::name(),
                        .port = fleet.port(),
                        .per_second = 300,
                        .clients = 30,
                        .idle_clients = 6,
                        // They give up no connection themselves.
                        .requests_of_connection = 1'000'000});
    ASSERT_TRUE(eventually(20s, [&] { return load.counts().by_address.size() == 3; }));
    fleet.resize(1);
    ASSERT_TRUE(fleet.comes_to(1, 90s)) << fleet.logs();
    const DnsLoad::Counts counts = load.counts();
    EXPECT_EQ(counts.failed, 0U) << counts.str();
    EXPECT_GT(counts.answered, 1'000U) << counts.str();
    EXPECT_THAT(order.wrong(), IsEmpty()) << order.str();
    const std::string logs = fleet.logs();
    EXPECT_EQ(times(logs, "is deleting: drained, without connections"), 2U)
        << "both were waited for, and not for as long as they may take\n"
        << order.str() << logs;
}

}  // namespace
}  // namespace muster::test
