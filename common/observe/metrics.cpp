#include "common/observe/metrics.hpp"

#include "common/observe/escape.hpp"
#include "common/observe/log.hpp"
#include "common/observe/process_metrics.hpp"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>

namespace muster::metrics {

struct Registry::Inside {
    prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
    Counter* log_dropped = nullptr;
};

Registry::Registry() : inside_(std::make_unique<Inside>()) {
    inside_->log_dropped = &counter("muster_log_lines_dropped_total",
                                    "Log lines lost because the log's reader was too slow");
}

Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(inside_->registry).Add(labels);
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(inside_->registry).Add(labels);
}

Histogram& Registry::histogram(const std::string& name,
                               const std::string& help,
                               const std::vector<double>& buckets,
                               const Labels& labels) {
    return prometheus::BuildHistogram()
        .Name(name)
        .Help(help)
        .Register(inside_->registry)
        .Add(labels, buckets);
}

std::string Registry::text() const {
    const auto dropped = static_cast<double>(log::dropped());
    inside_->log_dropped->Increment(dropped - inside_->log_dropped->Value());
    auto families = inside_->registry.Collect();
    auto process = collect_process();
    families.insert(families.end(),
                    std::make_move_iterator(process.begin()),
                    std::make_move_iterator(process.end()));
    return prometheus::TextSerializer{}.Serialize(families);
}

CounterBy::CounterBy(Registry& registry,
                     std::string name,
                     std::string help,
                     std::string label,
                     std::size_t max_values)
    : registry_(registry),
      name_(std::move(name)),
      help_(std::move(help)),
      label_(std::move(label)),
      max_values_(max_values) {}

Counter& CounterBy::at(std::string_view value) {
    constexpr std::size_t max_bytes = 128;
    constexpr std::string_view other = "other";
    const auto found = known_.find(value);
    if (found != known_.end()) return *found->second;
    if (value.size() > max_bytes || (known_.size() >= max_values_ && value != other)) {
        return at(other);
    }
    // The exposition escapes quotes and line ends, but passes on bytes that are not UTF-8.
    std::string clean;
    log::append_escaped(clean, value, max_bytes);
    Counter& counter = registry_.counter(name_, help_, {{label_, clean}});
    known_.emplace(value, &counter);
    return counter;
}

}  // namespace muster::metrics
