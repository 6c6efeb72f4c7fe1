// Sockets that serve one probe after another, and the places that they keep in the poll set.

#include "checker/spare_sockets.hpp"

#include "checker/network_prober.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

struct Listener final : PollSet::Waiter {
    void on_ready(int /*descriptor*/, std::uint32_t /*epoll_events*/) override {
        ++calls;
        if (then) then();
    }
    int calls = 0;
    std::function<void()> then;
};

struct Pair {
    Pair() {
        std::array<int, 2> made{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, made.data()), 0);
        near = FileDescriptor(made[0]);
        far = FileDescriptor(made[1]);
    }
    void say() const { EXPECT_EQ(::write(far.get(), "x", 1), 1); }
    FileDescriptor near;
    FileDescriptor far;
};

TEST(PollSet, DropsWhatHappensToARestingDescriptorAndWakesIt) {
    asio::io_context context;
    PollSet set(context.get_executor());
    const Pair pair;
    Listener first;
    PollSet::Ticket ticket;
    ASSERT_FALSE(set.add(pair.near.get(), EPOLLIN | EPOLLET, first, ticket));
    pair.say();
    ASSERT_TRUE(run_until(context, [&] { return first.calls == 1; }));

    set.rest(ticket);
    pair.say();
    context.restart();
    EXPECT_LT(context.run_for(10s), 100U) << "comes back: nobody waits";
    EXPECT_TRUE(context.stopped());

    Listener second;
    set.wake(ticket, second);
    pair.say();
    ASSERT_TRUE(run_until(context, [&] { return second.calls > 0; }));
    EXPECT_EQ(first.calls, 1);

    set.rest(ticket);
    set.remove(ticket);
    context.restart();
    context.run_for(10s);
    EXPECT_TRUE(context.stopped());
}

TEST(PollSet, DropsWhatWasOnTheWayToWhomItWasTakenFrom) {
    asio::io_context context;
    PollSet set(context.get_executor());
    const std::array<Pair, 2> pairs;
    std::array<PollSet::Ticket, 2> tickets;
    std::array<Listener, 2> before;
    Listener after;
    for (std::size_t i = 0; i < 2; ++i) {
        ASSERT_FALSE(
            set.add(pairs.at(i).near.get(), EPOLLIN | EPOLLET, before.at(i), tickets.at(i)));
        // Whoever of the two hears first takes the other's place away and gives it to a third.
        before.at(i).then = [&, other = tickets.at(1 - i), i] {
            set.rest(tickets.at(1 - i));
            set.wake(tickets.at(1 - i), after);
            before.at(1 - i).then = nullptr;
            before.at(i).then = nullptr;
        };
    }
    for (const Pair& pair : pairs) pair.say();
    ASSERT_TRUE(set.poll());
    EXPECT_EQ(before[0].calls + before[1].calls, 1);
    EXPECT_EQ(after.calls, 0) << "that was another's";
    const std::size_t taken = before[0].calls == 1 ? 1 : 0;
    pairs.at(taken).say();
    EXPECT_TRUE(set.poll());
    EXPECT_EQ(after.calls, 1);
    for (PollSet::Ticket& ticket : tickets) set.remove(ticket);
}

/// The sockets of this process, by their inodes.
std::set<std::string> sockets() {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string to = std::filesystem::read_symlink(entry, gone).string();
        if (to.starts_with("socket:")) found.insert(to);
    }
    return found;
}

class SpareSocketsTest : public testing::Test {
 protected:
    Reason probe(std::uint16_t port,
                 const std::string& host = "127.0.0.1",
                 std::chrono::nanoseconds timeout = 2s * test::slowdown(),
                 config::ProbeSpec spec = config::HttpCheck{}) {
        std::optional<ProbeOutcome> outcome;
        prober_->start(
            std::make_shared<ProbeRequest>(ProbeRequest{
                .host = host, .port = port, .probe = std::move(spec), .timeout = timeout}),
            [&](ProbeOutcome result) { outcome = result; });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome.value_or(ProbeOutcome{}).reason;
    }
    /// Once the backend's ends of them are gone.
    std::set<std::string> at_rest(const BackendStub& stub, int resets) {
        EXPECT_TRUE(run_until(context_, [&] { return stub.seen().resets == resets; }));
        return sockets();
    }
    BackendStub hanging(const std::string& address = "127.0.0.1",
                        const std::string& says = "HTTP/1.1 200 OK\r\n\r\n") {
        return {context_.get_executor(),
                {.parts = {says}, .then = Then::hang},
                asio::ip::make_address(address)};
    }

    asio::io_context context_;
    ShiftedClock clock_;
    std::unique_ptr<NetworkProber> prober_ =
        std::make_unique<NetworkProber>(context_.get_executor(), clock_);
};

TEST_F(SpareSocketsTest, ServeProbesOfTheirFamilyOneAfterAnother) {
    const BackendStub v4 = hanging();
    const BackendStub other = hanging("127.0.0.2");
    const BackendStub v6 = hanging("::1");
    ASSERT_EQ(probe(v4.port()), Reason::l7_ok);
    ASSERT_EQ(probe(v6.port(), "::1"), Reason::l7_ok);
    (void)at_rest(v4, 1);
    const std::set<std::string> first = at_rest(v6, 1);
    for (int i = 2; i < 20; ++i) {
        ASSERT_EQ(probe(v4.port()), Reason::l7_ok);
        ASSERT_EQ(probe(other.port(), "127.0.0.2"), Reason::l7_ok);
        ASSERT_EQ(probe(v6.port(), "::1"), Reason::l7_ok);
        (void)at_rest(v4, i);
        (void)at_rest(other, i - 1);
        ASSERT_EQ(at_rest(v6, i), first) << "no other sockets, and each connection ended by reset";
    }
    EXPECT_EQ(v4.seen().requests.size(), 19U);
    EXPECT_EQ(v4.seen().ends, 0);
    prober_.reset();
    EXPECT_EQ(sockets().size(), first.size() - 2);
}

TEST_F(SpareSocketsTest, KeepNothingOfAProbeThatWentWrong) {
    const BackendStub good = hanging();
    const BackendStub garbage = hanging("127.0.0.1", "garbage\r\n\r\n");
    const BackendStub silent = hanging("127.0.0.1", "HTTP/1.1 200 OK\r\n");
    const BackendStub resets(context_.get_executor(), {.parts = {"HTTP"}, .then = Then::reset});
    tcp::acceptor nobody(context_.get_executor());
    nobody.open(tcp::v4());
    nobody.bind({asio::ip::make_address("127.0.0.1"), 0});
    tcp::acceptor full(context_.get_executor(), {asio::ip::make_address("127.0.0.1"), 0});
    full.listen(0);
    std::deque<tcp::socket> fillers;
    for (int i = 0; i < 4; ++i)
        fillers.emplace_back(context_.get_executor())
            .async_connect(full.local_endpoint(), [](const boost::system::error_code&) {});
    context_.run_for(50ms);

    ASSERT_EQ(probe(good.port()), Reason::l7_ok);
    const std::set<std::string> first = at_rest(good, 1);
    int resets_seen = 1;
    const auto still_good = [&] {
        ASSERT_EQ(probe(good.port()), Reason::l7_ok);
        (void)at_rest(good, ++resets_seen);
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(probe(nobody.local_endpoint().port()), Reason::l4_refused);
        still_good();
        EXPECT_EQ(probe(garbage.port()), Reason::l7_invalid);
        still_good();
        EXPECT_EQ(probe(silent.port(), "127.0.0.1", 100ms), Reason::l7_timeout);
        still_good();
        EXPECT_EQ(probe(resets.port()), Reason::l7_closed);
        still_good();
        EXPECT_EQ(probe(full.local_endpoint().port(), "127.0.0.1", 100ms), Reason::l4_timeout);
        still_good();
    }
    ASSERT_TRUE(run_until(context_, [&] { return garbage.seen().resets == 3; }));
    ASSERT_TRUE(run_until(context_, [&] { return sockets() == first; }));
}

TEST_F(SpareSocketsTest, AreNotMadeOfWhatClosesInOrder) {
    const BackendStub stub = hanging();
    const std::size_t before = sockets().size();
    config::ProbeSpec spec = config::HttpCheck{};
    spec.close = config::CloseMode::fin;
    EXPECT_EQ(probe(stub.port(), "127.0.0.1", 2s * test::slowdown(), spec), Reason::l7_ok);
    ASSERT_TRUE(run_until(context_, [&] { return stub.seen().ends == 1; }));
    EXPECT_TRUE(run_until(context_, [&] { return sockets().size() == before; }));
}

TEST_F(SpareSocketsTest, NorWithASourceAddress) {
    const BackendStub stub = hanging();
    prober_ = std::make_unique<NetworkProber>(
        context_.get_executor(),
        clock_,
        NetworkProberSettings{.source_addresses = {asio::ip::make_address("127.0.0.9")}});
    const std::size_t before = sockets().size();
    for (int i = 1; i < 4; ++i) {
        EXPECT_EQ(probe(stub.port()), Reason::l7_ok);
        EXPECT_EQ(at_rest(stub, i).size(), before);
    }
}

TEST_F(SpareSocketsTest, AreNoMoreThanWereNeededOfLate) {
    const BackendStub stub = hanging();
    const std::size_t before = sockets().size();
    const auto wanted = std::make_shared<ProbeRequest>(
        ProbeRequest{.host = "127.0.0.1", .port = stub.port(), .timeout = 5s * test::slowdown()});
    const auto burst = [&](int count) {
        int ended = 0;
        for (int i = 0; i < count; ++i)
            prober_->start(wanted, [&](const ProbeOutcome& outcome) {
                EXPECT_EQ(outcome.reason, Reason::l7_ok);
                ++ended;
            });
        ASSERT_TRUE(run_until(context_, [&] { return ended == count; }));
    };
    constexpr auto many = static_cast<int>(SpareSockets::most) + 30;
    burst(many);
    EXPECT_EQ(at_rest(stub, many).size(), before + SpareSockets::most);
    int all = many;
    const auto one_at_a_time = [&] {
        burst(1);
        clock_.shift += 1s;
        return at_rest(stub, ++all).size() == before + 1;
    };
    EXPECT_TRUE(test::eventually(10s, one_at_a_time));
}

}  // namespace
}  // namespace muster::checker
