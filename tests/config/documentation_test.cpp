// The examples of docs/configuration.md are read, and say what the reader says.

#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"
#include "tests/config/case_file.hpp"
#include "tests/support/code_blocks.hpp"

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
    std::vector<std::string> texts;
    for (const test::CodeBlock& block : test::code_blocks(read_file(file)))
        if (block.language == language) texts.push_back(block.text);
    return texts;
}

TEST(ConfigurationPage, HasExamplesThatAreRead) {
    std::vector<std::string> groups = examples("json");
    std::vector<std::string> settings;
    for (const std::string& block : examples("yaml"))
        (block.starts_with("kind:") ? groups : settings).push_back(block);
    EXPECT_EQ(groups.size(), 3U) << "a group, a fleet, the old form";
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
    const Listener listener;
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
          row("mode", "`http`"),
          row("tls.minimum", "`\"" + listener.tls.minimum + "\"`"),
          row("timeouts.client", quoted(to_string(listener.client_timeout))),
          row("timeouts.tunnel", quoted(to_string(listener.tunnel_timeout))),
          row("limits.connections", std::to_string(listener.limits.connections)),
          row("limits.period", quoted(to_string(listener.limits.period))),
          row("ttl", quoted(to_string(DnsEntry{}.ttl))),
          row("priority", std::to_string(DnsEntry{}.priority)),
          row("forget_after", quoted(to_string(InstanceHealth{}.forget_after))),
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
