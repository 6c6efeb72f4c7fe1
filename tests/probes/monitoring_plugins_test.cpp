// Debian's monitoring-plugins as registered commands, as they are.

#include "checker/perfdata.hpp"
#include "tests/checker/support/answering_server.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/probes/matrix.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Answer = AnsweringServer::Answer;

std::size_t entries(const std::string& directory) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory))
        ++count;
    return count;
}

std::string children() {
    std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
    std::string all;
    std::getline(file, all);
    return all;
}

/// Of loopback, and of no other process.
std::string own_address() {
    const auto pid = static_cast<unsigned>(getpid());
    return fmt::format("127.{}.{}.{}", 100 + (pid >> 16U), (pid >> 8U) & 255U, pid & 255U);
}

/// The command lines of all processes that were given this address, whoever's children they are.
std::vector<std::string> processes_with(const std::string& address) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::string line = test::read_file(entry.path() / "cmdline");
        std::ranges::replace(line, '\0', ' ');
        if (line.contains(address + " ")) found.push_back(line);
    }
    return found;
}

class MonitoringPlugins : public testing::Test {
 protected:
    MonitoringPlugins() {
        const std::string path = "/usr/lib/nagios/plugins/";
        const auto plugin = [&](const char* name, std::vector<std::string> arguments) {
            return config::Program{.program = path + name, .arguments = std::move(arguments)};
        };
        const config::Programs programs{
            {"http",
             plugin("check_http", {"-I", "{host}", "-p", "{port}", "-u", "/", "-t", "{limit}"})},
            {"tcp", plugin("check_tcp", {"-H", "{host}", "-p", "{port}", "-t", "30"})},
            // It starts another one.
            {"not_x",
             plugin("negate",
                    {"-t",
                     "60",
                     path + "check_tcp",
                     "-H",
                     "{host}",
                     "-p",
                     "{port}",
                     "-e",
                     "x",
                     "-t",
                     "60"})},
            {"ssh", plugin("check_ssh", {"-t", "30", "-p", "{port}", "{host}"})},
            {"smtp", plugin("check_smtp", {"-H", "{host}", "-p", "{port}", "-t", "30"})},
            {"ping",
             plugin("check_ping",
                    {"-H", "{host}", "-w", "500,50%", "-c", "900,90%", "-p", "{limit}"})},
            {"dummy", plugin("check_dummy", {"{code}", "{host}"})}};
        prober_ = std::make_unique<ProberSet>(
            context_.get_executor(),
            clock_,
            ProberSetSettings{.commands = {.programs = resolve_programs(programs).value()}});
    }
    void start(const config::CommandCheck& check,
               std::uint16_t port,
               Prober::Done done,
               std::chrono::nanoseconds timeout = 60s) {
        prober_->start(
            std::make_shared<ProbeRequest>(ProbeRequest{.host = address_,
                                                        .port = port,
                                                        .probe = config::ProbeSpec(check),
                                                        .timeout = timeout}),
            std::move(done));
    }
    ProbeOutcome probe(const config::CommandCheck& check, std::uint16_t port = 1) {
        std::optional<ProbeOutcome> outcome;
        start(check, port, [&](ProbeOutcome result) { outcome = result; });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome.value_or(ProbeOutcome{});
    }

    BackendStub says(const std::string& words) {
        return {context_.get_executor(),
                {.parts = {words}, .then = Then::hang, .speaks_first = true},
                asio::ip::make_address(address_)};
    }

    const std::string address_ = own_address();
    asio::io_context context_;
    AsioClock clock_;
    std::unique_ptr<ProberSet> prober_;
};

TEST_F(MonitoringPlugins, SayWhatTheyFindOfAServer) {
    AnsweringServer good(
        context_,
        [](int, int, const std::string&) {
            return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
                          Answer::Then::close};
        },
        address_);
    ProbeOutcome outcome = probe({.name = "http", .arguments = {{"limit", "5"}}}, good.port());
    EXPECT_EQ(outcome.result, Result::success) << (outcome.said ? *outcome.said : "");
    EXPECT_THAT(*outcome.said, HasSubstr("HTTP OK"));
    const auto figures = parse_perfdata(*outcome.said);
    ASSERT_EQ(figures.size(), 2U) << *outcome.said;
    EXPECT_EQ(figures[0].label, "time");
    EXPECT_EQ(figures[0].unit, "s");
    EXPECT_EQ(figures[1].label, "size");
    EXPECT_EQ(figures[1].unit, "B");
    EXPECT_EQ(probe({.name = "tcp"}, good.port()).result, Result::success);

    AnsweringServer bad(
        context_,
        [](int, int, const std::string&) {
            return Answer{"HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                          Answer::Then::close};
        },
        address_);
    outcome = probe({.name = "http", .arguments = {{"limit", "5"}}}, bad.port());
    EXPECT_EQ(outcome.result, Result::degraded) << "404 is a WARNING of check_http's";
    outcome = probe({.name = "tcp"});
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.code, 2);
}

TEST_F(MonitoringPlugins, AreKilledWithWhatTheyHaveStarted) {
    const BackendStub silent = says("");
    std::optional<ProbeOutcome> outcome;
    start(
        {.name = "not_x"},
        silent.port(),
        [&](ProbeOutcome result) { outcome = std::move(result); },
        1s * test::slowdown());
    EXPECT_TRUE(run_until(context_, [&] { return processes_with(address_).size() == 2; }));
    EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->reason, Reason::prober_custom_timeout);
    EXPECT_TRUE(run_until(context_, [&] { return processes_with(address_).empty(); }));
}

TEST_F(MonitoringPlugins, LeaveNothingBehindAfterTenThousand) {
    AnsweringServer web(
        context_,
        [](int, int, const std::string&) {
            return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                          Answer::Then::close};
        },
        address_);
    const BackendStub ssh = says("SSH-2.0-OpenSSH_9.2\r\n");
    const BackendStub mail = says("220 mail.test\r\n250 mail.test\r\n221 bye\r\n");
    const BackendStub silent = says("");
    const auto dummy = [](const char* code) {
        return config::CommandCheck{.name = "dummy", .arguments = {{"code", code}}};
    };
    const auto limited = [](const char* name, const char* limit) {
        return config::CommandCheck{.name = name, .arguments = {{"limit", limit}}};
    };
    const Verdict ok = good(Reason::l7_ok);
    const Verdict warning{Result::degraded, Reason::l7_status, 1};
    const Verdict critical = bad(Reason::l7_status, 2);
    const Verdict killed{Result::inconclusive, Reason::prober_custom_timeout, 0};
    struct Kind {
        int of_a_hundred;
        config::CommandCheck check;
        std::uint16_t port;
        Verdict expected;
    };
    const std::vector<Kind> kinds{{10, dummy("0"), 1, ok},
                                  {10, dummy("1"), 1, warning},
                                  {10, dummy("2"), 1, critical},
                                  {22, {.name = "tcp"}, ssh.port(), ok},
                                  {10, {.name = "tcp"}, 1, critical},
                                  {12, limited("http", "60"), web.port(), ok},
                                  {10, {.name = "ssh"}, ssh.port(), ok},
                                  {8, {.name = "smtp"}, mail.port(), ok},
                                  {5, limited("ping", "1"), 1, ok},
                                  {1, limited("ping", "30"), 1, killed},
                                  {1, limited("http", "60"), silent.port(), killed},
                                  {1, {.name = "not_x"}, silent.port(), killed}};
    std::vector<const Kind*> order;
    for (const Kind& kind : kinds) order.insert(order.end(), kind.of_a_hundred, &kind);
    ASSERT_EQ(order.size(), 100U);

    const std::size_t files = entries("/proc/self/fd");
    constexpr int wanted = 10'000;
    int started = 0;
    int ended = 0;
    std::map<std::string, int> wrong;
    const std::function<void()> next = [&] {
        // 37: so that the kinds come mixed.
        const Kind& kind = *order[static_cast<std::size_t>(started++) * 37 % order.size()];
        start(
            kind.check,
            kind.port,
            [&](const ProbeOutcome& outcome) {
                const Verdict seen{outcome.result, outcome.reason, outcome.code};
                if (seen != kind.expected)
                    ++wrong[fmt::format("{} {}: {}",
                                        kind.check.name,
                                        testing::PrintToString(seen),
                                        outcome.said ? *outcome.said : "")];
                ++ended;
                if (started < wanted) next();
            },
            kind.expected == killed ? 200ms * test::slowdown() : 60s);
    };
    for (int i = 0; i < 100; ++i) next();
    for (int rounds = 0; rounds < 100 && ended < wanted; ++rounds)
        (void)run_until(context_, [&] { return ended == wanted; });
    EXPECT_EQ(ended, wanted);
    EXPECT_TRUE(wrong.empty()) << testing::PrintToString(wrong);
    EXPECT_TRUE(run_until(context_, [&] { return processes_with(address_).empty(); }));
    EXPECT_TRUE(run_until(context_, [] { return children().empty(); })) << children();
    EXPECT_TRUE(run_until(context_, [&] { return entries("/proc/self/fd") == files; }))
        << entries("/proc/self/fd") << ", not " << files;
}

}  // namespace
}  // namespace muster::checker
