#include "common/observe/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

namespace muster::metrics {

namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
    prometheus::ClientMetric metric;
    if (type == MetricType::Counter) {
        metric.counter.value = value;
    } else {
        metric.gauge.value = value;
    }
    MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    family.metric.push_back(metric);
    return family;
}

/// /proc/self/stat from its third field on (the second is a name, which may hold spaces).
std::vector<double> read_stat() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream rest(line.substr(name_end + 1));
    std::string state;
    rest >> state;
    return {std::istream_iterator<double>(rest), std::istream_iterator<double>()};
}

double read_boot_time() {
    std::ifstream file("/proc/stat");
    std::string key;
    while (file >> key) {
        if (key == "btime") {
            double seconds = 0;
            file >> seconds;
            return seconds;
        }
        file.ignore(1 << 20, '\n');
    }
    return 0;
}

double count_open_descriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator open("/proc/self/fd", error);
    if (error) return 0;
    // One of them is the directory that is being read.
    return static_cast<double>(std::distance(begin(open), end(open)) - 1);
}

}  // namespace

std::vector<MetricFamily> collect_process() {
    // Positions as proc(5) numbers them, less the three that read_stat() leaves out, less one.
    constexpr std::size_t utime = 10;
    constexpr std::size_t stime = 11;
    constexpr std::size_t threads = 16;
    constexpr std::size_t start = 18;
    constexpr std::size_t vsize = 19;
    constexpr std::size_t rss = 20;
    const std::vector<double> stat = read_stat();
    std::vector<MetricFamily> families;
    if (stat.size() <= rss) return families;
    const auto add = [&](const char* name, const char* help, MetricType type, double value) {
        families.push_back(single(name, help, type, value));
    };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    add("process_cpu_seconds_total",
        "User and system CPU time",
        MetricType::Counter,
        (stat[utime] + stat[stime]) / ticks);
    add("process_threads", "Threads", MetricType::Gauge, stat[threads]);
    add("process_start_time_seconds",
        "Start of the process since the Unix epoch",
        MetricType::Gauge,
        read_boot_time() + stat[start] / ticks);
    add("process_virtual_memory_bytes", "Virtual memory", MetricType::Gauge, stat[vsize]);
    add("process_resident_memory_bytes",
        "Resident memory",
        MetricType::Gauge,
        stat[rss] * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    add("process_open_fds", "Open file descriptors", MetricType::Gauge, count_open_descriptors());
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        add("process_max_fds",
            "Limit of open file descriptors",
            MetricType::Gauge,
            static_cast<double>(limit.rlim_cur));
    }
    return families;
}

}  // namespace muster::metrics
