// An instance leaves DNS, through a real etcd, a CoreDNS with the cache that we ship and, behind
// it, a resolver with a cache of its own, which clients ask all the time.
#include "dnsupdate/dns_updater.hpp"
#include "tests/dnsupdate/coredns_fixture.hpp"
#include "tests/support/rethrow.hpp"

#include <fmt/format.h>

#include <string>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;

const DnsName api("api.muster.test");
const MemberId gone("lb-2");

DesiredRecords wanted_with(std::vector<std::string> addresses) {
    DesiredRecords made{.desired = {.complete = true}};
    RecordSet& records = made.desired.sets[api].records;
    records.ttl = 5s;
    for (std::size_t i = 0; i < addresses.size(); ++i)
        records.members[MemberId("lb-" + std::to_string(i + 1))] = {.address = addresses[i]};
    return made;
}

class Drain : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = test::CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        coredns_.emplace("muster.test",
                         "etcd {\n path /skydns\n endpoint " + etcd_.url() +
                             "\n}\ncache {\n servfail 0\n serve_stale 1h verify\n}");
        resolver_.emplace("muster.test",
                          fmt::format("forward . 127.0.0.1:{}\ncache 3600", coredns_->port()));
        UpdaterSettings settings;
        settings.interval = 1s;
        settings.verifier.servers = {{.host = "127.0.0.1", .port = coredns_->port()}};
        UpdaterLinks links{.wanted = [this] { return wanted_; },
                           .may_write = [] { return true; },
                           .paused = [] { return false; },
                           .deposed = [] {},
                           .keep = [](StoreMark) -> asio::awaitable<bool> { co_return true; },
                           .ask =
                               [this](const config::Endpoint& server,
                                      const DnsName& name,
                                      RecordType type,
                                      std::chrono::nanoseconds timeout) {
                                   return ask(clock_, server, name, type, timeout);
                               },
                           .on_change = [] {}};
        updater_.emplace(context_.get_executor(),
                         clock_,
                         provider_,
                         settings,
                         std::move(links),
                         Fence{.token = {.epoch = 1}, .nonce = "n"},
                         StoreMark{.longest_ttl = 0s});
        updater_->start();
        // Before, it would fill the caches with that there is no such name.
        ASSERT_TRUE(becomes(20s, [&] {
            const UpdaterStatus status = updater_->status();
            return status.counters.written > 0;
        }));
        asio::co_spawn(context_, be_a_client(), test::rethrow);
    }
    void TearDown() override {
        if (!updater_) return;
        over_ = true;
        updater_->cancel();
        auto stopped = asio::co_spawn(context_, updater_->stop(), asio::use_future);
        context_.run();
        stopped.get();
    }
    asio::awaitable<void> be_a_client() {
        while (!over_) {
            const auto answer = co_await ask(
                clock_, {.host = "127.0.0.1", .port = resolver_->port()}, api, RecordType::a, 2s);
            for (const DnsRecord& record : answer.value_or(DnsAnswer{}).records) {
                if (record.data == "10.0.0.2") last_seen_ = clock_.now();
                if (record.data == "10.0.0.1") last_answer_ = clock_.now();
            }
            co_await clock_.sleep_for(20ms);
        }
    }
    template <class Condition>
    bool becomes(std::chrono::seconds within, const Condition& condition) {
        const SteadyTime limit = clock_.now() + within;
        while (clock_.now() < limit && !condition()) context_.run_one_for(50ms);
        return condition();
    }

    test::EtcdServer etcd_;
    std::optional<test::CoreDnsServer> coredns_;
    std::optional<test::CoreDnsServer> resolver_;
    asio::io_context context_;
    AsioClock clock_;
    etcd::Client client_{clock_, {.endpoints = {etcd_.url()}}};
    EtcdProvider provider_{
        client_, {.owner = "muster/c-1", .zones = {DnsName("muster.test")}}, "prod"};
    DesiredRecords wanted_ = wanted_with({"10.0.0.1", "10.0.0.2"});
    std::optional<DnsUpdater> updater_;
    SteadyTime last_seen_{};
    SteadyTime last_answer_{};
    bool over_ = false;
};

TEST_F(Drain, IsOverBeforeItIsSaidToBe) {
    ASSERT_TRUE(becomes(60s, [&] { return last_seen_ != SteadyTime{}; }));
    EXPECT_FALSE(updater_->out_of_dns(gone).out);
    const SteadyTime removed = clock_.now();
    wanted_ = wanted_with({"10.0.0.1"});
    updater_->look();
    ASSERT_TRUE(becomes(60s, [&] { return updater_->out_of_dns(gone).out; }))
        << updater_->out_of_dns(gone).why;
    const SteadyTime out = clock_.now();
    EXPECT_GT(last_seen_ - removed, 1s) << "or there was no cache, and nothing to wait for";
    EXPECT_LT(last_seen_, out);
    // Whatever is in a cache is asked for again within the TTL and the floor.
    ASSERT_TRUE(becomes(30s, [&] { return clock_.now() > out + 11s; }));
    EXPECT_LT(last_seen_, out) << "a client got the address after it was said to be out";
    EXPECT_GT(last_answer_, out + 10s) << "or nobody asked";
    fmt::print("last answered {:.1f} s after its removal, out after {:.1f} s\n",
               std::chrono::duration<double>(last_seen_ - removed).count(),
               std::chrono::duration<double>(out - removed).count());
}

}  // namespace
}  // namespace muster::dnsupdate
