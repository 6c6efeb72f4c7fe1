// Registered commands and plug-ins: what they may do, and what becomes of it when they misbehave.

#include "checker/prober_set.hpp"
#include "tests/checker/support/real_time.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::size_t open_files() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

/// Processes whose parent is this one.
std::size_t children() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "stat");
        std::string stat;
        if (!std::getline(file, stat)) continue;
        const std::size_t name = stat.rfind(')');
        if (name == std::string::npos) continue;
        const long parent = std::strtol(stat.c_str() + name + 4, nullptr, 10);
        if (parent == getpid()) ++count;
    }
    return count;
}

class CustomProbes : public testing::Test {
 protected:
    void command(const std::string& name,
                 const std::string& program,
                 std::vector<std::string> arguments) {
        config::Program one{.program = program, .arguments = std::move(arguments)};
        settings_.commands.programs[name] = {.program = one, .identity = std::nullopt};
    }
    /// A shell script, run as it is.
    void script(const std::string& name, const std::string& text) {
        command(name, "/bin/sh", {"-c", text, "script", "{host}", "{port}"});
    }
    /// A plug-in in Python that says hello and then does what `body` says for each `probe`.
    void plugin(const std::string& name,
                const std::string& body,
                const std::string& begin = hello) {
        const auto path = dir_.path() / (name + ".py");
        std::ofstream(path) << "import json, os, sys, time\n"
                               "def say(line):\n"
                               "    sys.stdout.write(line + '\\n'); sys.stdout.flush()\n"
                               "sys.stdin.readline()\n"
                            << begin
                            << "\nfor text in sys.stdin:\n"
                               "    probe = json.loads(text)\n"
                               "    if 'id' not in probe: continue\n"
                               "    good = json.dumps({'id': probe['id'], 'result': 'success'})\n"
                            << body << "\n";
        config::Program one{.program = "/usr/bin/python3",
                            .arguments = {"-E", "-S", path.string()}};
        settings_.plugins[name] = {.program = one, .identity = std::nullopt};
    }

    ProberSet& prober() {
        if (!prober_)
            prober_ = std::make_unique<ProberSet>(context_.get_executor(), clock_, settings_);
        return *prober_;
    }
    ProbeOutcome probe(config::ProbeKind kind, std::chrono::nanoseconds timeout = 10s) {
        std::optional<ProbeOutcome> outcome;
        start(std::move(kind), timeout, [&](ProbeOutcome result) { outcome = result; });
        EXPECT_FALSE(outcome) << "done was called from inside start()";
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }, 60s));
        return outcome.value_or(ProbeOutcome{});
    }
    void start(config::ProbeKind kind, std::chrono::nanoseconds timeout, Prober::Done done) {
        prober().start(std::make_shared<ProbeRequest>(ProbeRequest{.host = "10.0.0.1",
                                                                   .port = 8080,
                                                                   .probe = config::ProbeSpec(kind),
                                                                   .timeout = timeout}),
                       std::move(done));
    }
    ProbeOutcome run(const std::string& name, std::chrono::nanoseconds timeout = 10s) {
        return probe(config::CommandCheck{.name = name}, timeout);
    }
    ProbeOutcome ask(const std::string& name, std::chrono::nanoseconds timeout = 10s) {
        return probe(config::PluginCheck{.name = name}, timeout);
    }

    static constexpr const char* hello = "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":64}}')";
    asio::io_context context_;
    AsioClock clock_;
    test::TempDir dir_;
    ProberSetSettings settings_;
    std::unique_ptr<ProberSet> prober_;
};

TEST_F(CustomProbes, OfACommandAreItsExitCodeAndFirstLine) {
    script("ok", "echo \"OK - $1:$2 | time=0.1s;1;2\"; echo more");
    script("warning", "echo WARNING; exit 1");
    script("critical", "echo CRITICAL >&2; exit 2");
    script("unknown", "exit 3");
    script("odd", "exit 77");
    script("killed", "kill -9 $$");
    ProbeOutcome outcome = run("ok");
    EXPECT_EQ(outcome.result, Result::success);
    EXPECT_EQ(*outcome.said, "OK - 10.0.0.1:8080 | time=0.1s;1;2");
    EXPECT_GT(outcome.total, 0us);
    outcome = run("warning");
    EXPECT_EQ(outcome.result, Result::degraded);
    EXPECT_EQ(outcome.code, 1);
    outcome = run("critical");
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.reason, Reason::l7_status);
    EXPECT_EQ(*outcome.said, "CRITICAL");
    for (const auto& [name, code] : {std::pair{"unknown", 3}, {"odd", 77}, {"killed", 128 + 9}}) {
        outcome = run(name);
        EXPECT_EQ(outcome.result, Result::inconclusive) << name;
        EXPECT_EQ(outcome.reason, Reason::prober_custom) << name;
        EXPECT_EQ(outcome.code, code) << name;
    }
    EXPECT_EQ(run("not_registered").reason, Reason::prober_no_kind);
}

TEST_F(CustomProbes, OfACommandTakeTheirArgumentsAsTheyAre) {
    command("echo", "/bin/echo", {"-n", "<{what}> {host}"});
    const auto said = [&](const std::string& what) {
        return *probe(config::CommandCheck{.name = "echo", .arguments = {{"what", what}}}).said;
    };
    EXPECT_EQ(said("$(id); `id` \"'*"), "<$(id); `id` \"'*> 10.0.0.1");
    EXPECT_EQ(said("{host}"), "<{host}> 10.0.0.1") << "filled in once";
    EXPECT_EQ(run("echo").reason, Reason::prober_config) << "an argument that is not said";
}

TEST_F(CustomProbes, OfACommandGetNothingOfOurs) {
    setenv("MUSTER_TEST_SECRET", "x", 1);
    script("environment", "env | sort | tr '\\n' ' '; ls /proc/self/fd | tr '\\n' ' '; pwd");
    const std::string said = *run("environment").said;
    EXPECT_THAT(said, testing::Not(HasSubstr("SECRET")));
    EXPECT_THAT(said, HasSubstr("LC_ALL=C"));
    EXPECT_THAT(said, HasSubstr("0 1 2 3 /")) << "3 is the directory that ls reads";
}

TEST_F(CustomProbes, OfACommandRunAsAnotherUser) {
    if (geteuid() != 0) GTEST_FAIL() << "the tests run as root, as in CI";
    config::Programs programs{
        {"id", {.program = "/usr/bin/id", .arguments = {"-un"}}},
        {"mail", {.program = "/usr/bin/id", .arguments = {"-G"}, .user = "mail"}}};
    settings_.commands.programs = resolve_programs(programs).value();
    EXPECT_EQ(*run("id").said, "nobody") << "root's own programs do not run as root";
    EXPECT_EQ(*run("mail").said, "8");
    programs["id"].user = "no-such-user";
    EXPECT_EQ(resolve_programs(programs).error(), "id: there is no user no-such-user");
    programs["id"] = {.program = "/no/such/program"};
    EXPECT_THAT(resolve_programs(programs).error(), HasSubstr("No such file"));
}

TEST_F(CustomProbes, OfACommandHaveBounds) {
    script("memory", "exec python3 -c 'x = bytearray(2 << 30)'");
    script("cpu", "while :; do :; done");
    script("files", "ulimit -n; ulimit -c");
    settings_.commands.programs["memory"].program.memory_mib = 512;
    settings_.commands.programs["cpu"].program.cpu_seconds = 1;
    EXPECT_EQ(run("memory").result, Result::degraded) << "python ends with 1, and a MemoryError";
    EXPECT_EQ(run("cpu", 5min).reason, Reason::prober_custom);
    EXPECT_EQ(*run("files").said, "256");
}

TEST_F(CustomProbes, OfACommandEndWithTheirWholeGroup) {
    const std::string mark = (dir_.path() / "mark").string();
    script("hangs", "(sleep 1000 & sleep 1000 & wait) & wait");
    script("leaves", "sleep 1000 & echo left");
    script("floods", "exec yes");
    const ProbeOutcome hung = run("hangs", 300ms);
    EXPECT_EQ(hung.result, Result::inconclusive);
    EXPECT_EQ(hung.reason, Reason::prober_custom_timeout);
    EXPECT_GE(hung.total, 300ms);
    EXPECT_EQ(run("leaves").result, Result::success);
    const ProbeOutcome flood = run("floods");
    EXPECT_EQ(flood.reason, Reason::prober_custom);
    EXPECT_EQ(*flood.said, "more output than 64 KiB");
    EXPECT_TRUE(run_until(context_, [] { return children() == 0; }));
}

TEST_F(CustomProbes, OfManyCommandsLeakNothing) {
    script("ok", "exit 0");
    script("hangs", "sleep 1000 & wait");
    (void)run("ok");
    const std::size_t before = open_files();
    int ended = 0;
    constexpr int probes = 500;
    for (int i = 0; i < probes; ++i) {
        const bool hangs = i % 10 == 0;
        start(config::CommandCheck{.name = hangs ? "hangs" : "ok"},
              hangs ? 50ms : 60s,
              [&ended, hangs](const ProbeOutcome& outcome) {
                  EXPECT_EQ(outcome.result, hangs ? Result::inconclusive : Result::success);
                  ++ended;
              });
    }
    EXPECT_TRUE(run_until(context_, [&] { return ended == probes && children() == 0; }));
    EXPECT_EQ(open_files(), before);
}

TEST_F(CustomProbes, OfACommandEndWithTheProber) {
    script("hangs", "sleep 1000 & wait");
    std::optional<ProbeOutcome> outcome;
    start(config::CommandCheck{.name = "hangs"}, 60s, [&](ProbeOutcome told) { outcome = told; });
    prober().stop();
    EXPECT_EQ(children(), 0U);
    EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->reason, Reason::prober_stopped);
}

TEST_F(CustomProbes, OfAPluginAreWhatItAnswers) {
    plugin("echo",
           "    say(json.dumps({'id': probe['id'], 'result': probe['settings']['result'],\n"
           "                    'code': 7, 'message': probe['host'] + ':' + str(probe['port']),\n"
           "                    'first_byte_us': 1500}))");
    for (const auto& [word, result, reason] :
         {std::tuple{"success", Result::success, Reason::l7_ok},
          {"degraded", Result::degraded, Reason::l7_status},
          {"failure", Result::failure, Reason::l7_status},
          {"inconclusive", Result::inconclusive, Reason::prober_custom}}) {
        const ProbeOutcome outcome = probe(config::PluginCheck{
            .name = "echo", .settings = std::string(R"({"result":")") + word + "\"}"});
        EXPECT_EQ(outcome.result, result) << word;
        EXPECT_EQ(outcome.reason, reason) << word;
        EXPECT_EQ(outcome.code, 7);
        EXPECT_EQ(outcome.first_byte, 1500us);
        EXPECT_EQ(*outcome.said, "10.0.0.1:8080");
    }
    EXPECT_EQ(ask("not_registered").reason, Reason::prober_no_kind);
}

TEST_F(CustomProbes, OfAPluginAreInFlightTogetherAndAnsweredInAnyOrder) {
    plugin("reversed",
           "    waiting.append(good)\n"
           "    if len(waiting) == 50:\n"
           "        for line in reversed(waiting): say(line)\n",
           std::string(hello) + "\nwaiting = []");
    int succeeded = 0;
    for (int i = 0; i < 50; ++i) {
        start(config::PluginCheck{.name = "reversed"}, 60s, [&](const ProbeOutcome& outcome) {
            succeeded += outcome.result == Result::success ? 1 : 0;
        });
    }
    EXPECT_TRUE(run_until(context_, [&] { return succeeded == 50; }));
}

TEST_F(CustomProbes, OfAPluginThatIsFullWait) {
    plugin("single", "    say(good)", "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":1}}')");
    int succeeded = 0;
    for (int i = 0; i < 200; ++i) {
        start(config::PluginCheck{.name = "single"}, 60s, [&](const ProbeOutcome& outcome) {
            succeeded += outcome.result == Result::success ? 1 : 0;
        });
    }
    EXPECT_TRUE(run_until(context_, [&] { return succeeded == 200; }));
}

/// A way to misbehave, what becomes of its probe, and whether the next one is answered by a new
/// process.
struct Misbehaviour {
    const char* name;
    const char* begin;  ///< null: a right hello
    const char* body;
    Reason reason = Reason::prober_custom;
};
const Misbehaviour misbehaviours[] = {
    {"ends_at_once", "sys.exit(1)", ""},
    {"never_says_hello", "time.sleep(1000)", ""},
    {"hello_of_another_version", "say('{\"hello\":{\"protocol\":2}}')", ""},
    {"hello_without_version", "say('{\"hello\":{}}')", ""},
    {"hello_that_is_text", "say('{\"hello\":\"world\"}')", ""},
    {"hello_that_is_no_json", "say('hello')", ""},
    {"hello_that_is_a_list", "say('[]')", ""},
    {"takes_nothing", "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":0}}')", ""},
    {"takes_a_negative_number", "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":-1}}')", ""},
    {"takes_too_many", "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":1000000}}')", ""},
    {"takes_a_fraction", "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":1.5}}')", ""},
    {"answers_before_hello", "say('{\"id\":1,\"result\":\"success\"}')", ""},
    {"crashes_on_a_probe", nullptr, "    os.kill(os.getpid(), 11)"},
    {"exits_on_a_probe", nullptr, "    sys.exit(0)"},
    {"hangs", nullptr, "    time.sleep(1000)", Reason::prober_custom_timeout},
    {"closes_its_output",
     nullptr,
     "    os.close(1); time.sleep(1000)",
     Reason::prober_custom_timeout},
    {"floods_with_one_line", nullptr, "    sys.stdout.write('x' * 1000000); sys.stdout.flush()"},
    {"floods_with_lines", nullptr, "    while True: say('{}')"},
    {"floods_with_other_ids",
     nullptr,
     "    while True: say('{\"id\":999999,\"result\":\"success\"}')"},
    {"says_hello_again_and_again", nullptr, "    while True: say('{\"hello\":{\"protocol\":1}}')"},
    {"writes_no_json", nullptr, "    for i in range(20): say('ok ' + str(i))"},
    {"writes_binary",
     nullptr,
     "    sys.stdout.buffer.write(bytes(range(256)) * 200); sys.stdout.flush(); time.sleep(1000)",
     Reason::prober_custom},
    {"answers_without_result", nullptr, "    for i in range(20): say('{\"id\":1}')"},
    {"answers_with_another_result",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"fine\"}')"},
    {"answers_with_a_number", nullptr, "    for i in range(20): say('{\"id\":1,\"result\":1}')"},
    {"has_an_id_in_text",
     nullptr,
     "    for i in range(20): say('{\"id\":\"1\",\"result\":\"success\"}')"},
    {"has_a_negative_id",
     nullptr,
     "    for i in range(20): say('{\"id\":-1,\"result\":\"success\"}')"},
    {"has_a_code_out_of_range",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"code\":65536}')"},
    {"has_a_message_that_is_a_map",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"message\":{}}')"},
    {"has_a_time_before_the_beginning",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"connect_us\":-5}')"},
    {"hello_that_is_null", "say('null')", ""},
    {"hello_that_is_a_number", "say('1')", ""},
    {"hello_with_a_list", "say('{\"hello\":[1]}')", ""},
    {"hello_with_a_version_in_text", "say('{\"hello\":{\"protocol\":\"1\"}}')", ""},
    {"hello_with_half_a_version", "say('{\"hello\":{\"protocol\":1.5}}')", ""},
    {"hello_with_a_negative_version", "say('{\"hello\":{\"protocol\":-1}}')", ""},
    {"hello_with_a_capacity_in_text",
     "say('{\"hello\":{\"protocol\":1,\"max_in_flight\":\"9\"}}')",
     ""},
    {"hello_with_something_behind_it", "say('{\"hello\":{\"protocol\":1}} x')", ""},
    {"hello_in_other_bytes",
     "sys.stdout.buffer.write(bytes([0xff, 0xfe, 10])); sys.stdout.flush()",
     ""},
    {"hello_that_does_not_end", "sys.stdout.write('{' * 100000); sys.stdout.flush()", ""},
    {"hello_cut_off", "sys.stdout.write('{'); sys.stdout.flush(); sys.exit(0)", ""},
    {"answers_null", nullptr, "    for i in range(20): say('null')"},
    {"answers_a_list",
     nullptr,
     "    for i in range(20): say('[{\"id\":1,\"result\":\"success\"}]')"},
    {"answers_true", nullptr, "    for i in range(20): say('true')"},
    {"has_no_id", nullptr, "    for i in range(20): say('{\"result\":\"success\"}')"},
    {"has_an_id_of_null",
     nullptr,
     "    for i in range(20): say('{\"id\":null,\"result\":\"success\"}')"},
    {"has_an_id_and_a_half",
     nullptr,
     "    for i in range(20): say('{\"id\":1.5,\"result\":\"success\"}')"},
    {"has_an_endless_id",
     nullptr,
     "    for i in range(20): say('{\"id\":1e400,\"result\":\"success\"}')"},
    {"has_a_true_id",
     nullptr,
     "    for i in range(20): say('{\"id\":true,\"result\":\"success\"}')"},
    {"has_a_result_of_null", nullptr, "    for i in range(20): say('{\"id\":1,\"result\":null}')"},
    {"has_a_list_of_results",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":[\"success\"]}')"},
    {"has_a_code_in_text",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"code\":\"0\"}')"},
    {"has_a_negative_code",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"code\":-1}')"},
    {"has_a_message_that_is_a_number",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"message\":5}')"},
    {"has_a_first_byte_in_text",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"success\",\"first_byte_us\":\"1\"}')"},
    {"has_two_answers_in_a_line",
     nullptr,
     "    for i in range(20): "
     "say('{\"id\":1,\"result\":\"success\"}{\"id\":1,\"result\":\"success\"}')"},
    {"has_no_end_of_a_text", nullptr, "    for i in range(20): say('{\"id\":1,\"result\":\"succ')"},
    {"is_not_a_number",
     nullptr,
     "    for i in range(20): say('{\"id\":NaN,\"result\":\"success\"}')"},
    {"sends_empty_lines_for_ever", nullptr, "    while True: say('')"},
    {"complains_for_ever",
     nullptr,
     "    while True: sys.stderr.write('no ' * 1000)",
     Reason::prober_custom_timeout},
    {"leaves_a_child_behind", nullptr, "    if os.fork() == 0: time.sleep(1000)\n    sys.exit(0)"},
    {"stops_itself", nullptr, "    os.kill(os.getpid(), 19)", Reason::prober_custom_timeout},
    {"is_deeply_nested", nullptr, "    for i in range(20): say('[' * 30000)"},
    {"has_answers_of_64_kib",
     nullptr,
     "    for i in range(20): say('{\"x\":[' + '[],' * 20000 + '0]}')"},
    {"has_messages_of_64_kib_that_are_wrong",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"result\":\"' + 'x' * 65000 + '\"}')"},
    {"has_names_of_64_kib",
     nullptr,
     "    for i in range(20): say('{\"id\":1,\"' + 'x' * 65000 + '\":1}')"},
    {"writes_a_line_in_drops",
     nullptr,
     "    while True: sys.stdout.write('x'); sys.stdout.flush()"},
    {"complains_as_fast_as_it_can",
     nullptr,
     "    import threading\n"
     "    noise = b'no ' * 20000\n"
     "    def complain():\n"
     "        while True: os.write(2, noise)\n"
     "    for i in range(3): threading.Thread(target=complain).start()\n"
     "    complain()",
     Reason::prober_custom_timeout},
    {"leaves_a_child_of_another_group_that_floods",
     nullptr,
     "    noise = b'\\n' * 60000\n"
     "    if os.fork() == 0:\n"
     "        os.setsid()\n"
     "        until = time.monotonic() + 20\n"
     "        while time.monotonic() < until: os.write(1, noise)\n"
     "        os._exit(0)\n"
     "    sys.exit(0)"},
};

static_assert(std::size(misbehaviours) >= 60);

/// Of memory: twice the longest line, and its probes.
constexpr std::size_t share_of_a_plugin = 192UZ * 1024UZ;

class MisbehavingPlugin : public CustomProbes, public testing::WithParamInterface<Misbehaviour> {};

TEST_P(MisbehavingPlugin, MakesItsOwnProbesInconclusiveAndNothingElseWorse) {
    const Misbehaviour& how = GetParam();
    const std::size_t files = open_files();
    plugin("bad", how.body[0] == '\0' ? "    pass" : how.body, how.begin ? how.begin : hello);
    plugin("good", "    say(good)");
    settings_.plugin.hello_timeout = 500ms * test::slowdown();
    settings_.plugin.first_pause = 10ms;
    EXPECT_EQ(ask("good").result, Result::success);
    const std::size_t before = mallinfo2().uordblks;
    std::size_t most = before;
    int outcomes = 0;
    for (int i = 0; i < 3; ++i) {
        start(config::PluginCheck{.name = "bad"},
              1s * test::slowdown(),
              [&](const ProbeOutcome& outcome) {
                  EXPECT_EQ(outcome.result, Result::inconclusive);
                  EXPECT_EQ(outcome.reason, how.reason);
                  ++outcomes;
              });
    }
    EXPECT_EQ(ask("good").result, Result::success);
    EXPECT_TRUE(run_until(context_, [&] {
        most = std::max(most, mallinfo2().uordblks);
        return outcomes == 3;
    }));
    EXPECT_LE(most - before, share_of_a_plugin);
    EXPECT_EQ(ask("good").result, Result::success);
    prober_.reset();
    EXPECT_EQ(children(), 0U);
    context_.restart();
    context_.poll();
    EXPECT_LE(open_files(), files + 3) << "the context's own";
}

INSTANTIATE_TEST_SUITE_P(Ways,
                         MisbehavingPlugin,
                         testing::ValuesIn(misbehaviours),
                         [](const auto& way) { return std::string(way.param.name); });

TEST_F(CustomProbes, OfAPluginThatEndedAreAnsweredByANewOneAfterAPause) {
    const std::string counter = (dir_.path() / "starts").string();
    plugin("mortal",
           "    say(good)\n    sys.exit(0)",
           "open('" + counter + "', 'a').write('x')\n" + std::string(hello));
    settings_.plugin.first_pause = 50ms;
    EXPECT_EQ(ask("mortal").result, Result::success);
    const auto starts = [&] { return std::filesystem::file_size(counter); };
    // Until it has ended, and its pause is over, probes are inconclusive.
    for (int wanted = 2; wanted <= 4; ++wanted) {
        EXPECT_TRUE(run_until(context_, [&] { return ask("mortal").result == Result::success; }));
        EXPECT_EQ(starts(), static_cast<std::uintmax_t>(wanted));
    }
}

TEST_F(CustomProbes, OfAPluginThatHangsForLongAreAnsweredByANewOne) {
    const std::string counter = (dir_.path() / "starts").string();
    plugin("sleepy",
           "    time.sleep(1000)",
           "open('" + counter + "', 'a').write('x')\n" + std::string(hello));
    settings_.plugin.first_pause = 10ms;
    settings_.plugin.most_timeouts = 3;
    for (int i = 0; i < 6; ++i) EXPECT_EQ(ask("sleepy", 200ms).result, Result::inconclusive);
    EXPECT_TRUE(run_until(context_, [&] {
        (void)ask("sleepy", 100ms);
        return std::filesystem::file_size(counter) >= 2;
    }));
}

TEST_F(CustomProbes, OfAPluginThatAnswersThemAgainAndAgainAreAnsweredByANewOne) {
    const std::string counter = (dir_.path() / "starts").string();
    plugin("echoing",
           "    say(good)\n    while probe['settings'].get('for_ever'): say(good)",
           "open('" + counter + "', 'a').write('x')\n" + std::string(hello));
    settings_.plugin.first_pause = 10ms;
    config::PluginCheck check{.name = "echoing", .settings = R"({"for_ever":true})"};
    EXPECT_EQ(probe(check).result, Result::success);
    check.settings.clear();
    EXPECT_TRUE(run_until(context_, [&] {
        return probe(check, 1s * test::slowdown()).result == Result::success &&
               std::filesystem::file_size(counter) == 2;
    }));
}

ProbeOutcome part(Result result) {
    ProbeOutcome outcome{.result = result};
    if (result == Result::failure) outcome.reason = Reason::l4_refused;
    if (result == Result::inconclusive) outcome.reason = Reason::prober_files;
    return outcome;
}

TEST(Composite, NeedsAsManyPartsAsItSays) {
    struct Row {
        const char* parts;  ///< s, d, f, i
        int need;
        Result result;
    };
    for (const Row& row : {Row{"sss", 0, Result::success},
                           Row{"ssf", 0, Result::failure},
                           Row{"ssd", 0, Result::degraded},
                           Row{"ssi", 0, Result::inconclusive},
                           Row{"sfi", 0, Result::failure},
                           Row{"sff", 1, Result::success},
                           Row{"fff", 1, Result::failure},
                           Row{"ffi", 1, Result::inconclusive},
                           Row{"dff", 1, Result::degraded},
                           Row{"sdi", 1, Result::degraded},
                           Row{"ssf", 2, Result::success},
                           Row{"sfi", 2, Result::inconclusive},
                           Row{"ffs", 2, Result::failure},
                           Row{"iii", 2, Result::inconclusive}}) {
        std::vector<ProbeOutcome> parts;
        std::vector<std::string> names;
        for (const char letter : std::string_view(row.parts)) {
            parts.push_back(part(letter == 's'   ? Result::success
                                 : letter == 'd' ? Result::degraded
                                 : letter == 'f' ? Result::failure
                                                 : Result::inconclusive));
            names.push_back("p" + std::to_string(names.size()));
        }
        const ProbeOutcome outcome = outcome_of_parts(parts, names, row.need);
        EXPECT_EQ(outcome.result, row.result) << row.parts << " of " << row.need;
        if (row.result == Result::failure) {
            EXPECT_EQ(outcome.reason, Reason::l4_refused);
            EXPECT_EQ(*outcome.said, names[std::string_view(row.parts).find('f')]);
        }
    }
}

TEST_F(CustomProbes, OfACompositeAreThoseOfItsParts) {
    script("ok", "exit 0");
    script("bad", "echo no such table; exit 2");
    config::CompositeCheck check;
    check.parts = {{.name = "first", .probe = config::CommandCheck{.name = "ok"}},
                   {.name = "second", .probe = config::CommandCheck{.name = "bad"}}};
    const ProbeOutcome all = probe(check);
    EXPECT_EQ(all.result, Result::failure);
    EXPECT_EQ(all.code, 2);
    EXPECT_EQ(*all.said, "second: no such table");
    check.need = 1;
    EXPECT_EQ(probe(check).result, Result::success);
}

}  // namespace
}  // namespace muster::checker
