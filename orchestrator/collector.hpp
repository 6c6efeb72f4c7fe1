#pragma once

#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/collection_plan.hpp"
#include "orchestrator/election.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

struct CollectorCounters {
    std::uint64_t rounds = 0;  ///< complete looks at the tree
    std::uint64_t transactions = 0;
    std::uint64_t refused = 0;
};

/// The part of the master role that deletes what nobody needs any more (collection_plan.hpp). Now
/// and then, while in office, it reads the configuration (history is in no mirror), decides, and
/// deletes in transactions that are fenced by the epoch. Nothing waits for it: whatever goes wrong
/// is left for the next round. Executor: the control executor.
class Collector {
 public:
    Collector(asio::any_io_executor executor,
              coordination::Store& store,
              Clock& clock,
              znodes::Paths paths,
              std::string cluster,
              Election& election,
              CollectionSettings settings);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const CollectorCounters& counters() const { return counters_; }

 private:
    asio::awaitable<void> run();
    asio::awaitable<void> look_and_delete(std::int64_t epoch);
    asio::awaitable<void> carry_out(std::vector<Transaction> transactions);

    /// Chunks named by the histories that are kept. These never change within the life of a group
    /// (its uid), but after it the paths come again.
    struct KnownHistory {
        std::string uid;
        std::vector<std::string> chunks;
    };
    using KnownHistories = std::map<std::string, KnownHistory>;  ///< by path

    asio::awaitable<Result<ConfigInventory>> take_inventory();
    asio::awaitable<Result<void>> read_heads(znodes::ConfigKind kind, ConfigInventory& inventory);
    /// Of a fleet only which there are: what they hold is needed by nobody here.
    asio::awaitable<Result<void>> read_rollouts(ConfigInventory& inventory);
    asio::awaitable<Result<void>> read_histories(znodes::ConfigKind kind,
                                                 KnownHistories& known,
                                                 ConfigInventory& inventory);
    /// No children where there is no node.
    asio::awaitable<Result<std::vector<std::string>>> list(std::string path);
    /// What the head or history at `path` holds; nothing inside when there is no node.
    asio::awaitable<Result<std::optional<ReadHead>>> read_head(std::string path);

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    std::string cluster_;  ///< uuid
    Election& election_;
    CollectionSettings settings_;
    TaskGroup tasks_;
    CollectionMemory memory_;
    std::int64_t epoch_ = 0;  ///< under which memory_ was made
    KnownHistories known_histories_;
    CollectorCounters counters_;
};

}  // namespace muster::orchestrator
