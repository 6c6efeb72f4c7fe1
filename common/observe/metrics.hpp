#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Metrics, over prometheus-cpp. A component's metrics are one struct of references in one header,
// filled by its constructor from a Registry:
//
//     struct ProbeMetrics {
//         explicit ProbeMetrics(metrics::Registry& r)
//             : started(r.counter("muster_probes_started_total", "Probes that were started")) {}
//         metrics::Counter& started;
//     };
//
// Names have their base unit (`_seconds`, `_bytes`) and counters end in `_total`.
namespace muster::metrics {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

/// Owner of all metrics of a process. Thread-safe; what it returns lives as long as it does, and is
/// the same object for the same name and labels.
class Registry {
 public:
    Registry();
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    [[nodiscard]] Counter& counter(const std::string& name,
                                   const std::string& help,
                                   const Labels& labels = {});
    [[nodiscard]] Gauge& gauge(const std::string& name,
                               const std::string& help,
                               const Labels& labels = {});
    [[nodiscard]] Histogram& histogram(const std::string& name,
                                       const std::string& help,
                                       const std::vector<double>& buckets,
                                       const Labels& labels = {});

    /// Text exposition of everything, process_* and the log's drop count included. May take tens
    /// of milliseconds for thousands of series.
    [[nodiscard]] std::string text() const;
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// A counter by the values of one label, of which there may be no more than `max_values`: what
/// comes from outside (a status code, a reason, a name) can't fill the memory. Later values, and
/// values over 128 bytes, are counted as "other". Not thread-safe.
class CounterBy {
 public:
    CounterBy(Registry& registry,
              std::string name,
              std::string help,
              std::string label,
              std::size_t max_values = 100);

    [[nodiscard]] Counter& at(std::string_view value);

 private:
    Registry& registry_;
    std::string name_;
    std::string help_;
    std::string label_;
    std::size_t max_values_;
    std::map<std::string, Counter*, std::less<>> known_;
};

}  // namespace muster::metrics
