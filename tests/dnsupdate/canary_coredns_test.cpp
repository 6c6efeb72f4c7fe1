// The canary in a real etcd, asked of a real CoreDNS with the cache that we ship.
#include "dnsupdate/dns_verifier.hpp"
#include "tests/dnsupdate/coredns_fixture.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <string>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using Health = CanaryState::Health;

const DnsName canary("_muster-canary.muster.test");
const DnsName api("api.muster.test");
const RecordSet one_lb{.members = {{MemberId("lb-1"), {.address = "10.0.0.1"}}}};

class Canary : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = test::CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        world_.emplace();
        coredns_.emplace("muster.test",
                         "etcd {\n path /skydns\n endpoint " + world_->etcd().url() +
                             "\n}\ncache 30 {\n servfail 0\n serve_stale 1h verify\n}");
        world_->publish({{canary, canary_set("muster/c-1")}, {api, {.records = one_lb}}});
    }
    DnsAnswer asked(const DnsName& name, RecordType type) {
        const config::Endpoint server{.host = "127.0.0.1", .port = coredns_->port()};
        const auto answer = world_->run(ask(clock_, server, name, type, 8s));
        EXPECT_TRUE(answer) << answer.error().message();
        return answer.value_or(DnsAnswer{});
    }

    std::optional<CoreDnsWorld> world_;
    std::optional<test::CoreDnsServer> coredns_;
    AsioClock clock_;
};

TEST_F(Canary, IsAnsweredAndSendsNobodyAnywhere) {
    EXPECT_EQ(difference(canary,
                         canary_set("muster/c-1").records,
                         RecordType::txt,
                         asked(canary, RecordType::txt)),
              "");
    for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::cname}) {
        const DnsAnswer answer = asked(canary, type);
        EXPECT_EQ(answer.code, "NOERROR");
        EXPECT_THAT(answer.records, IsEmpty()) << to_string(type);
    }
    // CoreDNS answers for the zone's own name, where it has no records, with all that is below.
    for (const DnsRecord& record : asked(DnsName("muster.test"), RecordType::a).records)
        EXPECT_EQ(record.data, "10.0.0.1");
    const Plan again =
        world_->planned({{canary, canary_set("muster/c-1")}, {api, {.records = one_lb}}});
    EXPECT_TRUE(again.writes.empty()) << "it is read as it was written";
}

TEST_F(Canary, TellsOfAnEtcdThatHangsWhileCoreDnsSaysThatItIsWell) {
    asio::io_context context;
    DnsVerifier verifier(
        context.get_executor(),
        clock_,
        {.servers = {{.host = "127.0.0.1", .port = coredns_->port()}},
         .canary = {.name = canary, .text = "muster/c-1", .interval = 200ms, .timeout = 500ms}},
        [this](const config::Endpoint& server,
               const DnsName& name,
               RecordType type,
               std::chrono::nanoseconds timeout) {
            return ask(clock_, server, name, type, timeout);
        },
        [] {});
    const auto becomes = [&](Health health) {
        const SteadyTime limit = clock_.now() + 40s;
        while (clock_.now() < limit && verifier.servers().front().canary.health != health)
            context.run_one_for(100ms);
        return verifier.servers().front().canary.health == health;
    };
    verifier.start();
    verifier.expect({{canary, canary_set("muster/c-1").records}, {api, one_lb}}, {canary, api});
    ASSERT_TRUE(becomes(Health::up)) << verifier.servers().front().canary.wrong;
    world_->etcd().pause();
    EXPECT_TRUE(becomes(Health::down));
    EXPECT_THAT(verifier.servers().front().canary.wrong, HasSubstr("no answer in time"));
    EXPECT_TRUE(coredns_->says_ready()) << "which is why we don't ask it that";
    world_->etcd().resume();
    EXPECT_TRUE(becomes(Health::up)) << verifier.servers().front().canary.wrong;
    verifier.cancel();
    auto stopped = asio::co_spawn(context, verifier.stop(), asio::use_future);
    context.run();
    stopped.get();
}

}  // namespace
}  // namespace muster::dnsupdate
