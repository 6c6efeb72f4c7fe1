// `probe run` and `probe test` as they are typed: against backends that are there or not, and
// plug-ins that are right, wrong, or not there.

#include "common/base/task_group.hpp"
#include "ctl/command_line.hpp"
#include "ctl/probe_table.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/real_time.hpp"
#include "tests/ctl/fake_api.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <optional>
#include <sstream>

namespace muster::ctl {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
namespace json = boost::json;

class ProbeCommands : public testing::Test {
 protected:
    ProbeCommands() {
        EXPECT_TRUE(server_.open());
        tasks_.spawn("server", server_.run());
    }
    ~ProbeCommands() override {
        tasks_.cancel();
        EXPECT_TRUE(checker::run_until(context_, [&] { return tasks_.size() == 0; }));
    }

    Exit run(std::vector<std::string> arguments, const std::string& input = "") {
        out_.str("");
        err_.str("");
        arguments.insert(arguments.begin(),
                         {"--url", "http://127.0.0.1:" + std::to_string(server_.port())});
        std::istringstream in(input);
        Invocation invocation = parse_command_line(std::move(arguments), in);
        if (!invocation.command) {
            err_ << invocation.text;
            return invocation.exit;
        }
        Api api(clock_, std::move(invocation.api));
        Context context{
            .clock = clock_, .api = api, .out = out_, .err = err_, .format = invocation.format};
        std::optional<Exit> exit;
        asio::co_spawn(context_,
                       invocation.command(context),
                       [&](const std::exception_ptr& failure, Exit code) {
                           EXPECT_FALSE(failure);
                           exit = code;
                       });
        EXPECT_TRUE(checker::run_until(context_, [&] { return exit.has_value(); }, 60s));
        return exit.value_or(Exit::failed);
    }
    Exit probe(const std::string& group, std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"probe", "run", "-f", "-"});
        return run(std::move(more), group);
    }

    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }
    json::array probes() const { return json::parse(out()).at("probes").as_array(); }
    static std::string said(const json::value& probe, const char* field) {
        return std::string(probe.at(field).as_string());
    }

    /// One backend "good" on this port, and one "gone" where nobody is.
    static std::string group(std::uint16_t port,
                             const std::string& check = "{}",
                             const std::string& host = "127.0.0.1") {
        return fmt::format(
            "kind: Group\nname: web\nspec:\n"
            "  backends: [{{name: good, address: \"{}:{}\"}}, "
            "{{name: gone, address: \"127.0.0.1:1\"}}]\n"
            "  check: {}\n",
            host,
            port,
            check);
    }

    asio::io_context context_;
    AsioClock clock_;
    test::FakeApi node_;
    http::Server server_{
        context_.get_executor(), clock_, http::ServerSettings{}, [this](http::Request request) {
            return node_.answer(std::move(request));
        }};
    TaskGroup tasks_{context_.get_executor()};
    test::TempDir dir_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(ProbeCommands, RunIsOkWhereTheBackendIs) {
    const checker::BackendStub stub(context_.get_executor(), checker::good_script());
    EXPECT_EQ(probe(group(stub.port()), {"good"}), Exit::ok) << err();
    EXPECT_THAT(out(), AllOf(HasSubstr("success  L7OK    200"), Not(HasSubstr("gone"))));
    EXPECT_EQ(err(), "");
}

TEST_F(ProbeCommands, RunEndsWithSixWhereOneIsNot) {
    const checker::BackendStub stub(context_.get_executor(), checker::good_script());
    EXPECT_EQ(probe(group(stub.port())), Exit::degraded);
    EXPECT_THAT(out(), AllOf(HasSubstr("success  L7OK    200"), HasSubstr("failure  L4CON   111")));
    EXPECT_EQ(probe(group(stub.port()), {"gone"}), Exit::degraded);
    EXPECT_EQ(probe(group(stub.port(), "{plugin: {name: none}}"), {"good"}), Exit::degraded);
    EXPECT_THAT(out(), HasSubstr("inconclusive  PRKIND"));
}

TEST_F(ProbeCommands, RunMeasuresThePhasesInTheirOrder) {
    const checker::BackendStub stub(context_.get_executor(), checker::good_script());
    EXPECT_EQ(probe(group(stub.port(), "{}", "localhost"), {"good", "-n", "3", "-o", "json"}),
              Exit::ok);
    ASSERT_EQ(probes().size(), 3U);
    for (const json::value& one : probes()) {
        const auto seconds = [&](const char* phase) {
            return one.at(std::string(phase) + "_seconds").to_number<double>();
        };
        EXPECT_EQ(said(one, "backend"), "good");
        EXPECT_EQ(said(one, "reason"), "L7OK");
        EXPECT_GT(seconds("resolve"), 0);
        EXPECT_GT(seconds("connect"), seconds("resolve"));
        EXPECT_EQ(seconds("tls"), 0);
        EXPECT_GE(seconds("first_byte"), seconds("connect"));
        EXPECT_GE(seconds("total"), seconds("first_byte"));
    }
}

TEST_F(ProbeCommands, RunShowsAColumnForEachPhase) {
    Api api(clock_, {});
    Context context{.clock = clock_, .api = api, .out = out_, .err = err_};
    const checker::ProbeOutcome all{.result = checker::Result::success,
                                    .reason = checker::Reason::l7_ok,
                                    .code = 200,
                                    .resolve = 1'100us,
                                    .connect = 2'200us,
                                    .tls = 3'300us,
                                    .sent = 3'400us,
                                    .first_byte = 4'400us,
                                    .total = 5'500us};
    const checker::ProbeOutcome none{
        .result = checker::Result::failure, .reason = checker::Reason::l4_timeout, .total = 1s};
    show_probes(context,
                {{.backend = "b1", .time = {}, .outcome = all},
                 {.backend = "b2", .time = {}, .outcome = none}});
    EXPECT_EQ(out(),
              "BACKEND  RESULT   REASON  CODE  RESOLVE  CONNECT  TLS     SENT    FIRST BYTE  TOTAL "
              "     SAID\n"
              "b1       success  L7OK    200   1.1 ms   2.2 ms   3.3 ms  3.4 ms  4.4 ms      5.5 "
              "ms     -\n"
              "b2       failure  L4TOUT  -     -        -        -       -       -           "
              "1000.0 ms  -\n");
}

TEST_F(ProbeCommands, RunHasTheCommandsOfANode) {
    const auto node = dir_.write("node.yaml",
                                 "node: n1\n"
                                 "commands:\n"
                                 "  queue:\n"
                                 "    program: /bin/sh\n"
                                 "    arguments: [-c, \"printf '%b' \\\"$1\\\"; exit 1\", sh, "
                                 "\"{words}\"]\n");
    const std::string check =
        R"({command: {name: queue, arguments: {words: "LONG\\033[2J | queue=7s;5;9"}}})";
    const std::vector<std::string> with_node{"good", "--node-settings", node};
    EXPECT_EQ(probe(group(1, check), with_node), Exit::ok) << err();
    EXPECT_THAT(out(), AllOf(HasSubstr("degraded"), HasSubstr("LONG?[2J"), Not(HasSubstr("\033"))));
    EXPECT_EQ(probe(group(1, check), {"good", "--node-settings", node, "-o", "json"}), Exit::ok);
    const json::value shown = probes().at(0);
    EXPECT_EQ(shown.at("code").to_number<int>(), 1);
    const json::value& figure = shown.at("perfdata").at(0);
    EXPECT_EQ(said(figure, "label"), "queue");
    EXPECT_EQ(figure.at("value").to_number<double>(), 7);
    EXPECT_EQ(said(figure, "unit"), "s");
}

TEST_F(ProbeCommands, RunSaysWhatIsWrongWithItsFiles) {
    EXPECT_EQ(run({"probe", "run", "-f", "/nonexistent"}), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("can't read /nonexistent"));
    EXPECT_EQ(probe("kind: Group\nname: web\nspec: {backends: [], check: {htp: {}}}\n"),
              Exit::failed);
    EXPECT_THAT(err(), HasSubstr("error: line 3, column 30: spec.check.htp"));
    EXPECT_EQ(probe(group(1) + "---\nkind: Group\nname: api\nspec: {backends: []}\n"),
              Exit::failed);
    EXPECT_THAT(err(), HasSubstr("there are 2 groups in it"));
    EXPECT_EQ(probe(group(1), {"none"}), Exit::not_found);
    EXPECT_EQ(err(), "error: the group has no backend none\n");
    EXPECT_EQ(probe("kind: Group\nname: web\nspec: {backends: []}\n"), Exit::not_found);
    EXPECT_EQ(err(), "error: the group has no backend\n");
    const auto node = dir_.write("node.yaml", "node: n1\ncapacity: much\n");
    EXPECT_EQ(probe(group(1), {"--node-settings", node}), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("error: line 2, column 11: capacity"));
    dir_.write("node.yaml", "node: n1\ncommands: {x: {program: /nonexistent}}\n");
    EXPECT_EQ(probe(group(1), {"--node-settings", node}), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("No such file"));
    EXPECT_EQ(out(), "");
}

TEST_F(ProbeCommands, RunAsksTheClusterForTheGroup) {
    const checker::BackendStub stub(context_.get_executor(), checker::good_script());
    node_.on("GET /api/v1/groups/web",
             fmt::format(R"({{"group":{{"spec":{{"kind":"Group","name":"web","spec":{{
                 "backends":[{{"name":"b1","address":"127.0.0.1:{}"}},
                             {{"name":"b2","address":"127.0.0.1:1"}}]}}}}}}}})",
                         stub.port()));
    EXPECT_EQ(run({"probe", "run", "web/b1"}), Exit::ok) << err();
    EXPECT_THAT(out(), AllOf(HasSubstr("b1       success"), Not(HasSubstr("b2"))));
    EXPECT_EQ(run({"probe", "run", "web/b2"}), Exit::degraded);
    EXPECT_EQ(run({"probe", "run", "web/b3"}), Exit::not_found);
    EXPECT_EQ(run({"probe", "run", "other/b1"}), Exit::not_found);
    node_.down = 100;
    EXPECT_EQ(run({"probe", "run", "web/b1"}), Exit::unreachable);
}

TEST_F(ProbeCommands, TestPassesAPlugInThatIsRight) {
    const std::string program = test::source_file("examples/plugins/file_age.py");
    const std::vector<std::string> arguments{
        "probe", "test", program, "--settings", R"({"path":"/etc/passwd"})"};
    EXPECT_EQ(run(arguments), Exit::ok) << out();
    EXPECT_THAT(out(),
                AllOf(HasSubstr("ok     says hello, and its version\n"),
                      Not(HasSubstr("FAILED")),
                      EndsWith("10 of 10 passed\n")));
}

TEST_F(ProbeCommands, TestGivesAPlugInItsArguments) {
    const auto seen = dir_ / "seen";
    const std::string script = "echo \"$*\" >>" + seen.string();
    (void)run({"probe", "test", "--probe-timeout", "10", "/bin/sh", "--", "-c", script, "x", "-v"});
    EXPECT_THAT(test::read_file(seen), testing::StartsWith("-v\n"));
}

TEST_F(ProbeCommands, TestFailsAPlugInThatIsWrongOrNotThere) {
    // Says back whatever it is told: hello is right by chance.
    EXPECT_EQ(run({"probe", "test", "/bin/cat", "--probe-timeout", "100"}), Exit::failed);
    EXPECT_THAT(
        out(),
        AllOf(HasSubstr("ok     starts\n"),
              HasSubstr("FAILED answers a probe in time, with its id and a result: it wrote"),
              EndsWith("5 of 10 passed\n")));
    EXPECT_EQ(run({"probe", "test", "/nonexistent"}), Exit::failed);
    EXPECT_THAT(out(),
                AllOf(HasSubstr("FAILED starts: it can't be started: No such file or directory\n"),
                      EndsWith("0 of 10 passed\n")));
    EXPECT_EQ(run({"probe", "test", "/nonexistent", "-o", "json"}), Exit::failed);
    const json::array tests = json::parse(out()).at("tests").as_array();
    ASSERT_EQ(tests.size(), 10U);
    EXPECT_EQ(said(tests[0], "name"), "starts");
    EXPECT_FALSE(tests[0].at("passed").as_bool());
    EXPECT_EQ(said(tests[0], "problem"), "can't be started: No such file or directory");
}

TEST_F(ProbeCommands, TestTakesSettingsThatAreAMap) {
    for (const char* wrong : {"", "[]", "7", "{"}) {
        EXPECT_EQ(run({"probe", "test", "/bin/cat", "--settings", wrong}), Exit::usage) << wrong;
        EXPECT_THAT(err(), HasSubstr("--settings")) << wrong;
        EXPECT_EQ(out(), "") << wrong;
    }
}

}  // namespace
}  // namespace muster::ctl
