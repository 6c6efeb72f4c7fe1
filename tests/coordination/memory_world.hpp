#pragma once

#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/coordination/watch_carriers.hpp"
#include "tests/coordination/store_world.hpp"
#include "tests/support/virtual_clock.hpp"

#include <memory>
#include <optional>
#include <string>

namespace muster::coordination {

/// A MemoryEnsemble under a virtual clock. With `carried`, clients have further sessions for
/// watches.
class MemoryWorld final : public StoreWorld {
 public:
    explicit MemoryWorld(std::optional<WatchLimits> carried = {});
    ~MemoryWorld() override;

    [[nodiscard]] asio::io_context& context() override { return context_; }
    [[nodiscard]] test::VirtualClock& clock() override { return clock_; }
    bool drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) override;
    [[nodiscard]] std::unique_ptr<TestClient> start(const ClientOptions& options) override;
    [[nodiscard]] std::string new_root() override;

    /// Before the first connection of a client of that name.
    void prepare_link(const std::string& name, const ClientOptions& options);
    [[nodiscard]] MemoryEnsemble& ensemble() { return ensemble_; }

 private:
    std::optional<WatchLimits> carried_;
    asio::io_context context_;
    test::VirtualClock clock_{context_};
    MemoryEnsemble ensemble_{context_.get_executor(), clock_};
    TaskGroup tasks_{context_.get_executor()};
};

/// Stops a group's tasks and waits for them, from outside the loop.
void stop_tasks(StoreWorld& world, TaskGroup& tasks);

}  // namespace muster::coordination
