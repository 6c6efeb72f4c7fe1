#pragma once

#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/rfc2136_provider.hpp"
#include "tests/support/name_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::dnsupdate {

inline const DnsName zone_name("muster.test");

/// A BIND or a Knot with a zone in which others have records, too, and masters that write to it.
class Rfc2136Fixture : public testing::TestWithParam<test::NameServer::Kind> {
 protected:
    struct Master {
        Master(Clock& clock, Rfc2136Settings settings, std::int64_t epoch)
            : provider(clock, std::move(settings), "muster/c-1"),
              fence{.token = {.era = 1, .epoch = epoch}, .nonce = "m" + std::to_string(epoch)} {}
        Rfc2136Provider provider;
        Fence fence;
    };

    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            context_.run_one();
        return result.get();
    }

    [[nodiscard]] Rfc2136Settings settings(std::uint16_t port = 0) const {
        return {.server = {.host = "127.0.0.1", .port = port == 0 ? server_.port() : port},
                .zone = zone_name,
                .key_name = "muster",
                .secret = test::NameServer::secret(),
                .timeout = std::chrono::seconds(1)};
    }
    std::unique_ptr<Master> master(std::int64_t epoch, std::uint16_t port = 0) {
        auto one = std::make_unique<Master>(clock_, settings(port), epoch);
        const auto claim = run(one->provider.claim(one->fence, epoch > 1));
        EXPECT_TRUE(claim) << claim.error().message();
        return one;
    }
    Observed read(Master& by) {
        auto read = run(by.provider.read());
        EXPECT_TRUE(read) << read.error().message();
        return read.value_or(Observed{});
    }
    Plan plan_of(Master& by, std::map<DnsName, DesiredSet> sets) {
        return plan({.complete = true, .sets = std::move(sets)}, read(by), {}, {}, SteadyTime{});
    }
    /// Rounds until there is nothing to write.
    void converge(Master& by, const std::map<DnsName, DesiredSet>& sets) {
        for (int round = 0; round < 20; ++round) {
            Plan made = plan_of(by, sets);
            if (made.writes.empty()) return;
            for (const WriteResult& one : run(by.provider.write(std::move(made.writes))))
                EXPECT_EQ(one.outcome, Outcome::done) << one.name.str() << " " << one.detail;
        }
        FAIL() << "no end of it";
    }
    static RecordSet records(int first, int last) {
        RecordSet set;
        for (int number = first; number <= last; ++number)
            set.members.emplace(MemberId("lb-" + std::to_string(number)),
                                Member{.address = "10.0." + std::to_string(number / 200) + "." +
                                                  std::to_string(number % 200 + 1),
                                       .port = 80});
        return set;
    }
    /// The first one is the SOA.
    std::vector<ZoneRecord> zone() {
        auto records = run(client_.transfer());
        EXPECT_TRUE(records) << records.error().message();
        return records.value_or(std::vector<ZoneRecord>{{}});
    }
    std::string serial() { return zone().front().data.at(2); }
    /// What somebody else changes, with our key and without our compares.
    void change(Replacement replacement) {
        const auto reply = run(client_.send(
            {.zone = zone_name, .prerequisites = {}, .replacements = {std::move(replacement)}}));
        ASSERT_TRUE(reply) << reply.error().message();
        ASSERT_EQ(reply->code, "NOERROR");
    }
    DnsAnswer asked(const DnsName& name, RecordType type) {
        const auto answer = run(ask(clock_,
                                    {.host = "127.0.0.1", .port = server_.port()},
                                    name,
                                    type,
                                    std::chrono::seconds(5)));
        EXPECT_TRUE(answer) << answer.error().message();
        return answer.value_or(DnsAnswer{});
    }
    /// All that the set says, and nothing else.
    void expect_answers(const DnsName& name, const RecordSet& set) {
        for (const RecordType type : types_of(set))
            EXPECT_EQ(difference(name, set, type, asked(name, type)), "")
                << name.str() << " " << to_string(type);
    }

    test::NameServer server_{GetParam(),
                             zone_name.str(),
                             "www IN A 192.0.2.1\n"
                             "www IN TXT \"of others\"\n"
                             "x.api IN A 192.0.2.2\n"
                             "api IN TXT \"of others, too\""};
    asio::io_context context_;
    AsioClock clock_;
    ZoneClient client_{clock_, settings()};
};

}  // namespace muster::dnsupdate
