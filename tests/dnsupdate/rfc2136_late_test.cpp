// Writes of a deposed master that come late, to a real BIND and a real Knot.
#include "tests/dnsupdate/rfc2136_fixture.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <set>

namespace muster::dnsupdate {
namespace {

using asio::ip::tcp;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

std::size_t size_of(const std::array<unsigned char, 2>& size) {
    return static_cast<std::size_t>(size[0]) << 8U | size[1];
}

/// Between a master and its server. Passes everything, but updates that `holds` says it shall keep:
/// the master hears nothing of these but the end of its connection.
class SlowNetwork {
 public:
    SlowNetwork(asio::io_context& context, std::uint16_t server)
        : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), server_(server) {
        asio::co_spawn(context, accept(), test::rethrow);
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    std::function<bool()> holds = [] { return false; };
    std::vector<std::string> held;
    std::optional<std::size_t> spoils;  ///< this byte of what the server sends
    std::optional<std::size_t> cuts;    ///< all from this byte on
    std::size_t most_passed = 0;        ///< from the server, on one connection

 private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto [error, socket] = co_await acceptor_.async_accept(use_result);
            if (error) co_return;
            asio::co_spawn(acceptor_.get_executor(),
                           serve(std::make_shared<tcp::socket>(std::move(socket))),
                           test::rethrow);
        }
    }
    asio::awaitable<void> serve(std::shared_ptr<tcp::socket> client) {
        std::array<unsigned char, 2> size{};
        if (std::get<0>(co_await asio::async_read(*client, asio::buffer(size), use_result)))
            co_return;
        std::string message(size_of(size), '\0');
        if (std::get<0>(co_await asio::async_read(*client, asio::buffer(message), use_result)))
            co_return;
        message.insert(0, {static_cast<char>(size[0]), static_cast<char>(size[1])});
        const bool is_update = message.size() > 4 && (message[4] >> 3 & 0xf) == 5;
        if (is_update && holds()) {
            held.push_back(message);
            co_return;
        }
        auto server = std::make_shared<tcp::socket>(acceptor_.get_executor());
        const tcp::endpoint where(asio::ip::address_v4::loopback(), server_);
        if (std::get<0>(co_await server->async_connect(where, use_result))) co_return;
        if (std::get<0>(co_await asio::async_write(*server, asio::buffer(message), use_result)))
            co_return;
        asio::co_spawn(acceptor_.get_executor(), end_with(client, server), test::rethrow);
        std::array<char, 16'384> bytes{};
        for (std::size_t passed = 0;;) {
            auto [end, count] = co_await server->async_read_some(asio::buffer(bytes), use_result);
            if (end) co_return;
            if (spoils && *spoils >= passed && *spoils < passed + count)
                bytes.at(*spoils - passed) ^= 1;
            const bool is_cut = cuts && *cuts < passed + count;
            if (is_cut) count = *cuts - passed;
            const auto [gone, sent] =
                co_await asio::async_write(*client, asio::buffer(bytes.data(), count), use_result);
            if (is_cut) client->close();
            if (gone || is_cut) co_return;
            passed += count;
            most_passed = std::max(most_passed, passed);
        }
    }
    static asio::awaitable<void> end_with(std::shared_ptr<tcp::socket> client,
                                          std::shared_ptr<tcp::socket> server) {
        char byte = 0;
        co_await client->async_read_some(asio::buffer(&byte, 1), use_result);
        server->close();
    }

    tcp::acceptor acceptor_;
    std::uint16_t server_;
};

class Rfc2136LateTest : public Rfc2136Fixture {
 protected:
    /// The code that the server answers with.
    int deliver(const std::string& message) {
        tcp::socket socket(context_);
        socket.connect({asio::ip::address_v4::loopback(), server_.port()});
        asio::write(socket, asio::buffer(message));
        std::array<unsigned char, 2> size{};
        asio::read(socket, asio::buffer(size));
        std::string reply(size_of(size), '\0');
        asio::read(socket, asio::buffer(reply));
        return reply.at(3) & 0xf;
    }
    std::map<DnsName, DesiredSet> some_records(std::mt19937& random) {
        std::map<DnsName, DesiredSet> sets;
        for (const char* const name : {"api.muster.test", "shop.muster.test", "eu.muster.test"}) {
            const int first = 1 + static_cast<int>(random() % 5);
            sets[DnsName(name)].records = records(first, first + static_cast<int>(random() % 4));
        }
        return sets;
    }
    /// One step of a master: reads, plans, writes; whatever comes of it.
    std::vector<WriteResult> step(Master& by, std::mt19937& random) {
        const auto there = run(by.provider.read());
        if (!there) return {};
        Plan made = plan({.complete = true, .sets = some_records(random)},
                         *there,
                         {},
                         {.removal_percent = 50},
                         SteadyTime{});
        return run(by.provider.write(std::move(made.writes)));
    }
};

TEST_P(Rfc2136LateTest, NoWriteOfADeposedMasterComesAfterTheClaimOfAnother) {
    constexpr int schedules = 100;
    constexpr int no_error = 0;
    const std::set<int> says_otherwise{6, 7, 8};  // YXDOMAIN, YXRRSET, NXRRSET
    SlowNetwork network(context_, server_.port());
    std::int64_t epoch = 0;
    int late_before = 0;  // that were done before the claim
    int late_after = 0;
    int fenced = 0;
    for (std::uint32_t seed = 1; seed <= schedules; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto chance = [&random](unsigned percent) { return random() % 100 < percent; };
        network.held.clear();
        network.holds = [] { return false; };
        const auto old = master(++epoch, network.port());
        network.holds = [&] { return chance(50); };
        const auto steps = 1 + random() % 3;
        for (unsigned i = 0; i < steps; ++i) step(*old, random);
        // Some come late, but still in its term. Those that compare what isn't any more do nothing.
        std::ranges::shuffle(network.held, random);
        while (!network.held.empty() && chance(75)) {
            late_before += deliver(network.held.back()) == no_error ? 1 : 0;
            network.held.pop_back();
        }
        // A plan that was made in time.
        network.holds = [] { return false; };
        const auto there = run(old->provider.read());
        ASSERT_TRUE(there) << there.error().message();
        Plan planned =
            plan({.complete = true, .sets = some_records(random)}, *there, {}, {}, SteadyTime{});
        network.holds = [&] { return chance(50); };

        const auto heir = master(++epoch);
        std::vector<ZoneRecord> before = zone();
        const auto nothing_has_changed = [&] {
            ASSERT_EQ(zone(), before) << "a record of " << encode(old->fence);
        };
        const auto results = run(old->provider.write(std::move(planned.writes)));
        for (const WriteResult& one : results) {
            EXPECT_NE(one.outcome, Outcome::done);
            fenced += one.outcome == Outcome::fenced ? 1 : 0;
        }
        nothing_has_changed();
        while (!network.held.empty()) {
            if (chance(20)) {
                step(*heir, random);
                before = zone();
            }
            const int code = deliver(network.held.back());
            EXPECT_TRUE(says_otherwise.contains(code)) << code;
            ++late_after;
            // The same bytes once more, too: servers know no replays within five minutes.
            if (chance(70)) network.held.pop_back();
            nothing_has_changed();
            if (HasFatalFailure()) return;
        }
        step(*old, random);
        nothing_has_changed();
        if (HasFatalFailure()) return;
    }
    std::cout << schedules << " schedules: " << late_before << " late writes done in time, "
              << late_after << " after the claim, " << fenced << " fenced off\n";
    EXPECT_GT(late_before, 10) << "or nothing was late at all";
    EXPECT_GT(late_after, 50);
    EXPECT_GT(fenced, 10);
}

TEST_P(Rfc2136LateTest, AWriteOfUnknownOutcomeComesTooLateOnceItIsSettled) {
    SlowNetwork network(context_, server_.port());
    const auto one = master(1, network.port());
    const DnsName api("api.muster.test");
    const DnsName shop("shop.muster.test");
    converge(*one, {{api, {.records = records(1, 1)}}});
    Plan made =
        plan_of(*one, {{api, {.records = records(2, 3)}}, {shop, {.records = records(2, 3)}}});
    ASSERT_EQ(made.writes.size(), 2U);
    network.holds = [] { return true; };
    for (SetWrite& write : made.writes) {
        const auto results = run(one->provider.write({write}));
        ASSERT_EQ(results.size(), 1U);
        EXPECT_EQ(results[0].outcome, Outcome::unknown);
    }
    ASSERT_GE(network.held.size(), 2U);
    network.holds = [] { return false; };
    const Observed there = read(*one);
    EXPECT_EQ(there.sets.at(api).members.begin()->first, MemberId("lb-1")) << "it has not come";
    const auto settled = zone();
    for (const std::string& late : network.held) EXPECT_NE(deliver(late), 0);
    EXPECT_EQ(zone(), settled);
    converge(*one, {{api, {.records = records(2, 3)}}, {shop, {.records = records(2, 3)}}});
    expect_answers(shop, records(2, 3));
}

TEST_P(Rfc2136LateTest, BelievesNoTransferThatWasChangedOrCutOffOnItsWay) {
    std::string lines;
    for (int i = 0; i < 6'000; ++i)
        lines += fmt::format("n{} IN A 10.1.{}.{}\n", i, i / 250, i % 250);
    const test::NameServer large(GetParam(), zone_name.str(), lines);
    SlowNetwork network(context_, large.port());
    Rfc2136Settings slow = settings(network.port());
    slow.transfer_timeout = std::chrono::seconds(5);
    ZoneClient client(clock_, slow);
    const auto whole = run(client.transfer());
    ASSERT_TRUE(whole) << whole.error().message();
    EXPECT_EQ(whole->size(), 6'003U) << "SOA, NS and ns, too";
    const std::size_t size = network.most_passed;
    EXPECT_GT(size, 65'537U) << "more than one message";
    std::mt19937 random(1);
    for (int i = 0; i < 12; ++i) {
        network.spoils = i == 0 ? size - 1 : 2 + random() % (size - 2);
        EXPECT_FALSE(run(client.transfer())) << "byte " << *network.spoils << " of " << size;
    }
    network.spoils = std::nullopt;
    for (int i = 0; i < 12; ++i) {
        network.cuts = i == 0 ? size - 1 : random() % size;
        EXPECT_FALSE(run(client.transfer())) << *network.cuts << " bytes of " << size;
    }
    network.cuts = std::nullopt;
    EXPECT_EQ(run(client.transfer()), whole);
    slow.max_records = 6'000;
    ZoneClient modest(clock_, slow);
    EXPECT_FALSE(run(modest.transfer()));
}

INSTANTIATE_TEST_SUITE_P(Servers,
                         Rfc2136LateTest,
                         testing::Values(test::NameServer::Kind::bind,
                                         test::NameServer::Kind::knot),
                         [](const auto& one) { return test::to_string(one.param); });

}  // namespace
}  // namespace muster::dnsupdate
