#include "tests/bench/scaler/live_run.hpp"

#include "scaler/recording.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/failover/machine_park.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/program.hpp"
#include "tests/support/prometheus_server.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::size_t largest = 8;
/// Each machine has an address of its own, and never another's.
constexpr std::size_t most_machines = 2000;
constexpr std::chrono::seconds between_kills{150};

/// A wave of 5 minutes, a slower one, and noise: from 40 to 760.
double load_at(double seconds) {
    std::mt19937_64 engine(static_cast<std::uint64_t>(seconds));
    std::normal_distribution<double> noise(0.0, 12.0);
    const double wave = 240 * std::sin(seconds * 6.283185307 / 300);
    const double slow = 100 * std::sin(seconds * 6.283185307 / 1100);
    return std::max(40.0, 400 + wave + slow + noise(engine));
}

std::string fleet(std::uint16_t port) {
    return fmt::format(R"(kind: Fleet
name: edge
spec:
  listeners: [{{name: main, bind: ":{}", mode: tcp, group: web}}]
  health: {{interval: 500ms, timeout: 500ms}}
  provider: {{name: cloud, drain_timeout: 2s, grace: 0s}}
  scaling:
    min: 1
    max: {}
    period: 1s
    scrape_interval: 1s
    warm_up: 5s
    metrics:
      - {{name: requests, query: sum(lb_requests), target: {{total_average: 100}}, max_age: 10s}}
      - {{name: busy, query: lb_busy, target: {{average: 60}}, max_age: 10s}}
    in: {{window: 20s, budgets: [{{count: 1, window: 5s}}]}}
)",
                       port,
                       largest);
}

/// For Prometheus: the load of all, and what each has of it.
std::string metrics(const MachinePark& park, double load) {
    const auto machines = park.machines();
    const double each = load / static_cast<double>(machines.size());
    std::string text;
    for (const auto& [id, machine] : machines)
        text += fmt::format(
            "lb_requests{{instance_id=\"{0}\"}} {1:.3f}\nlb_busy{{instance_id=\"{0}\"}} {2:.3f}\n",
            id,
            each,
            each / 2);
    return text;
}

/// What is in the files, beside what musterctl says of them.
struct Recorded {
    std::set<WallTime> ticks;
    std::set<std::int64_t> terms;
    std::size_t bytes = 0;
    std::size_t well_measured = 0;     ///< ticks in which all metrics had a value
    std::set<std::ptrdiff_t> serving;  ///< how many LBs served
};

void read_files(const std::filesystem::path& directory, Recorded& into) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        const std::string text = read_file(entry.path());
        into.bytes += text.size();
        const auto recording = scaler::read_recording(text, entry.path().string());
        require(recording.has_value(), recording ? "" : recording.error());
        for (const scaler::RecordedPart& part : recording->parts) {
            into.terms.insert(part.header.epoch);
            for (const scaler::RecordedTick& tick : part.ticks) {
                into.ticks.insert(tick.at);
                into.serving.insert(std::ranges::count_if(
                    tick.membership->instances, [](const scaler::Instance& one) {
                        return one.phase == scaler::Phase::serving && one.healthy;
                    }));
                if (std::ranges::all_of(tick.observed.samples, [](const auto& sample) {
                        return sample.second.quality == scaler::Quality::value;
                    }))
                    ++into.well_measured;
            }
        }
    }
}

/// Nobody ends by itself until then.
void watch(Cluster& cluster, std::chrono::steady_clock::time_point until) {
    const bool ended = eventually(until - std::chrono::steady_clock::now(), [&] {
        for (std::size_t node = 0; node < cluster.size(); ++node)
            if (!cluster.running(node)) return true;
        return false;
    });
    require(!ended, "all nodes run on");
}

json::value replay_by_musterctl(const std::vector<std::filesystem::path>& directories) {
    const TempDir results;
    std::vector<std::string> argv{built_program("ctl/musterctl"), "-o", "json", "scale", "replay"};
    for (const auto& directory : directories) argv.push_back(directory.string());
    Process process(ProcessSettings{.argv = argv, .output = results / "replayed"});
    const auto end = process.wait(300s);
    require(end.has_value() && (end->code == 0 || end->code == 1),
            "musterctl replays: " + process.output());
    return json::parse(process.output());
}

}  // namespace

void live_run() {
    const std::chrono::minutes length(setting("MUSTER_LIVE_MINUTES", 1));
    Responder backends(most_machines);
    MachinePark park(backends, 0);
    const auto started = std::chrono::steady_clock::now();
    park.answer_with([&](const http::Request& request) {
        if (request.path != "/metrics") return http::Response::text(404, "what?\n");
        const std::chrono::duration<double> age = std::chrono::steady_clock::now() - started;
        return http::Response::text(200, metrics(park, load_at(age.count())));
    });
    const PrometheusServer prometheus(
        {.targets = {{.address = park.url().substr(std::string_view("http://").size()),
                      .labels = {}}},
         .scrape_interval = 500ms});
    Cluster::Settings settings;
    settings.zookeepers = 1;
    settings.more_settings = fmt::format(
        "prometheus: {{endpoints: [\"{}\"]}}\nproviders: {{cloud: {{webhook: {{url: "
        "\"{}/v1/machines\"}}}}}}\n",
        prometheus.url(),
        park.url());
    Cluster cluster(settings);
    const std::string digest = read_file(cluster.agent_auth_file());
    park.join(cluster.zookeeper_addresses(),
              digest.substr(0, digest.find('\n')),
              cluster.observer().view().cluster());
    cluster.apply(config::GroupSpec{.name = GroupName("web")});
    cluster.apply(fleet(backends.port()));
    require(eventually(60s, [&] { return !park.machines().empty(); }), "the fleet begins");

    const auto end = std::chrono::steady_clock::now() + length;
    int kills = 0;
    for (auto next = std::chrono::steady_clock::now() +
                     std::min<std::chrono::seconds>(between_kills, length / 2);
         next < end;
         next += between_kills) {
        watch(cluster, next);
        const auto master = cluster.master();
        if (!master) continue;
        cluster.kill_process(*master);
        ++kills;
        static_cast<void>(cluster.wait_end(*master, 10s));
        cluster.start(*master);
    }
    watch(cluster, end);

    std::vector<std::filesystem::path> directories;
    Recorded recorded;
    for (std::size_t node = 0; node < cluster.size(); ++node) {
        static_cast<void>(cluster.terminate(node, 30s));
        const auto directory = cluster.state_dir(node) / "recordings";
        if (!std::filesystem::exists(directory)) continue;
        directories.push_back(directory);
        read_files(directory, recorded);
    }
    require(!recorded.ticks.empty(), "decisions are recorded");
    const json::value told = replay_by_musterctl(directories);
    const auto span = *recorded.ticks.rbegin() - *recorded.ticks.begin();
    const double expected = std::chrono::duration<double>(span).count() + 1;
    const auto ticks = static_cast<double>(recorded.ticks.size());

    fmt::print(
        "live: {} terms by {} nodes, {} masters killed, {} to {} LBs served, {} made, {} removed, "
        "{:.1f} % of the decisions with all metrics; {}\n",
        recorded.terms.size(),
        directories.size(),
        kills,
        *recorded.serving.begin(),
        *recorded.serving.rbegin(),
        park.done_to(MachinePark::Verb::create, "edge"),
        park.done_to(MachinePark::Verb::remove, "edge"),
        100 * static_cast<double>(recorded.well_measured) / told.at("ticks").to_number<double>(),
        json::serialize(told));
    metric("live_seconds", std::chrono::duration<double>(span).count(), "s");
    metric("live_ticks", told.at("ticks").to_number<double>(), "count");
    metric("live_ticks_missed", expected - ticks, "count");
    metric("live_replay_differences", told.at("differences").to_number<double>(), "count");
    metric("live_ticks_unkept", told.at("unkept").to_number<double>(), "count");
    metric("live_tick_bytes", static_cast<double>(recorded.bytes) / ticks, "bytes");
    fmt::print("live: {} of {} ticks missed, {} decided and not kept in the tree\n",
               expected - ticks,
               expected,
               told.at("unkept").to_number<std::int64_t>());
    require(told.at("differences") == 0, "each decision is the same to the byte");
    // One that a master dies in, before it could write it, has never been.
    require(expected - ticks <= kills, "each killed master costs a tick at most");
    require(*recorded.serving.rbegin() > 1, "the fleet follows its load");
}

}  // namespace muster::test
