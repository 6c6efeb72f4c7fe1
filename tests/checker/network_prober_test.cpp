#include "checker/network_prober.hpp"

#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/name_server_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

class NetworkProberTest : public testing::Test {
 protected:
    std::shared_ptr<ProbeRequest> request(const std::string& host,
                                          std::uint16_t port,
                                          config::ProbeSpec probe = config::HttpCheck{},
                                          std::chrono::nanoseconds timeout = 2s) const {
        return std::make_shared<ProbeRequest>(ProbeRequest{.host = host,
                                                           .port = port,
                                                           .probe = std::move(probe),
                                                           .timeout = timeout * test::slowdown()});
    }

    ProbeOutcome probe(std::shared_ptr<const ProbeRequest> wanted) {
        std::optional<ProbeOutcome> outcome;
        prober_->start(std::move(wanted), [&](ProbeOutcome result) { outcome = result; });
        EXPECT_FALSE(outcome) << "done was called from inside start()";
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome.value_or(ProbeOutcome{});
    }

    ProbeOutcome probe(const BackendStub& stub, config::ProbeSpec what = config::HttpCheck{}) {
        return probe(request("127.0.0.1", stub.port(), std::move(what)));
    }

    BackendStub backend(Script script) { return {context_.get_executor(), std::move(script)}; }

    /// A port on which nobody listens: bound, so that nobody else will.
    tcp::acceptor unused_port() {
        tcp::acceptor bound(context_.get_executor());
        bound.open(tcp::v4());
        bound.bind({asio::ip::make_address("127.0.0.1"), 0});
        return bound;
    }

    asio::io_context context_;
    ShiftedClock clock_;
    NameServerStub names_{context_.get_executor()};
    std::unique_ptr<NetworkProber> prober_ = std::make_unique<NetworkProber>(
        context_.get_executor(),
        clock_,
        NetworkProberSettings{.dialogue = {.user_agent = "muster/test"},
                              .resolver = {.servers = names_.address(), .query_timeout = 300ms}});
};

TEST_F(NetworkProberTest, SeesAGoodReplyAndWhatItTook) {
    const BackendStub stub = backend(good_script());
    const ProbeOutcome outcome = probe(stub, config::HttpCheck{.path = "/health?a=b"});
    EXPECT_EQ(outcome.result, Result::success);
    EXPECT_EQ(outcome.reason, Reason::l7_ok);
    EXPECT_EQ(outcome.code, 200);
    EXPECT_GT(outcome.connect, 0us);
    EXPECT_GE(outcome.sent, outcome.connect);
    EXPECT_GE(outcome.first_byte, outcome.sent);
    EXPECT_GE(outcome.total, outcome.first_byte);
    ASSERT_EQ(stub.seen().requests.size(), 1U);
    EXPECT_EQ(stub.seen().requests[0],
              "GET /health?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(stub.port()) +
                  "\r\nUser-Agent: muster/test\r\nConnection: close\r\n\r\n");
}

TEST_F(NetworkProberTest, HearsAtOnceABackendThatSpeaksFirst) {
    const BackendStub stub = backend({.parts = {"+OK\r\n"}, .speaks_first = true});
    const config::TcpCheck banner{
        .script = {{.kind = config::ScriptStep::Kind::expect, .bytes = "+OK"}}};
    std::chrono::microseconds fastest = 1h;
    for (int i = 0; i < 5; ++i) {
        const ProbeOutcome outcome = probe(stub, banner);
        EXPECT_EQ(outcome.reason, Reason::l7_ok);
        fastest = std::min(fastest, outcome.first_byte);
    }
    EXPECT_LT(fastest, 150ms) << "the kernel sends an ACK that is held back after 200 ms";
}

TEST_F(NetworkProberTest, SpeaksIPv6) {
    const BackendStub stub(context_.get_executor(), good_script(), asio::ip::make_address("::1"));
    EXPECT_EQ(probe(request("::1", stub.port())).reason, Reason::l7_ok);
    EXPECT_NE(stub.seen().requests.at(0).find("Host: [::1]:"), std::string::npos);
}

TEST_F(NetworkProberTest, ConnectsOnlyWhenThatIsAllThatIsWanted) {
    const BackendStub stub = backend({.then = Then::hang});
    const ProbeOutcome outcome = probe(stub, config::TcpCheck{});
    EXPECT_EQ(outcome.result, Result::success);
    EXPECT_EQ(outcome.reason, Reason::l4_ok);
    const tcp::acceptor nobody = unused_port();
    EXPECT_EQ(
        probe(request("127.0.0.1", nobody.local_endpoint().port(), config::TcpCheck{})).reason,
        Reason::l4_refused);
}

TEST_F(NetworkProberTest, SeesARefusedConnection) {
    const tcp::acceptor nobody = unused_port();
    const ProbeOutcome outcome = probe(request("127.0.0.1", nobody.local_endpoint().port()));
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.reason, Reason::l4_refused);
    EXPECT_EQ(outcome.code, ECONNREFUSED);
    EXPECT_EQ(outcome.connect, 0us);
}

TEST_F(NetworkProberTest, TimesOutWhenNobodyAnswersTheConnect) {
    // A listener with a full queue drops what comes, as a dead host does.
    tcp::acceptor full = unused_port();
    ASSERT_EQ(::listen(full.native_handle(), 0), 0);
    std::deque<tcp::socket> fillers;
    for (int i = 0; i < 4; ++i) {
        tcp::socket& filler = fillers.emplace_back(context_.get_executor());
        filler.async_connect(full.local_endpoint(), [](const boost::system::error_code&) {});
    }
    context_.run_for(50ms);
    const SteadyTime start = clock_.now();
    const ProbeOutcome outcome =
        probe(request("127.0.0.1", full.local_endpoint().port(), config::HttpCheck{}, 200ms));
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.reason, Reason::l4_timeout);
    EXPECT_GE(clock_.now() - start, 200ms);
    EXPECT_LT(clock_.now() - start, 2s * test::slowdown());
}

TEST_F(NetworkProberTest, HedgesAConnectionWhoseFirstPacketIsLost) {
    // A full queue of a listener drops what comes; the kernel tries again after a second.
    tcp::acceptor crowded(context_.get_executor(), {asio::ip::make_address("127.0.0.1"), 0});
    crowded.listen(0);
    tcp::socket first(context_.get_executor());
    first.connect(crowded.local_endpoint());
    // Without a second connection it would end here, before the kernel's second packet.
    const auto wanted =
        std::make_shared<ProbeRequest>(ProbeRequest{.host = "127.0.0.1",
                                                    .port = crowded.local_endpoint().port(),
                                                    .probe = config::TcpCheck{},
                                                    .timeout = 900ms});
    std::optional<ProbeOutcome> outcome;
    prober_->start(wanted, [&](ProbeOutcome result) { outcome = result; });
    const tcp::socket taken = crowded.accept();
    ASSERT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->reason, Reason::l4_ok) << to_string(outcome->reason);
    EXPECT_GE(outcome->connect, 300ms);
    EXPECT_EQ(prober_->running(), 0U);
}

TEST_F(NetworkProberTest, ProbesFromItsAddressesInTurn) {
    prober_ = std::make_unique<NetworkProber>(
        context_.get_executor(),
        clock_,
        NetworkProberSettings{.source_addresses = {asio::ip::make_address("127.0.0.2"),
                                                   asio::ip::make_address("127.0.0.3"),
                                                   asio::ip::make_address("::1")}});
    tcp::acceptor backend(context_.get_executor(), {asio::ip::make_address("127.0.0.1"), 0});
    std::map<std::string, int> from;
    for (int i = 0; i < 12; ++i) {
        backend.async_accept([&](boost::system::error_code, tcp::socket taken) {
            ++from[taken.remote_endpoint().address().to_string()];
        });
        EXPECT_EQ(probe(request("127.0.0.1", backend.local_endpoint().port())).reason,
                  Reason::l7_closed);
    }
    EXPECT_EQ(from.size(), 2U);
    EXPECT_GE(from["127.0.0.2"], 4);
    EXPECT_GE(from["127.0.0.3"], 4);

    tcp::acceptor six(context_.get_executor(), {asio::ip::make_address("::1"), 0});
    EXPECT_EQ(probe(request("::1", six.local_endpoint().port(), config::TcpCheck{})).reason,
              Reason::l4_ok);
}

TEST_F(NetworkProberTest, TimesOutOnSilenceAndOnAReplyThatDrips) {
    const BackendStub silent = backend({.then = Then::hang});
    const BackendStub half = backend({.parts = {"HTTP/1.1 200 O"}, .then = Then::hang});
    std::vector<std::string> drops;
    for (const char c : std::string("HTTP/1.1 200 OK\r\nX: ") + std::string(2000, 'y')) {
        drops.emplace_back(1, c);
    }
    const BackendStub dripping = backend({.parts = drops, .pause = 10ms});
    for (const BackendStub* stub : {&silent, &half, &dripping}) {
        const ProbeOutcome outcome =
            probe(request("127.0.0.1", stub->port(), config::HttpCheck{}, 150ms));
        EXPECT_EQ(outcome.result, Result::failure);
        EXPECT_EQ(outcome.reason, Reason::l7_timeout);
        EXPECT_GT(outcome.connect, 0us);
        EXPECT_GE(outcome.total, 150ms);
    }
}

TEST_F(NetworkProberTest, GivesUpOnAHandshakeWhenItsOwnTimeIsUp) {
    const BackendStub silent = backend({.then = Then::hang, .speaks_first = true});
    config::ProbeSpec secure = config::HttpCheck{};
    secure.tls = config::TlsSettings{.verify = false};
    const auto took = [&](std::chrono::nanoseconds total, const config::PhaseTimeouts& phases) {
        const auto wanted = request("127.0.0.1", silent.port(), secure, total);
        wanted->timeouts = shared(phases);
        const ProbeOutcome outcome = probe(wanted);
        EXPECT_EQ(outcome.result, Result::failure);
        EXPECT_EQ(outcome.reason, Reason::l6_timeout);
        return outcome.total;
    };
    const auto with_its_own = took(5s, {.tls = 100ms});
    EXPECT_GE(with_its_own, 100ms);
    EXPECT_LT(with_its_own, 5s);
    // What other phases may take says nothing of this one.
    EXPECT_GE(took(300ms, {.connect = 50ms, .first_byte = 50ms, .reply = 50ms}), 300ms);
}

TEST_F(NetworkProberTest, MatchesABodyThatComesInManyPackets) {
    const BackendStub stub = backend({.parts = {"HTTP/1.1 2",
                                                "00 OK\r\nTransfer-Enc",
                                                "oding: chunked\r",
                                                "\n\r\n4\r\nstat",
                                                "\r\n5\r\nus=fi\r\n2\r\nn",
                                                "e\r\n0\r\n\r\n"},
                                      .pause = 5ms});
    config::TcpCheck script;
    script.script = {{.bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
                     {.kind = config::ScriptStep::Kind::expect, .bytes = "us=fi"}};
    EXPECT_EQ(probe(stub, script).reason, Reason::l7_ok);
    EXPECT_EQ(probe(stub, config::HttpCheck{.expect_body = {{.text = "status=fine"}}}).reason,
              Reason::l7_ok);
    EXPECT_EQ(probe(stub, config::HttpCheck{.expect_body = {{.text = "status=bad"}}}).reason,
              Reason::l7_body);
}

TEST_F(NetworkProberTest, LeavesNoTimeWaitBehindWhenItClosesFirst) {
    const BackendStub stub = backend({.parts = {"HTTP/1.1 200 OK\r\n\r\n"}, .then = Then::hang});
    EXPECT_EQ(probe(stub).reason, Reason::l7_ok);
    EXPECT_TRUE(run_until(context_, [&] { return stub.seen().resets == 1; }));
}

TEST_F(NetworkProberTest, LeavesAsItIsToldTo) {
    const BackendStub stub = backend({.parts = {"HTTP/1.1 200 OK\r\n\r\n"}, .then = Then::hang});
    config::ProbeSpec spec = config::HttpCheck{};
    spec.close = config::CloseMode::fin;
    EXPECT_EQ(probe(stub, spec).reason, Reason::l7_ok);
    EXPECT_TRUE(run_until(context_, [&] { return stub.seen().ends == 1; }));
    EXPECT_EQ(stub.seen().resets, 0);
    spec.close = config::CloseMode::reset;
    EXPECT_EQ(probe(stub, spec).reason, Reason::l7_ok);
    EXPECT_TRUE(run_until(context_, [&] { return stub.seen().resets == 1; }));
}

TEST_F(NetworkProberTest, SendsARequestThatDoesNotFitAtOnce) {
    config::HttpCheck check;
    for (int i = 0; i < 60; ++i) check.headers.push_back({"X-Long", std::string(1000, 'h')});
    const BackendStub stub = backend(good_script());
    EXPECT_EQ(probe(stub, check).reason, Reason::l7_ok);
    EXPECT_GT(stub.seen().requests.at(0).size(), 60'000U);
}

TEST_F(NetworkProberTest, FindsABackendByName) {
    const BackendStub stub = backend(good_script());
    names_.set("backend.test", {.addresses = {"127.0.0.1"}});
    for (const char* name : {"localhost", "backend.test", "backend.test"}) {
        EXPECT_EQ(probe(request(name, stub.port())).reason, Reason::l7_ok) << name;
    }
    EXPECT_EQ(names_.queries("backend.test"), 1);
}

TEST_F(NetworkProberTest, TriesTheOtherAddressesOfANameWhenOneRefuses) {
    const BackendStub stub(context_.get_executor(), good_script(), asio::ip::make_address("::1"));
    names_.set("backend.test", {.addresses = {"127.0.0.1", "127.0.0.2", "::1"}});
    EXPECT_EQ(probe(request("backend.test", stub.port())).reason, Reason::l7_ok);
    names_.set("dead.test", {.addresses = {"127.0.0.1", "127.0.0.2"}});
    EXPECT_EQ(probe(request("dead.test", stub.port())).reason, Reason::l4_refused);
}

TEST_F(NetworkProberTest, TellsAMissingNameFromMissingNameServers) {
    names_.set("broken.test", {.kind = NameAnswer::Kind::server_failure});
    names_.set("silent.test", {.kind = NameAnswer::Kind::silence});
    const ProbeOutcome missing = probe(request("nowhere.test", 80));
    EXPECT_EQ(missing.result, Result::failure);
    EXPECT_EQ(missing.reason, Reason::resolve_failed);
    for (const char* name : {"broken.test", "silent.test"}) {
        const ProbeOutcome outcome = probe(request(name, 80, config::HttpCheck{}, 200ms));
        EXPECT_EQ(outcome.result, Result::inconclusive) << name;
        EXPECT_EQ(outcome.reason, Reason::prober_resolver) << name;
    }
}

TEST_F(NetworkProberTest, ProbesWhereANameLedToWhileNoServerSaysAnything) {
    std::optional<BackendStub> stub(backend(good_script()));
    const auto wanted = request("web.test", stub->port());
    names_.set("web.test", {.addresses = {"127.0.0.1"}, .ttl = 5});
    EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    names_.set("web.test", {.kind = NameAnswer::Kind::silence});
    clock_.shift += 10s;
    EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    EXPECT_EQ(stub->seen().requests.size(), 2U);
    // It may be elsewhere by now: that it isn't there any more is no failure.
    stub.reset();
    clock_.shift += 10s;
    EXPECT_EQ(probe(wanted).reason, Reason::prober_resolver);
    names_.set("web.test", {.addresses = {"127.0.0.1"}, .ttl = 5});
    clock_.shift += 10s;
    EXPECT_TRUE(test::eventually(30s, [&] { return probe(wanted).reason == Reason::l4_refused; }));
}

TEST_F(NetworkProberTest, EndsAllThatIsUnderWayWhenStopped) {
    const BackendStub silent = backend({.then = Then::hang});
    names_.set("silent.test", {.kind = NameAnswer::Kind::silence});
    std::vector<ProbeOutcome> outcomes;
    const auto note = [&](ProbeOutcome outcome) { outcomes.push_back(outcome); };
    prober_->start(request("127.0.0.1", silent.port()), note);
    prober_->start(request("127.0.0.1", silent.port(), config::HttpCheck{}, 60s), note);
    prober_->start(request("silent.test", 80), note);
    context_.run_for(20ms);
    prober_->stop();
    prober_->start(request("127.0.0.1", silent.port()), note);
    EXPECT_EQ(outcomes.size(), 3U);
    ASSERT_TRUE(run_until(context_, [&] { return outcomes.size() == 4; }));
    for (const ProbeOutcome& outcome : outcomes) {
        EXPECT_EQ(outcome.result, Result::inconclusive);
        EXPECT_EQ(outcome.reason, Reason::prober_stopped);
    }
    EXPECT_EQ(prober_->running(), 0U);
}

TEST_F(NetworkProberTest, LeavesNothingOutstandingWhenIdle) {
    asio::io_context context;
    NetworkProber prober(context.get_executor(), clock_);
    EXPECT_EQ(context.run(), 0U) << "returns, as there is no work";
}

/// All hostile backends at once, three times over, and beside them a healthy one that is probed all
/// the time: each gets what it deserves.
TEST_F(NetworkProberTest, IsNotMisledByHostileRepliesNorTheirNeighbours) {
    std::vector<ReplyCase> cases = hostile_replies();
    for (ReplyCase& good : good_replies()) cases.push_back(std::move(good));
    std::deque<BackendStub> stubs;
    for (const ReplyCase& reply : cases) {
        stubs.push_back(backend({.parts = {reply.bytes}, .then = reply.then}));
    }
    const BackendStub healthy = backend(good_script());

    std::vector<std::vector<Reason>> seen(cases.size());
    std::size_t ended = 0;
    int neighbours = 0;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < cases.size(); ++i) {
            prober_->start(request("127.0.0.1", stubs[i].port(), cases[i].check, 400ms),
                           [&, i](ProbeOutcome outcome) {
                               seen[i].push_back(outcome.reason);
                               ++ended;
                           });
            if (i % 10 != 0) continue;
            ASSERT_EQ(probe(healthy).reason, Reason::l7_ok);
            ++neighbours;
        }
    }
    while (ended < 3 * cases.size()) {
        ASSERT_EQ(probe(healthy).reason, Reason::l7_ok);
        ++neighbours;
    }
    EXPECT_GE(neighbours, 30);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        for (const Reason reason : seen[i]) {
            // A reset may overtake the bytes before it.
            if (cases[i].then == Then::reset && reason == Reason::l7_closed) continue;
            EXPECT_EQ(to_string(reason), to_string(cases[i].expected)) << cases[i].name;
        }
    }
}

TEST_F(NetworkProberTest, TakesWhatTheKernelHasBeforeItGivesUpOnIt) {
    const BackendStub stub = backend(good_script());
    std::optional<ProbeOutcome> outcome;
    prober_->start(request("127.0.0.1", stub.port(), config::TcpCheck{}, 100ms),
                   [&](ProbeOutcome result) { outcome = result; });
    // The thread stands still until long after the deadline; the connection has been up since.
    clock_.shift += 10s;
    ASSERT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->reason, Reason::l4_ok);
}

TEST_F(NetworkProberTest, RunsThousandsOfProbesWithoutLosingOne) {
    const BackendStub stub = backend(good_script());
    constexpr int probes = 3000;
    constexpr int at_once = 100;
    int started = 0;
    int good = 0;
    std::function<void()> next = [&] {
        ++started;
        prober_->start(request("127.0.0.1", stub.port(), config::HttpCheck{}, 10s),
                       [&](ProbeOutcome outcome) {
                           if (outcome.reason == Reason::l7_ok) ++good;
                           if (started < probes) next();
                       });
    };
    while (started < at_once) next();
    ASSERT_TRUE(
        run_until(context_, [&] { return started == probes && prober_->running() == 0; }, 60s));
    EXPECT_EQ(good, probes);
    EXPECT_EQ(stub.seen().requests.size(), static_cast<std::size_t>(probes));
}

/// In a process of its own: takes all descriptors away, probes, gives them back, probes.
void probe_without_descriptors() {
    asio::io_context context;
    ShiftedClock clock;
    const BackendStub stub(context.get_executor(), good_script());
    NetworkProber prober(context.get_executor(), clock);
    NetworkProber empty_handed(context.get_executor(), clock);
    auto wanted = std::make_shared<ProbeRequest>(
        ProbeRequest{.host = "127.0.0.1", .port = stub.port(), .timeout = 2s});
    std::map<Reason, int> reasons;
    const auto probe_some = [&](NetworkProber& with) {
        int ended = 0;
        reasons.clear();
        for (int i = 0; i < 20; ++i) {
            with.start(wanted, [&](ProbeOutcome outcome) {
                ++ended;
                ++reasons[outcome.reason];
                if (outcome.result == Result::failure) _exit(10);
            });
        }
        if (!run_until(context, [&] { return ended == 20; })) _exit(11);
    };
    probe_some(prober);
    if (reasons[Reason::l7_ok] != 20) _exit(12);
    std::vector<int> taken;
    for (int fd = dup(0); fd >= 0; fd = dup(0)) taken.push_back(fd);
    // The other one has kept sockets, with which it could go on.
    probe_some(empty_handed);
    if (reasons[Reason::prober_files] != 20) _exit(13);
    for (const int fd : taken) close(fd);
    probe_some(empty_handed);
    _exit(reasons[Reason::l7_ok] == 20 ? 0 : 14);
}

TEST(NetworkProberDeathTest, IsInconclusiveWithoutDescriptors) {
    const auto in_small_process = [] {
        const rlimit few{.rlim_cur = 256, .rlim_max = 256};
        if (setrlimit(RLIMIT_NOFILE, &few) != 0) _exit(15);
        probe_without_descriptors();
    };
    EXPECT_EXIT(in_small_process(), testing::ExitedWithCode(0), "");
}

/// In a process and a network of its own, with four local ports.
void probe_without_ports() {
    constexpr int can_not_be_tested_here = 77;
    if (unshare(CLONE_NEWNET) != 0) _exit(can_not_be_tested_here);
    const int any = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(any, SIOCSIFFLAGS, &loopback) != 0) _exit(can_not_be_tested_here);

    asio::io_context context;
    ShiftedClock clock;
    const BackendStub stub(context.get_executor(), good_script());
    std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
    range << "61000 61003" << std::flush;
    if (!range) _exit(can_not_be_tested_here);

    NetworkProber prober(context.get_executor(), clock);
    auto wanted = std::make_shared<ProbeRequest>(
        ProbeRequest{.host = "127.0.0.1", .port = stub.port(), .timeout = 2s});
    int ended = 0;
    std::map<Reason, int> reasons;
    const auto note = [&](ProbeOutcome outcome) {
        ++ended;
        ++reasons[outcome.reason];
        if (outcome.result == Result::failure) _exit(10);
    };
    for (int i = 0; i < 20; ++i) prober.start(wanted, note);
    if (!run_until(context, [&] { return ended == 20; })) _exit(11);
    if (reasons[Reason::prober_ports] < 16 || reasons[Reason::l7_ok] == 0) _exit(12);

    // Another address has ports of its own.
    NetworkProber wide(
        context.get_executor(),
        clock,
        NetworkProberSettings{.source_addresses = {asio::ip::make_address("127.0.0.1"),
                                                   asio::ip::make_address("127.0.0.2"),
                                                   asio::ip::make_address("127.0.0.3")}});
    const int few = reasons[Reason::l7_ok];
    ended = 0;
    reasons.clear();
    for (int i = 0; i < 20; ++i) wide.start(wanted, note);
    if (!run_until(context, [&] { return ended == 20; })) _exit(13);
    if (reasons[Reason::l7_ok] <= 2 * few) _exit(14);
    // Closed by reset, the ports are free again at once.
    prober.start(wanted, note);
    const int good = reasons[Reason::l7_ok];
    if (!run_until(context, [&] { return ended == 21; })) _exit(13);
    _exit(reasons[Reason::l7_ok] == good + 1 ? 0 : 14);
}

TEST(NetworkProberDeathTest, IsInconclusiveWithoutLocalPorts) {
    const auto passed_or_not_testable = [](int status) {
        if (!WIFEXITED(status)) return false;
        if (WEXITSTATUS(status) == 77) {
            std::puts("NOT TESTED: a network namespace of its own needs more rights");
        }
        return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77;
    };
    EXPECT_EXIT(probe_without_ports(), passed_or_not_testable, "");
}

}  // namespace
}  // namespace muster::checker
