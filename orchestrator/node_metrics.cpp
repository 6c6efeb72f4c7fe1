#include "orchestrator/node_metrics.hpp"

#include <array>
#include <chrono>
#include <iterator>

namespace muster::orchestrator {

namespace {

std::vector<double> lateness_buckets() {
    std::vector<double> seconds;
    for (const auto bound : checker::lateness_bounds)
        seconds.push_back(std::chrono::duration<double>(bound).count());
    return seconds;
}

// A bound on what configuration can make of our series: groups beyond it are in the API, not in the
// metrics.
constexpr std::size_t max_groups = 1000;

}  // namespace

NodeMetrics::NodeMetrics(metrics::Registry& registry)
    : registry_(registry),
      leader_(registry.gauge("muster_leader", "1 on the node that may act as master now")),
      epoch_(registry.gauge("muster_epoch",
                            "Version of the epoch node: the newest master's fencing token")),
      session_connected_(
          registry.gauge("muster_zookeeper_connected", "1 while this node's session is connected")),
      session_age_(registry.gauge("muster_zookeeper_confirmed_age_seconds",
                                  "Since ZooKeeper last answered a heartbeat")),
      nodes_(registry.gauge("muster_nodes", "Members of the cluster")),
      shards_owned_(registry.gauge("muster_shards_owned", "Shards that this node publishes")),
      problems_(
          registry.gauge("muster_znode_problems", "Znodes whose content is unreadable or missing")),
      paused_(registry.gauge("muster_paused",
                             "1 while this node or the cluster is paused by an operator")),
      doubt_(registry.gauge("muster_doubt", "1 while this worker distrusts its own verdicts")),
      config_took_(registry.gauge(
          "muster_config_apply_seconds",
          "What the last change of the configuration took, from being read until it was in force")),
      status_writes_(registry.counter("muster_status_writes_total", "Shard statuses written")),
      status_transactions_(
          registry.counter("muster_status_transactions_total", "Transactions with shard statuses")),
      writes_fenced_off_(registry.counter("muster_writes_fenced_off_total",
                                          "Writes refused because a newer token exists")),
      questions_(registry.counter("muster_peer_questions_total",
                                  "Questions to peers about backends found DOWN here")),
      falls_confirmed_(registry.counter("muster_falls_total",
                                        "Backends found DOWN here, by what peers made of it",
                                        {{"peers", "confirmed"}})),
      falls_refused_(registry.counter("muster_falls_total",
                                      "Backends found DOWN here, by what peers made of it",
                                      {{"peers", "refused"}})),
      outlier_probes_(registry.counter("muster_outlier_probes_total",
                                       "Probes that came at once, for what LBs said")),
      outlier_ejections_(
          registry.counter("muster_outlier_ejections_total", "Outliers taken out by this node")),
      outliers_ejected_(registry.gauge("muster_outliers_ejected",
                                       "Backends of this node's shards held out as outliers")),
      plans_(registry.counter("muster_plans_total", "Plans made as master")),
      control_transactions_(
          registry.counter("muster_control_transactions_total", "Transactions sent as master")),
      probes_started_(registry.counter("muster_probes_started_total", "Probes started")),
      probes_succeeded_(registry.counter(
          "muster_probe_results_total", "Results of probes", {{"result", "success"}})),
      probes_failed_(registry.counter(
          "muster_probe_results_total", "Results of probes", {{"result", "failure"}})),
      probes_inconclusive_(registry.counter(
          "muster_probe_results_total", "Results of probes", {{"result", "inconclusive"}})),
      probe_shortages_(
          registry.counter("muster_probe_shortages_total",
                           "Probes that began late, or lacked ports, descriptors or memory "
                           "of this node")),
      probes_deduplicated_(registry.counter("muster_probes_deduplicated_total",
                                            "Checks served by another check's equal probe")),
      probes_skipped_(registry.counter("muster_probe_slots_skipped_total",
                                       "Turns passed over because the prober was late")),
      lateness_(registry.histogram("muster_probe_lateness_seconds",
                                   "How long after its turn a probe began",
                                   lateness_buckets())),
      lateness_seen_(std::size(checker::lateness_bounds) + 1) {}

void NodeMetrics::Follower::follow(std::uint64_t value) {
    if (value > last_) counter_->Increment(static_cast<double>(value - last_));
    last_ = value;
}

void NodeMetrics::take(const Snapshot& snapshot) {
    session_connected_.Set(snapshot.session.state == coordination::SessionState::connected ? 1 : 0);
    if (snapshot.session.confirmed) {
        session_age_.Set(
            std::chrono::duration<double>(snapshot.built - *snapshot.session.confirmed).count());
    }
    nodes_.Set(static_cast<double>(snapshot.nodes.size()));
    const znodes::Pause& pause = snapshot.cluster.pause;
    paused_.Set(
        snapshot.self.paused || pause.all || pause.status || pause.dns || pause.scaling ? 1 : 0);
    if (snapshot.cluster.master) epoch_.Set(static_cast<double>(snapshot.cluster.master->epoch));

    agents_.take(snapshot);
    scaling_.take(snapshot);
    dns_.take(snapshot);
    for (auto& [group, states] : backends_) {
        for (auto& [state, gauge] : states) gauge->Set(0);
    }
    for (const auto& group : snapshot.groups) {
        const std::string& name = group->name().str();
        if (!backends_.contains(name) && backends_.size() >= max_groups) continue;
        std::array<int, backend_states> counts{};
        for (const BackendRow& backend : group->backends)
            ++counts[static_cast<std::size_t>(state_of(backend))];
        for (std::size_t i = 0; i < counts.size(); ++i) {
            const std::string state(to_string(static_cast<BackendState>(i)));
            metrics::Gauge*& gauge = backends_[name][state];
            if (gauge == nullptr) {
                gauge = &registry_.gauge("muster_group_backends",
                                         "Backends of a group by state",
                                         {{"group", name}, {"state", state}});
            }
            gauge->Set(counts[i]);
        }
        metrics::Gauge*& panic = panic_[name];
        if (panic == nullptr) {
            panic = &registry_.gauge(
                "muster_group_panic", "1 while a group is in panic", {{"group", name}});
        }
        panic->Set(group->panic ? 1 : 0);
    }
}

void NodeMetrics::take(const Node& node) {
    problems_.Set(static_cast<double>(node.view().problems.size()));
    if (node.worker() != nullptr) {
        const WorkerCounters& worker = node.worker()->counters();
        shards_owned_.Set(static_cast<double>(node.worker()->owned()));
        doubt_.Set(node.worker()->in_doubt() ? 1 : 0);
        questions_.follow(worker.questions);
        falls_confirmed_.follow(worker.confirmed);
        falls_refused_.follow(worker.refused);
        outlier_probes_.follow(worker.hastened);
        outlier_ejections_.follow(worker.ejections);
        outliers_ejected_.Set(static_cast<double>(node.worker()->ejected()));
        status_writes_.follow(worker.status_writes);
        status_transactions_.follow(worker.status_transactions);
        writes_fenced_off_.follow(worker.fenced_off + (node.master() != nullptr
                                                           ? node.master()->counters().fenced_off
                                                           : 0));
    }
    if (node.master() != nullptr) {
        plans_.follow(node.master()->counters().plans);
        control_transactions_.follow(node.master()->counters().transactions);
    }
    leader_.Set(node.election() != nullptr && node.election()->office() ? 1 : 0);
}

void NodeMetrics::take(const checker::EngineCounters& counters) {
    probes_started_.follow(counters.started);
    probes_succeeded_.follow(counters.succeeded);
    probes_failed_.follow(counters.failed);
    probes_inconclusive_.follow(counters.inconclusive);
    probe_shortages_.follow(counters.shortages);
    probes_deduplicated_.follow(counters.deduplicated);
    probes_skipped_.follow(counters.skipped_slots);
    std::vector<double> more(lateness_seen_.size());
    for (std::size_t i = 0; i < more.size() && i < counters.lateness.size(); ++i) {
        more[i] = static_cast<double>(counters.lateness[i] - lateness_seen_[i]);
        lateness_seen_[i] = counters.lateness[i];
    }
    lateness_.ObserveMultiple(
        more, std::chrono::duration<double>(counters.lateness_sum).count() - lateness_sum_);
    lateness_sum_ = std::chrono::duration<double>(counters.lateness_sum).count();
}

}  // namespace muster::orchestrator
