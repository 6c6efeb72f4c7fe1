#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/source.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::follow {

/// What to read and watch of a path.
enum class Interest { none, data, children, both };

struct MirrorSettings {
    /// Paths that change all the time and that no plan waits for (settled() looks past them).
    std::function<bool(const std::string& path)> minor;
    std::size_t parallel_reads = 64;
    std::chrono::nanoseconds retry = std::chrono::milliseconds(100);
};

/// A copy of a part of the tree, kept up to date by watches: no polling. Every node of the cluster
/// has one, so a new master takes office without a bulk read and the API answers without ZooKeeper.
/// A vanished node is reported as vanished; what that means is for the reader to decide
/// (ClusterView: not much). Executor: the store's. A lost connection leaves the copy as it is.
class Mirror final : public Source {
 public:
    /// May change its mind: about what becomes of interest, refresh() must tell.
    using InterestIn = std::function<Interest(const std::string& path)>;
    /// The paths whose copy changed, batched: data that was read anew, and paths that came or went.
    using OnChange = std::function<void(const std::vector<std::string>& paths)>;

    Mirror(asio::any_io_executor executor,
           coordination::Store& store,
           Clock& clock,
           std::string root,
           InterestIn interest,
           OnChange on_change,
           MirrorSettings settings = {});

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const coordination::Node* find(const std::string& path) const override;
    [[nodiscard]] bool has(const std::string& path) const override;

    /// Everything asked for has been read at least once, nothing (but minor paths) is known to be
    /// out of date, and OnChange has heard of it all.
    [[nodiscard]] bool settled() const {
        return complete_ && dirty_.empty() && reading_major_ == 0 && changed_.empty();
    }

    /// It is being read, or is to be.
    [[nodiscard]] bool is_pending(const std::string& path) const;

    /// Reads these paths again, whatever the watches say.
    void refresh(const std::vector<std::string>& paths);

    /// Resumes when settled() holds. One waiter.
    [[nodiscard]] asio::awaitable<void> wait_settled();

 private:
    struct Entry {
        std::optional<coordination::Node> node;
        std::optional<std::vector<std::string>> children;
        [[nodiscard]] bool known() const { return node || children; }
        bool reading = false;
        bool again = false;  ///< marked dirty while it was being read
    };

    void mark(const std::string& path);
    void mark_all();
    void set_dirty(const std::string& path);
    [[nodiscard]] bool is_minor(const std::string& path) const {
        return settings_.minor && settings_.minor(path);
    }
    void schedule();
    asio::awaitable<void> read(std::string path);
    asio::awaitable<std::error_code> read_data(const std::string& path);
    asio::awaitable<std::error_code> read_children(const std::string& path);
    asio::awaitable<void> retry_later();
    void erase(const std::string& path);
    void changed(const std::string& path);
    void on_session(const coordination::SessionStatus& session);

    coordination::Store& store_;
    Clock& clock_;
    std::string root_;
    InterestIn interest_;
    OnChange on_change_;
    MirrorSettings settings_;
    TaskGroup tasks_;
    Signal settled_signal_;
    coordination::Subscription dirty_subscription_;
    coordination::Subscription session_subscription_;
    std::map<std::string, Entry> entries_;
    std::set<std::string> dirty_;
    std::set<std::string> dirty_minor_;
    std::vector<std::string> changed_;
    std::uint64_t generation_ = 0;
    std::size_t reading_ = 0;
    std::size_t reading_major_ = 0;
    bool complete_ = false;
    bool backing_off_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< for the one posted call
};

}  // namespace muster::follow
