#include "common/observe/metrics.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

namespace muster::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The value of one line of the exposition.
double value_of(const std::string& text, const std::string& series) {
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return -1;
    return std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

TEST(Metrics, AreShownAsText) {
    Registry registry;
    registry.counter("muster_probes_total", "Probes", {{"kind", "http"}}).Increment(3);
    registry.gauge("muster_backends", "Backends").Set(7);
    registry.histogram("muster_probe_seconds", "Time of a probe", {0.1, 1}).Observe(0.5);
    const std::string text = registry.text();
    EXPECT_THAT(text, HasSubstr("# TYPE muster_probes_total counter\n"));
    EXPECT_THAT(text, HasSubstr("# HELP muster_backends Backends\n"));
    EXPECT_EQ(value_of(text, "muster_probes_total{kind=\"http\"}"), 3);
    EXPECT_EQ(value_of(text, "muster_backends"), 7);
    EXPECT_EQ(value_of(text, "muster_probe_seconds_bucket{le=\"0.1\"}"), 0);
    EXPECT_EQ(value_of(text, "muster_probe_seconds_bucket{le=\"1\"}"), 1);
}

TEST(Metrics, AreTheSameForTheSameName) {
    Registry registry;
    Counter& one = registry.counter("muster_x_total", "x", {{"a", "1"}});
    Counter& same = registry.counter("muster_x_total", "x", {{"a", "1"}});
    Counter& other = registry.counter("muster_x_total", "x", {{"a", "2"}});
    EXPECT_EQ(&one, &same);
    EXPECT_NE(&one, &other);
}

TEST(Metrics, TellAboutTheProcess) {
    const std::string text = Registry().text();
    EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
    EXPECT_GT(value_of(text, "process_virtual_memory_bytes"),
              value_of(text, "process_resident_memory_bytes"));
    EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
    EXPECT_GE(value_of(text, "process_open_fds"), 3);
    EXPECT_GE(value_of(text, "process_threads"), 1);
    EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.5e9);
    EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
    EXPECT_GE(value_of(text, "muster_log_lines_dropped_total"), 0);
}

TEST(CounterBy, HasNoMoreValuesThanAllowed) {
    Registry registry;
    CounterBy by(registry, "muster_y_total", "y", "code", 3);
    for (int i = 0; i < 100; ++i) by.at(std::to_string(i)).Increment();
    by.at("1").Increment();
    const std::string text = registry.text();
    EXPECT_EQ(value_of(text, "muster_y_total{code=\"0\"}"), 1);
    EXPECT_EQ(value_of(text, "muster_y_total{code=\"1\"}"), 2);
    EXPECT_EQ(value_of(text, "muster_y_total{code=\"2\"}"), 1);
    EXPECT_EQ(value_of(text, "muster_y_total{code=\"other\"}"), 97);
    EXPECT_THAT(text, Not(HasSubstr("code=\"3\"")));
}

TEST(CounterBy, TakesAnyBytes) {
    Registry registry;
    CounterBy by(registry, "muster_z_total", "z", "name");
    by.at("a\"\n\xff").Increment();
    by.at(std::string(1000, 'x')).Increment();
    const std::string text = registry.text();
    EXPECT_THAT(text, Not(HasSubstr("\xff")));
    EXPECT_EQ(value_of(text, "muster_z_total{name=\"other\"}"), 1);
}

}  // namespace
}  // namespace muster::metrics
