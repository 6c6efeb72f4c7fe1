#pragma once

#include "tests/never_empty/name_prober.hpp"

#include <functional>
#include <string>
#include <vector>

namespace muster::test {

struct FaultReport {
    std::string fault;
    NameProber::Tally tally;                ///< while it lasted, and until all was well again
    std::chrono::nanoseconds well_again{};  ///< after its end
};

/// The faults that touch DNS, by name: of masters, ZooKeeper, etcd, the LBs, several at once, and
/// of vandals in etcd.
[[nodiscard]] std::vector<std::string> name_faults();

/// A real cluster whose six LBs are published to a real CoreDNS (with the cache that our Corefile
/// has) through a real etcd; the given faults one after another, under a prober of ten
/// milliseconds. Throws std::runtime_error when the name does not answer with all LBs again in time
/// after one.
[[nodiscard]] std::vector<FaultReport> run_name_faults(const std::vector<std::string>& faults);

}  // namespace muster::test
