#pragma once

#include "common/observe/metrics.hpp"
#include "orchestrator/snapshot.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace muster::orchestrator {

/// What a node exports of dnsupdate: of the master there are figures, of the others zeros. Fed with
/// each snapshot.
class DnsGauges {
 public:
    explicit DnsGauges(metrics::Registry& registry) : registry_(registry) {}

    void take(const Snapshot& snapshot);

 private:
    /// One for each store.
    struct Store {
        metrics::Gauge* publishing;
        metrics::Gauge* trouble;
        metrics::Gauge* names;
        metrics::Gauge* differing;
        metrics::Gauge* removals_held;
        metrics::Gauge* strays;
        std::map<std::string, metrics::Counter*> counters;
        std::map<std::string, std::uint64_t> counted;  ///< in the updater's present life
    };

    void take_shifts(const Snapshot& snapshot);
    Store& store_of(const std::string& name);
    void count(Store& store, const std::string& what, std::uint64_t value);

    metrics::Registry& registry_;
    std::map<std::string, Store> stores_;
    std::set<metrics::Gauge*> of_shifts_;
};

}  // namespace muster::orchestrator
