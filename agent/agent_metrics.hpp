#pragma once

#include "common/observe/metrics.hpp"

namespace muster::agent {

/// What an agent exports (docs/operations.md). Thread: the agent's feeds, any reads the registry.
struct AgentMetrics {
    explicit AgentMetrics(metrics::Registry& r)
        : apply_seconds(
              r.histogram("muster_agent_apply_seconds",
                          "From the time at which a status was written until the LB did as it says",
                          {0.005,
                           0.01,
                           0.015,
                           0.02,
                           0.03,
                           0.04,
                           0.05,
                           0.075,
                           0.1,
                           0.15,
                           0.2,
                           0.3,
                           0.5,
                           1,
                           2,
                           5,
                           10,
                           30})),
          applies(r.counter("muster_agent_applies_total", "Times that the LB was looked at")),
          failures(r.counter("muster_agent_apply_failures_total", "Of them, that failed")),
          commands(r.counter("muster_agent_commands_total", "Changes made at run time")),
          reloads(r.counter("muster_agent_reloads_total", "Times that the LB was reloaded")),
          certificates(r.counter("muster_agent_certificates_brought_total",
                                 "Certificates that the LB got at run time, without a reload")),
          repairs(r.counter("muster_agent_repairs_total",
                            "Times that the LB had been changed by somebody else")),
          connected(r.gauge("muster_agent_connected", "1: ZooKeeper answers")),
          silence_seconds(r.gauge("muster_agent_silence_seconds",
                                  "How long ZooKeeper has not answered; 0: it does")),
          accepting(
              r.gauge("muster_agent_lb_accepting", "1: the LB answers and accepts connections")),
          in_step(r.gauge("muster_agent_in_step", "1: the LB does what it is to do")),
          foreign(r.gauge("muster_agent_foreign_cluster",
                          "1: the tree is another cluster's, and not followed")),
          problems(r.gauge("muster_agent_problems", "What is wrong with what the agent is told")),
          servers(r.gauge("muster_agent_servers", "Servers of all groups")),
          servers_ready(r.gauge("muster_agent_servers_ready", "Of them, that get traffic")),
          connections(r.gauge("muster_agent_connections",
                              "Open connections of clients, as counted last: each second by an LB "
                              "that leaves, else every 30 s")),
          outliers(r.gauge("muster_agent_outliers",
                           "Backends that fail for this LB's traffic, of groups with outlier")),
          evidence_writes(
              r.counter("muster_agent_evidence_writes_total", "Times that the nodes were told so")),
          counter_failures(r.counter("muster_agent_counter_failures_total",
                                     "Times that the LB's counters could not be read")) {}

    metrics::Histogram& apply_seconds;
    metrics::Counter& applies;
    metrics::Counter& failures;
    metrics::Counter& commands;
    metrics::Counter& reloads;
    metrics::Counter& certificates;
    metrics::Counter& repairs;
    metrics::Gauge& connected;
    metrics::Gauge& silence_seconds;
    metrics::Gauge& accepting;
    metrics::Gauge& in_step;
    metrics::Gauge& foreign;
    metrics::Gauge& problems;
    metrics::Gauge& servers;
    metrics::Gauge& servers_ready;
    metrics::Gauge& connections;
    metrics::Gauge& outliers;
    metrics::Counter& evidence_writes;
    metrics::Counter& counter_failures;
};

}  // namespace muster::agent
