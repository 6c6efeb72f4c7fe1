#pragma once

#include "common/base/result.hpp"
#include "common/coordination/types.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::coordination {

/// Ends a listener when it is destroyed. Must not outlive the store.
class Subscription {
 public:
    Subscription() = default;
    explicit Subscription(std::function<void()> end)
        : end_(new std::function<void()>(std::move(end)), [](std::function<void()>* f) {
              (*f)();
              delete f;
          }) {}

 private:
    std::unique_ptr<std::function<void()>, void (*)(std::function<void()>*)> end_{nullptr, nullptr};
};

/// The coordination service as the rest of muster sees it: a tree of small versioned nodes,
/// transactions with checks, one-shot watches, sessions. Adapters: `ZooKeeperStore`, and
/// `MemoryStore`, its in-memory twin; one conformance suite holds both to this contract.
///
/// Executor: every call and every listener on the store's one executor. Requests of one store are
/// applied in the order of the calls. Every request has a deadline of its own (a setting; it takes
/// effect up to 1/6 of the session timeout late) and is cancellable. A write that had been sent
/// when it was cancelled, timed out or lost its connection has an unknown outcome; one that had not
/// fails with std::errc::operation_canceled, not_connected or stays queued, respectively. Reads
/// fail with operation_canceled or not_connected.
class Store {
 public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    /// `Watch::set` arms a one-shot watch if (and only if) the read succeeds, or, for exists(),
    /// also if it finds no node. It fires as one "dirty" call to the listeners of that path.
    [[nodiscard]] virtual asio::awaitable<Result<Node>> get(std::string path, Watch watch) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<Children>> children(std::string path,
                                                                     Watch watch) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<std::optional<Stat>>> exists(std::string path,
                                                                              Watch watch) = 0;

    /// All ops or none. The first op should be the guard (see MultiOutcome::fenced_off).
    [[nodiscard]] virtual asio::awaitable<MultiOutcome> multi(std::vector<Op> ops) = 0;

    /// Brings the server that this session talks to up to date (a read after it may still be older
    /// than another client's last write; only a write proves anything).
    [[nodiscard]] virtual asio::awaitable<Result<void>> sync(std::string path) = 0;

    /// A session goes connecting -> connected, and then back and forth between the two with the
    /// connection. It becomes `lost`
    ///  - when the server says that it has expired: a new session with generation + 1 follows;
    ///  - when `surely_over` has passed on our own clock, for then another node may hold all that
    ///    we held. We can't know whether it did end (servers that were down count no time). If it
    ///    turns out to live, the state returns to `connected` with the *same* generation:
    ///    ephemerals and watches are still there, and the owner re-checks its guards before it
    ///    acts. If not, the first case follows.
    /// What is queued when the state becomes `lost` fails with session_lost.
    [[nodiscard]] virtual SessionStatus session() const = 0;

    /// `on_dirty` is called for each watch that fires at `under` or below it. It must not block and
    /// may call the store. When a new session has replaced a lost one, all watches are gone without
    /// a call: a listener of sessions reads everything again with Watch::set.
    using OnDirty = std::function<void(const std::string& path, WatchKind kind)>;
    [[nodiscard]] virtual Subscription listen(std::string under, OnDirty on_dirty) = 0;

    /// Called at each change of state or generation, and at each confirmed heartbeat.
    using OnSession = std::function<void(const SessionStatus&)>;
    [[nodiscard]] virtual Subscription listen_session(OnSession on_session) = 0;
};

/// One-op transactions, with the op's own error as the result's.
[[nodiscard]] asio::awaitable<Result<std::string>> create(Store& store,
                                                          CreateOp op);  ///< the path made
[[nodiscard]] asio::awaitable<Result<Stat>> set(Store& store, SetOp op);
[[nodiscard]] asio::awaitable<Result<void>> remove(Store& store, DeleteOp op);

}  // namespace muster::coordination
