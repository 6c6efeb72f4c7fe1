// Debian's monitoring-plugins as registered commands, as they are.

#include "checker/perfdata.hpp"
#include "checker/prober_set.hpp"
#include "tests/checker/support/answering_server.hpp"
#include "tests/checker/support/real_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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

class MonitoringPlugins : public testing::Test {
 protected:
    MonitoringPlugins() {
        const std::string path = "/usr/lib/nagios/plugins/";
        const config::Programs programs{
            {"http",
             {.program = path + "check_http",
              .arguments = {"-I", "{host}", "-p", "{port}", "-u", "/", "-t", "5"}}},
            {"tcp", {.program = path + "check_tcp", .arguments = {"-H", "{host}", "-p", "{port}"}}},
            {"dummy", {.program = path + "check_dummy", .arguments = {"{code}", "{words}"}}}};
        prober_ = std::make_unique<ProberSet>(
            context_.get_executor(),
            clock_,
            ProberSetSettings{.commands = {.programs = resolve_programs(programs).value()}});
    }
    void start(const config::CommandCheck& check, std::uint16_t port, Prober::Done done) {
        prober_->start(
            std::make_shared<ProbeRequest>(ProbeRequest{.host = "127.0.0.1",
                                                        .port = port,
                                                        .probe = config::ProbeSpec(check),
                                                        .timeout = 60s}),
            std::move(done));
    }
    ProbeOutcome probe(const config::CommandCheck& check, std::uint16_t port = 1) {
        std::optional<ProbeOutcome> outcome;
        start(check, port, [&](ProbeOutcome result) { outcome = result; });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome.value_or(ProbeOutcome{});
    }

    asio::io_context context_;
    AsioClock clock_;
    std::unique_ptr<ProberSet> prober_;
};

TEST_F(MonitoringPlugins, SayWhatTheyFindOfAServer) {
    AnsweringServer good(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
                      Answer::Then::close};
    });
    ProbeOutcome outcome = probe({.name = "http"}, good.port());
    EXPECT_EQ(outcome.result, Result::success) << (outcome.said ? *outcome.said : "");
    EXPECT_THAT(*outcome.said, HasSubstr("HTTP OK"));
    const auto figures = parse_perfdata(*outcome.said);
    ASSERT_EQ(figures.size(), 2U) << *outcome.said;
    EXPECT_EQ(figures[0].label, "time");
    EXPECT_EQ(figures[0].unit, "s");
    EXPECT_EQ(figures[1].label, "size");
    EXPECT_EQ(figures[1].unit, "B");
    EXPECT_EQ(probe({.name = "tcp"}, good.port()).result, Result::success);

    AnsweringServer bad(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                      Answer::Then::close};
    });
    outcome = probe({.name = "http"}, bad.port());
    EXPECT_EQ(outcome.result, Result::degraded) << "404 is a WARNING of check_http's";
    outcome = probe({.name = "tcp"});
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.code, 2);
}

TEST_F(MonitoringPlugins, LeaveNothingBehindAfterTenThousand) {
    (void)probe({.name = "dummy", .arguments = {{"code", "0"}, {"words", "x"}}});
    const std::size_t files = entries("/proc/self/fd");
    constexpr int wanted = 10'000;
    int started = 0;
    int ended = 0;
    int wrong = 0;
    const std::function<void()> next = [&] {
        const int code = started++ % 3;
        const Result expected = code == 0   ? Result::success
                                : code == 1 ? Result::degraded
                                            : Result::failure;
        start({.name = "dummy", .arguments = {{"code", std::to_string(code)}, {"words", "x"}}},
              1,
              [&, expected](const ProbeOutcome& outcome) {
                  wrong += outcome.result == expected ? 0 : 1;
                  ++ended;
                  if (started < wanted) next();
              });
    };
    for (int i = 0; i < 100; ++i) next();
    for (int rounds = 0; rounds < 100 && ended < wanted; ++rounds)
        (void)run_until(context_, [&] { return ended == wanted; });
    EXPECT_EQ(ended, wanted);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(children(), "");
    EXPECT_EQ(entries("/proc/self/fd"), files);
}

}  // namespace
}  // namespace muster::checker
