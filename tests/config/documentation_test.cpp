// The examples of docs/configuration.md are read, and say what the reader says.

#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"
#include "tests/config/case_file.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace muster::config {
namespace {

std::vector<std::string> examples(std::string_view language,
                                  const std::string& file = CONFIG_PAGE) {
    const std::string page = read_file(file);
    const std::string opening = "\n```" + std::string(language) + "\n";
    std::vector<std::string> blocks;
    for (std::size_t start = page.find(opening); start != std::string::npos;
         start = page.find(opening, start)) {
        start += opening.size();
        blocks.push_back(page.substr(start, page.find("\n```\n", start) + 1 - start));
    }
    return blocks;
}

TEST(ConfigurationPage, HasExamplesThatAreRead) {
    std::vector<std::string> groups = examples("json");
    std::vector<std::string> settings;
    for (const std::string& block : examples("yaml"))
        (block.starts_with("kind:") ? groups : settings).push_back(block);
    EXPECT_EQ(groups.size(), 2U);
    EXPECT_EQ(settings.size(), 1U);
    for (const std::string& block : groups)
        for (const Problem& problem : decode(block).problems)
            ADD_FAILURE() << to_string(problem) << "\n" << block;
    for (const std::string& block : settings)
        for (const Problem& problem : decode_node_settings(block).problems)
            ADD_FAILURE() << to_string(problem) << "\n" << block;
}

TEST(ProbesPage, HasAnExampleOfEachKindThatIsRead) {
    std::set<std::string_view> kinds;
    for (const std::string& block : examples("yaml", PROBES_PAGE)) {
        std::string text = "kind: Group\nname: web\nspec:\n  backends: []\n  check:\n";
        std::istringstream lines(block);
        for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
        const Decoded decoded = decode(text);
        for (const Problem& problem : decoded.problems) ADD_FAILURE() << to_string(problem) << text;
        for (const GroupSpec& group : decoded.groups)
            kinds.insert(probe_kind_name(group.check.probe.kind));
    }
    for (const std::string_view kind : {"http",
                                        "tcp",
                                        "grpc",
                                        "websocket",
                                        "udp",
                                        "dns",
                                        "ping",
                                        "redis",
                                        "postgres",
                                        "mysql",
                                        "smtp",
                                        "ldap",
                                        "command",
                                        "plugin",
                                        "composite"})
        EXPECT_TRUE(kinds.contains(kind)) << kind;
}

TEST(ConfigurationPage, ShowsErrorsAsTheyAre) {
    const Decoded decoded = decode(
        "kind: Group\n"
        "name: web\n"
        "spec:\n"
        "  backends:\n"
        "    - 10.0.0.1:80\n"
        "    - {address: 10.0.0.2:80, weight: heavy}\n"
        "  check: {intervall: 2s, timeout: 5}\n");
    std::string said;
    for (const Problem& problem : decoded.problems) said += to_string(problem) + "\n";
    EXPECT_EQ(said, examples("text").at(0));
}

TEST(ConfigurationPage, NamesTheDefaults) {
    const std::string page = read_file(CONFIG_PAGE);
    const GroupSpec group;
    const CheckSpec& check = group.check;
    const NodeSettings node;
    const auto row = [](std::string_view field, const std::string& value) {
        return "| `" + std::string(field) + "` | " + value + " |";
    };
    const auto quoted = [](std::string_view value) { return "`" + std::string(value) + "`"; };
    for (const std::string& expected :
         {row("spec.max_eject_percent", std::to_string(group.max_eject_percent)),
          row("spec.panic.enter", std::to_string(group.panic_enter_percent)),
          row("spec.panic.exit", std::to_string(group.panic_exit_percent)),
          row("weight", std::to_string(Backend{}.weight)),
          row("interval", quoted(to_string(check.interval))),
          row("timeout", quoted(to_string(check.timeout))),
          row("algorithm", quoted(to_string(group.lb.algorithm))),
          row("retries", std::to_string(group.lb.retries)),
          row("slow_start", quoted(to_string(group.lb.slow_start))),
          row("cluster", quoted(node.cluster)),
          row("session_timeout", quoted(to_string(node.session_timeout))),
          row("zookeeper_tick", quoted(to_string(node.zookeeper_tick))),
          row("capacity", std::to_string(node.capacity)),
          row("prober_threads", std::to_string(node.prober_threads)),
          row("listen", quoted(node.listen)),
          row("state_dir", quoted(node.state_dir))})
        EXPECT_TRUE(page.contains(expected)) << expected;
}

}  // namespace
}  // namespace muster::config
