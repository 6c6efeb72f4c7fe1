#include "ctl/command_line.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace muster::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Invocation parse(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    return parse_command_line(std::move(arguments), in);
}

TEST(CommandLine, MistakesEndWithTwoAndSayWhatIsThere) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{},
                                               {"frobnicate"},
                                               {"get"},
                                               {"get", "grps"},
                                               {"get", "groups", "--limit", "0"},
                                               {"get", "groups", "-o", "xml"},
                                               {"drain"},
                                               {"apply"},
                                               {"describe", "node", "n1"},
                                               {"status", "--url", "https://a"},
                                               {"status", "--url", "ftp://a"},
                                               {"init"},
                                               {"probe"},
                                               {"probe", "walk"},
                                               {"probe", "run"},
                                               {"probe", "run", "web/b1", "-n", "0"},
                                               {"probe", "run", "web/b1", "-n", "1001"},
                                               {"probe", "run", "web/b1", "web/b2"},
                                               {"probe", "test"},
                                               {"probe", "test", "plugin", "-x"},
                                               {"probe", "test", "plugin", "--port", "0"},
                                               {"probe", "test", "plugin", "--port", "65536"},
                                               {"probe", "test", "plugin", "--probe-timeout", "9"},
                                               {"status", "--timeout", "0"}}) {
        const Invocation invocation = parse(arguments);
        EXPECT_FALSE(invocation.command) << testing::PrintToString(arguments);
        EXPECT_EQ(invocation.exit, Exit::usage) << testing::PrintToString(arguments);
        EXPECT_THAT(invocation.text, HasSubstr("error: "));
    }
    EXPECT_THAT(parse({"get", "grps"}).text, HasSubstr("groups"));
}

TEST(CommandLine, HelpIsNoMistake) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"--help"}, {"get", "--help"}}) {
        const Invocation invocation = parse(arguments);
        EXPECT_EQ(invocation.exit, Exit::ok);
        EXPECT_THAT(invocation.text, HasSubstr("Usage"));
    }
}

TEST(CommandLine, TakesSeveralNodes) {
    const Invocation invocation =
        parse({"--url", "http://a:1/,b:2", "status", "--url", "http://c:3"});
    ASSERT_TRUE(invocation.command) << invocation.text;
    EXPECT_THAT(invocation.api.urls, ElementsAre("http://a:1", "http://b:2", "http://c:3"));
}

TEST(CommandLine, LeavesWhatStandsBehindTheNodes) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"--url", "a:1,b:2", "drain", "web/b1"},
                                               {"drain", "--url", "a:1,b:2", "web/b1"},
                                               {"drain", "web/b1", "--url", "a:1,b:2"},
                                               {"probe", "run", "--url", "a:1,b:2", "web/b1"}}) {
        const Invocation invocation = parse(arguments);
        EXPECT_TRUE(invocation.command) << testing::PrintToString(arguments) << invocation.text;
        EXPECT_THAT(invocation.api.urls, ElementsAre("http://a:1", "http://b:2"));
    }
}

TEST(CommandLine, KnowsTheDnsVerbs) {
    const test::TempDir dir;
    const std::string file = dir.write("plan", "{}");
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"dns", "plan", "-o", "/tmp/plan"},
             {"-o", "json", "dns", "plan", "a.test", "b.test", "--empty", "c.test"},
             {"dns", "apply", file, "--empty", "a.test", "--empty", "b.test"},
             {"dns", "diff"},
             {"dns", "explain", "a.test", "--url", "c:3"},
             {"dns", "adopt", "a.test", "--yes"},
             {"dns", "fence", "show"},
             {"dns", "fence", "bump-era", "--to", "7"},
             {"dns", "fence", "repair", "--expect-mod-rev", "12"},
             {"dns", "fence", "bootstrap", "--i-have-no-other-master"}}) {
        const Invocation invocation = parse(arguments);
        EXPECT_TRUE(invocation.command) << testing::PrintToString(arguments) << invocation.text;
    }
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"dns"},
                                               {"dns", "fence"},
                                               {"dns", "apply"},
                                               {"dns", "adopt"},
                                               {"dns", "explain"},
                                               {"dns", "fence", "repair"},
                                               {"dns", "fence", "bump-era", "--to", "0"},
                                               {"dns", "fence", "bump-era", "--to", "4294967296"}})
        EXPECT_EQ(parse(arguments).exit, Exit::usage) << testing::PrintToString(arguments);
}

TEST(CommandLine, TakesItsDefaultsFromTheEnvironment) {
    ::setenv("MUSTER_URL", "http://a:1,http://b:2", 1);
    ::setenv("MUSTER_OUTPUT", "json", 1);
    const Invocation invocation = parse({"status"});
    const Invocation overridden = parse({"status", "--url", "c:3", "-o", "table"});
    ::unsetenv("MUSTER_URL");
    ::unsetenv("MUSTER_OUTPUT");
    EXPECT_THAT(invocation.api.urls, ElementsAre("http://a:1", "http://b:2"));
    EXPECT_EQ(invocation.format, Format::json);
    EXPECT_THAT(overridden.api.urls, ElementsAre("http://c:3"));
    EXPECT_EQ(overridden.format, Format::table);
}

TEST(CommandLine, ReadsTheTokenFromAPrivateFileOnly) {
    const test::TempDir dir;
    const auto path = dir.write("token", "s3cret\n");
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    EXPECT_EQ(parse({"status", "--token-file", path.string()}).api.token, "s3cret");
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    const Invocation open = parse({"status", "--token-file", path.string()});
    EXPECT_EQ(open.exit, Exit::failed);
    EXPECT_THAT(open.text, HasSubstr("can be read by others"));
    EXPECT_EQ(parse({"status", "--token-file", "/nonexistent"}).exit, Exit::failed);
}

TEST(CommandLine, ReadsDocumentsFromFilesAndStandardInput) {
    const test::TempDir dir;
    const auto path = dir.write("web.yaml", "kind: Group\n");
    EXPECT_TRUE(parse({"apply", "-f", path.string()}).command);
    EXPECT_TRUE(parse({"diff", "-f", "-"}, "kind: Group\n").command);
    EXPECT_THAT(parse({"apply", "-f", "/nonexistent"}).text, HasSubstr("can't read /nonexistent"));
    EXPECT_THAT(parse({"apply", "-f", "-"}, "").text, HasSubstr("is empty"));
}

TEST(CommandLine, KnowsEveryCommand) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"get", "backends", "b1", "-g", "web", "-w"},
                                               {"get", "fleet", "edge", "-o", "yaml"},
                                               {"describe", "group", "web"},
                                               {"describe", "fleet", "edge"},
                                               {"delete", "fleet", "edge"},
                                               {"delete", "group", "web", "--generation", "4"},
                                               {"status", "-o", "yaml"},
                                               {"why", "web/b1"},
                                               {"events", "--watch"},
                                               {"drain", "b1"},
                                               {"maintenance", "b1"},
                                               {"activate", "b1"},
                                               {"step-down"},
                                               {"pause"},
                                               {"pause", "node", "--reason", "upgrade"},
                                               {"resume", "dns"},
                                               {"version"},
                                               {"probe", "run", "web/b1", "-n", "1000"},
                                               {"probe", "test", "plugin", "--", "-x", "y"},
                                               {"init", "--zookeeper", "a:1,b:2"}}) {
        EXPECT_TRUE(parse(arguments).command)
            << testing::PrintToString(arguments) << parse(arguments).text;
    }
}

TEST(Completion, NamesEveryCommandAndOption) {
    for (const std::string shell : {"bash", "zsh", "fish"}) {
        const Invocation invocation = parse({"completion", shell});
        EXPECT_FALSE(invocation.command);
        EXPECT_EQ(invocation.exit, Exit::ok);
        for (const char* word :
             {"step-down", "describe", "maintenance", "dry-run", "backends", "fleet"}) {
            EXPECT_THAT(invocation.text, HasSubstr(word)) << shell;
        }
    }
}

TEST(Completion, IsAValidBashScript) {
    const test::TempDir dir;
    const auto path = dir.write("completion", parse({"completion", "bash"}).text);
    EXPECT_EQ(std::system(("bash -n " + path.string()).c_str()), 0);
}

}  // namespace
}  // namespace muster::ctl
