#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "dnsupdate/traffic_shift.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/snapshot.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// Why the DNS servers don't answer yet as `wanted`, of each store by its name, says; empty: they
/// do, as far as is known. Pure.
[[nodiscard]] std::string what_is_unseen(
    const std::string& name,
    const std::map<std::string, dnsupdate::DesiredRecords>& wanted,
    const DnsRow& row);

/// Where no reader would take `after`: each of its shifts that is to blame ends, with the percents
/// of before it. The names of those. Pure.
[[nodiscard]] std::vector<std::string> end_unreadable(const znodes::TrafficShifts& before,
                                                      znodes::TrafficShifts& after,
                                                      WallTime now);

/// What all shifts are judged by: copies of all that is wanted and seen.
struct ShiftSurroundings {
    bool known = false;
    bool paused = false;
    std::map<std::string, dnsupdate::DesiredRecords> wanted;  ///< of each store by its name
    std::shared_ptr<const DnsRow> row;                        ///< never null if known
};
using ShiftMemories = std::map<std::string, dnsupdate::ShiftMemory>;

/// Takes the next step of each shift that is under way. Looks around once, and only if one is.
[[nodiscard]] ShiftMemories advance_all(znodes::TrafficShifts& shifts,
                                        const ShiftMemories& memories,
                                        const std::function<ShiftSurroundings()>& look_around,
                                        WallTime wall,
                                        SteadyTime now);

/// The master's duty to go on with shifts of traffic: what a step is goes into `dns/shifts` first,
/// under E and compare-and-set; the records follow what is there (DnsDuty). So a step is taken by
/// one master only, and the next one knows of it. Executor: the control executor.
class ShiftDuty {
 public:
    ShiftDuty(asio::any_io_executor executor,
              coordination::Store& store,
              Clock& clock,
              Node& node,
              const DnsDuty& dns,
              std::function<bool()> paused);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    /// Time has passed, or anything has changed.
    void look() { wake_.notify(); }

 private:
    asio::awaitable<void> run();
    asio::awaitable<void> step(std::int64_t epoch);
    [[nodiscard]] ShiftSurroundings look_around() const;

    coordination::Store& store_;
    Clock& clock_;
    Node& node_;
    const DnsDuty& dns_;
    std::function<bool()> paused_;
    TaskGroup tasks_;
    Signal wake_;
    std::int64_t epoch_ = -1;  ///< of `memories_`
    ShiftMemories memories_;
};

}  // namespace muster::orchestrator
