// The examples of docs/configuration.md, probes.md and scaling.md are read, and say what the reader
// says.

#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"
#include "tests/config/case_file.hpp"
#include "tests/support/code_blocks.hpp"

#include <gtest/gtest.h>

#include <map>
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

/// Each line of a block, `by` spaces further in.
std::string indented(const std::string& block, std::size_t by) {
    std::string text;
    std::istringstream lines(block);
    for (std::string line; std::getline(lines, line);) text += std::string(by, ' ') + line + "\n";
    return text;
}

TEST(ScalingPage, HasExamplesThatAreRead) {
    const std::string fleet =
        "kind: Fleet\nname: edge\nspec:\n  listeners: [{name: a, bind: \":80\", group: web}]\n"
        "  provider: {name: local}\n  scaling:\n";
    std::map<std::string, int> seen;
    for (const std::string& block : examples("yaml", SCALING_PAGE)) {
        std::vector<Problem> problems;
        if (block.starts_with("kind:")) {
            ++seen["fleet"];
            problems = decode(block).problems;
        } else if (block.starts_with("node:")) {
            ++seen["settings"];
            problems = decode_node_settings(block).problems;
        } else if (block.starts_with("-")) {
            ++seen["metrics"];
            problems = decode(fleet + "    max: 8\n    metrics:\n" + indented(block, 6)).problems;
        } else {
            ++seen["scaling"];
            problems = decode(fleet + indented(block, 4)).problems;
        }
        for (const Problem& problem : problems)
            ADD_FAILURE() << to_string(problem) << "\n" << block;
    }
    EXPECT_EQ(seen,
              (std::map<std::string, int>{
                  {"fleet", 1}, {"metrics", 4}, {"scaling", 1}, {"settings", 1}}));
}

TEST(ScalingPage, NamesTheDefaults) {
    const std::string page = read_file(SCALING_PAGE);
    const ScalingSpec scaling;
    const FleetProvider provider;
    const ForecastRule forecast;
    const ProcessProviderSettings process;
    const auto row = [](std::string_view field, const std::string& value) {
        return "| `" + std::string(field) + "` | " + value + " |";
    };
    const auto span = [](Duration value) { return "`" + to_string(value) + "`"; };
    const auto text = [](const std::string& value) { return "`" + value + "`"; };
    for (const std::string& expected : {
             row("create_timeout", span(provider.create_timeout)),
             row("drain_timeout", span(provider.drain_timeout)),
             row("grace", span(provider.grace)),
             row("min", std::to_string(scaling.min)),
             row("period", span(scaling.period)),
             row("scrape_interval", span(scaling.scrape_interval)),
             row("warm_up", span(scaling.warm_up)),
             row("instance_label", text(ScalingMetric{}.instance_label)),
             row("max_age", span(ScalingMetric{}.max_age)),
             row("season", span(forecast.season)),
             row("seasons", std::to_string(forecast.seasons)),
             row("ahead", span(forecast.ahead)),
             row("percentile", std::to_string(forecast.percentile)),
             row("tolerance", text(scaling.out.tolerance) + " | " + text(scaling.in.tolerance)),
             row("window", span(scaling.out.window) + " | " + span(scaling.in.window)),
             row("cooldown", span(scaling.out.cooldown) + " | " + span(scaling.in.cooldown)),
             row("address", text(process.address)),
             row("answers_at", text(process.answers_at)),
             row("max_machines", std::to_string(process.max_machines)),
             row("start_timeout", span(process.start_timeout)),
         })
        EXPECT_TRUE(page.contains(expected)) << expected;
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
