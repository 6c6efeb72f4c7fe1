// The conformance kit for plug-ins: it passes our own examples and fails those that break the
// protocol, each at what it breaks.

#include "ctl/plugin_conformance.hpp"

#include "common/base/asio_clock.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace muster::ctl {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;

struct Verdict {
    std::vector<std::string> failed;  ///< "name: what it did"
    std::size_t tests = 0;
};

Verdict verdict_on(const config::Program& program, const ConformanceTarget& target = {}) {
    AsioClock clock;
    Verdict verdict;
    for (const ConformanceResult& result :
         test_plugin(clock, program, target, [](const auto&) {})) {
        ++verdict.tests;
        if (!result.passed) verdict.failed.push_back(result.name + ": " + result.problem);
    }
    return verdict;
}

TEST(PluginConformance, IsHeldByTheExampleInPython) {
    const Verdict verdict = verdict_on({.program = EXAMPLES "/plugins/file_age.py"},
                                       {.settings = R"({"path":"/etc/passwd","seconds":1e12})"});
    EXPECT_THAT(verdict.failed, IsEmpty());
    EXPECT_EQ(verdict.tests, 10U);
}

TEST(PluginConformance, IsHeldByTheExampleInCpp) {
    const Verdict verdict =
        verdict_on({.program = TCP_BANNER}, {.settings = R"({"banner":"SSH-2.0"})"});
    EXPECT_THAT(verdict.failed, IsEmpty());
}

/// A plug-in that is right but for one thing.
struct BrokenPlugin {
    const char* name;
    const char* replaces;  ///< in the right one
    const char* by;
    const char* failure;  ///< one of what the kit says
};

constexpr const char* right_plugin = R"(
import json, sys
def say(line):
    sys.stdout.write(line + "\n"); sys.stdout.flush()
for text in sys.stdin:
    message = json.loads(text)
    if "hello" in message:
        say('{"hello":{"protocol":1,"max_in_flight":10}}')
    elif "id" in message:
        say(json.dumps({"id": message["id"], "result": "success"}))
)";
const BrokenPlugin broken_plugins[] = {
    {"does_not_start", "import json, sys", "import no_such_module", "has ended"},
    {"says_no_hello", "if \"hello\" in message:", "if \"hullo\" in message:", "did not say hello"},
    {"is_of_another_version", "\"protocol\":1", "\"protocol\":9", "speaks protocol 9"},
    {"has_no_version", "\"protocol\":1,", "", "speaks protocol 0"},
    {"takes_none", "\"max_in_flight\":10", "\"max_in_flight\":0", "max_in_flight is 0"},
    {"says_hello_in_words", "say('{\"hello\"", "say('hello'); say('{\"hello\"", "is not JSON"},
    {"talks_unasked",
     "max_in_flight\":10}}')",
     "max_in_flight\":10}}'); say('{\"log\":1}')",
     "although nothing was asked"},
    {"answers_another_id", "message[\"id\"],", "message[\"id\"] + 1,", "instead of 1"},
    {"answers_in_text_ids",
     "\"id\": message[\"id\"]",
     "\"id\": str(message[\"id\"])",
     "id is \"1\""},
    {"has_other_results", "\"success\"", "\"OK\"", "result is missing or unknown"},
    {"has_no_result", ", \"result\": \"success\"", "", "result is missing or unknown"},
    {"answers_twice",
     "say(json.dumps(",
     "say(json.dumps({\"id\": message[\"id\"], \"result\": \"success\"})); say(json.dumps(",
     "answered"},
    {"is_silent",
     "say(json.dumps({\"id\": message[\"id\"], \"result\": \"success\"}))",
     "pass",
     "did not answer in time"},
    {"does_not_flush", "; sys.stdout.flush()", "", "did not say hello"},
    {"logs_to_its_output",
     "elif \"id\" in message:",
     "elif \"id\" in message:\n        print(\"probing\", flush=True)",
     "is not JSON"},
    {"dies_of_a_new_message",
     "elif \"id\" in message:",
     "elif \"cancel\" in message:\n        pass\n    elif message[\"id\"]:",
     "passes over messages and fields that it does not know"},
    {"dies_of_a_cancel",
     "elif \"id\" in message:",
     "elif \"cancel\" in message:\n        sys.exit(1)\n    elif \"id\" in message:",
     "goes on after a cancelled probe"},
    {"needs_its_settings",
     "elif \"id\" in message:",
     "elif \"id\" in message and message[\"settings\"][\"needed\"]:",
     "answers when settings are not what it needs"},
    {"runs_on",
     "if \"hello\" in message:",
     "if \"hello\" in message:\n        import atexit, time; atexit.register(time.sleep, 100)",
     "runs on"},
    {"loses_probes_under_load",
     "elif \"id\" in message:",
     "elif \"id\" in message and message[\"id\"] % 50:",
     "did not answer in time"},
    {"writes_too_much",
     "\"result\": \"success\"",
     "\"result\": \"success\", \"message\": \"x\" * 100000",
     "more than 64 KiB"},
    {"runs_once",
     "import json, sys",
     "import json, sys, socket\ns = "
     "socket.socket(socket.AF_UNIX)\ns.bind(\"\\0muster-conformance-test\")",
     "did not say hello"},
};

class Broken : public testing::TestWithParam<BrokenPlugin> {};

TEST_P(Broken, FailsAtWhatItBreaks) {
    const BrokenPlugin& broken = GetParam();
    std::string text = right_plugin;
    const std::size_t at = text.find(broken.replaces);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, std::string_view(broken.replaces).size(), broken.by);
    const test::TempDir dir;
    const auto path = dir.path() / "plugin.py";
    std::ofstream(path) << text;
    const Verdict verdict =
        verdict_on({.program = "/usr/bin/python3", .arguments = {"-E", "-S", path.string()}},
                   {.settings = R"({"needed":true})", .timeout = 200ms});
    EXPECT_THAT(verdict.failed, Contains(testing::HasSubstr(broken.failure)));
}

INSTANTIATE_TEST_SUITE_P(Plugins,
                         Broken,
                         testing::ValuesIn(broken_plugins),
                         [](const auto& plugin) { return std::string(plugin.param.name); });

TEST(PluginConformance, IsHeldByTheOneThatTheBrokenAreMadeOf) {
    const test::TempDir dir;
    const auto path = dir.path() / "plugin.py";
    std::ofstream(path) << right_plugin;
    EXPECT_THAT(
        verdict_on({.program = "/usr/bin/python3", .arguments = {"-E", "-S", path.string()}})
            .failed,
        IsEmpty());
}

}  // namespace
}  // namespace muster::ctl
