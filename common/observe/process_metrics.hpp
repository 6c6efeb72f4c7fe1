#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace muster::metrics {

/// The process_* metrics that every Prometheus client has, from /proc/self. Those that can't be
/// read are left out.
[[nodiscard]] std::vector<prometheus::MetricFamily> collect_process();

}  // namespace muster::metrics
