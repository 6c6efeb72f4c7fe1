// The Corefiles that deploy/ ships, with our ports and networks in the place of the examples': by
// the client's address, and by a database of where networks are.
#include "dnsupdate/desired.hpp"
#include "tests/dnsupdate/coredns_fixture.hpp"
#include "tests/support/mmdb.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/program.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <string>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const DnsName api("api.example.org");
const std::string european = "127.0.0.2";
const std::string american = "+subnet=203.0.113.0/24";

PublishedFleet region(const char* name, const char* address, bool up) {
    return {.name = FleetName(name),
            .dns = {{.name = api.str(), .ttl = 5s, .location = name}},
            .instances = {{.id = InstanceId("lb"), .address = address, .port = 80, .in = up}}};
}

class Views : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = test::CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
        const std::filesystem::path database = directory_ / "city.mmdb";
        std::ofstream(database, std::ios::binary)
            << test::mmdb({{"203.0.113.0/24", "NA"}, {"198.51.100.0/25", "EU"}});
        coredns_.emplace(test::source_file("deploy/coredns/Corefile.views"),
                         std::map<std::string, std::string>{
                             {"http://192.0.2.21:2379 http://192.0.2.22:2379 "
                              "http://192.0.2.23:2379",
                              etcd_.url()},
                             {"/var/lib/coredns/GeoLite2-City.mmdb", database.string()},
                             {"10.1.0.0/16", european + "/32"},
                             {":5300 ", fmt::format(":{} ", probe_ports_[0])},
                             {":5301 ", fmt::format(":{} ", probe_ports_[1])},
                             {":5302 ", fmt::format(":{} ", probe_ports_[2])}});
        for (const char* const view : {"", "eu", "us"}) {
            stores_.push_back(std::make_unique<Store>(clock_, etcd_.url(), view));
            const Claim claim = run(stores_.back()->provider.claim(fence_, false)).value();
            EXPECT_EQ(claim, stores_.size() == 1 ? Claim::create : Claim::adopt)
                << "one fence for all";
        }
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return result.get();
    }
    /// Rounds, until all is as it should: one removal in each.
    void publish(const std::vector<PublishedFleet>& fleets) {
        for (const auto& store : stores_) {
            std::vector<std::string> fallback;
            if (!store->view.empty()) fallback.emplace_back(store->view == "eu" ? "us" : "eu");
            const DesiredRecords wanted = desired_records(fleets, store->view, true, fallback);
            for (int round = 0; round < 5; ++round) {
                const auto read = run(store->provider.read());
                ASSERT_TRUE(read) << read.error().message();
                Plan made = plan(wanted.desired, *read, {}, {}, SteadyTime{});
                if (made.writes.empty()) break;
                for (const WriteResult& one : run(store->provider.write(std::move(made.writes))))
                    ASSERT_EQ(one.outcome, Outcome::done) << one.detail;
            }
        }
    }
    /// What dig gets, as one who asks from `from`.
    [[nodiscard]] std::vector<std::string> asked(const std::string& from,
                                                 const std::string& option = "+nosubnet",
                                                 std::uint16_t port = 0) {
        static int runs = 0;
        const std::filesystem::path output = directory_ / fmt::format("dig-{}", ++runs);
        test::Process dig({.argv = {"dig",
                                    "@127.0.0.1",
                                    "-p",
                                    std::to_string(port == 0 ? coredns_->port() : port),
                                    "-b",
                                    from,
                                    "+short",
                                    option,
                                    api.str(),
                                    "A"},
                           .output = output});
        (void)dig.wait(20s);
        std::vector<std::string> lines;
        std::ifstream file(output);
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        std::ranges::sort(lines);
        return lines;
    }

    struct Store {
        Store(Clock& clock, const std::string& url, std::string of)
            : view(std::move(of)),
              client(clock, {.endpoints = {url}}),
              provider(client,
                       {.root = view.empty() ? "/skydns" : "/skydns-" + view,
                        .owner = "muster/c-1",
                        .zones = {DnsName("example.org")}},
                       "prod",
                       view.empty() ? "etcd" : "etcd-" + view) {}
        std::string view;
        etcd::Client client;
        EtcdProvider provider;
    };

    const std::vector<std::uint16_t> probe_ports_{
        test::free_port(), test::free_port(), test::free_port()};
    test::TempDir directory_;
    test::EtcdServer etcd_;
    std::optional<test::CoreDnsServer> coredns_;
    asio::io_context context_;
    AsioClock clock_;
    const Fence fence_{.token = {.epoch = 1}, .nonce = "n"};
    std::vector<std::unique_ptr<Store>> stores_;
};

TEST_F(Views, AnswerEachRegionWithItsOwnAndElseWithTheNext) {
    publish({region("eu", "10.1.0.1", true), region("us", "10.2.0.1", true)});
    EXPECT_THAT(asked(european), ElementsAre("10.1.0.1")) << coredns_->output();
    EXPECT_THAT(asked("127.0.0.1", american), ElementsAre("10.2.0.1")) << coredns_->output();
    EXPECT_THAT(asked("127.0.0.1"), ElementsAre("10.1.0.1", "10.2.0.1")) << "who is nowhere";
    EXPECT_THAT(asked("127.0.0.1", "+subnet=198.51.100.0/25"), ElementsAre("10.1.0.1", "10.2.0.1"))
        << "known, and of no view";
    // As muster asks, from wherever it is.
    EXPECT_THAT(asked(european, "+nosubnet", probe_ports_[2]), ElementsAre("10.2.0.1"));
    EXPECT_THAT(asked("127.0.0.1", american, probe_ports_[1]), ElementsAre("10.1.0.1"));
    EXPECT_THAT(asked(european, "+nosubnet", probe_ports_[0]), ElementsAre("10.1.0.1", "10.2.0.1"));

    publish({region("eu", "10.1.0.1", false), region("us", "10.2.0.1", true)});
    EXPECT_THAT(asked("127.0.0.1", "+nosubnet", probe_ports_[1]), ElementsAre("10.2.0.1"));
    // With a cache: for as long as it holds the answer of before, and never with none.
    const SteadyTime limit = clock_.now() + 60s;
    std::vector<std::string> answer;
    do {
        answer = asked(european);
        ASSERT_THAT(answer, testing::Not(IsEmpty()));
    } while (answer != std::vector<std::string>{"10.2.0.1"} && clock_.now() < limit);
    EXPECT_THAT(answer, ElementsAre("10.2.0.1"));
    EXPECT_THAT(asked("127.0.0.1", american), ElementsAre("10.2.0.1"));

    // All are dead: what there was stays.
    publish({region("eu", "10.1.0.1", false), region("us", "10.2.0.1", false)});
    for (const std::uint16_t port : probe_ports_)
        EXPECT_THAT(asked("127.0.0.1", "+nosubnet", port), ElementsAre("10.2.0.1"));
}

TEST_F(Views, HaveOneFence) {
    publish({region("eu", "10.1.0.1", true)});
    const auto later = std::make_unique<Store>(clock_, etcd_.url(), "");
    EXPECT_EQ(run(later->provider.claim({.token = {.epoch = 2}, .nonce = "heir"}, true)).value(),
              Claim::raise);
    for (const auto& store : stores_) {
        const auto wanted =
            desired_records({region("eu", "10.1.0.9", true)}, store->view, true, {});
        Plan made = plan(wanted.desired, run(store->provider.read()).value(), {}, {}, SteadyTime{});
        ASSERT_FALSE(made.writes.empty());
        const auto results = run(store->provider.write(std::move(made.writes)));
        ASSERT_EQ(results.size(), 1U);
        EXPECT_EQ(results[0].outcome, Outcome::fenced) << store->provider.name();
    }
}

/// Without views: it is taken as it is, and what it says of its cache holds.
TEST(Corefile, AnswersWhatItKnowsWhileEtcdIsAwayAndNoFailureAfterwards) {
    if (const std::string missing = test::CoreDnsServer::missing(); !missing.empty())
        GTEST_SKIP() << missing;
    CoreDnsWorld world;
    const DnsName name("api.example.org");
    const DnsName unknown("www.example.org");
    const RecordSet records{.ttl = 5s, .members = {{MemberId("lb-1"), {.address = "10.0.0.1"}}}};
    test::CoreDnsServer coredns(
        test::source_file("deploy/coredns/Corefile"),
        {{"http://192.0.2.21:2379 http://192.0.2.22:2379 http://192.0.2.23:2379",
          world.etcd().url()}});
    AsioClock clock;
    const auto asked = [&](const DnsName& which) {
        const config::Endpoint server{.host = "127.0.0.1", .port = coredns.port()};
        return world.run(ask(clock, server, which, RecordType::a, 8s)).value_or(DnsAnswer{});
    };
    world.publish({{name, {.records = records}}, {unknown, {.records = records}}});
    EXPECT_EQ(difference(name, records, RecordType::a, asked(name)), "");
    world.etcd().pause();
    // From the cache, and when that has run out, stale: with a TTL of 0.
    const SteadyTime limit = clock.now() + 60s;
    DnsAnswer answer;
    do {
        answer = asked(name);
        ASSERT_EQ(difference(name, records, RecordType::a, answer), "");
    } while (answer.records.front().ttl != 0 && clock.now() < limit);
    EXPECT_EQ(answer.records.front().ttl, 0U);
    EXPECT_EQ(asked(unknown).code, "SERVFAIL") << "and not that there is none";
    world.etcd().resume();
    EXPECT_EQ(difference(unknown, records, RecordType::a, asked(unknown)), "") << "at once";
}

}  // namespace
}  // namespace muster::dnsupdate
