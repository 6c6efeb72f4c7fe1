#pragma once

#include "orchestrator/snapshot.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace muster::orchestrator {

/// Where the control thread leaves the newest snapshot for the API thread. Any thread.
/// A mutex held for one pointer copy: libstdc++ 12's atomic<shared_ptr> is a lock as well, and one
/// that ThreadSanitizer can't follow.
class SnapshotSlot {
 public:
    void publish(std::shared_ptr<const Snapshot> snapshot) {
        const std::scoped_lock lock(mutex_);
        newest_.swap(snapshot);  // the old one is destroyed by the caller, outside of the lock
    }

    /// Null before the first publish().
    [[nodiscard]] std::shared_ptr<const Snapshot> newest() const {
        const std::scoped_lock lock(mutex_);
        return newest_;
    }

 private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Snapshot> newest_;
};

}  // namespace muster::orchestrator
