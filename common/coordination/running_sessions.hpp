#pragma once

#include "common/base/task_group.hpp"
#include "common/coordination/watch_carriers.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace muster::coordination {

/// Further sessions for WatchCarriers, of one adapter: S has run() and close() as ZooKeeperStore
/// and MemoryStore have them. Executor: the store's. Must be closed, or cancelled and at rest,
/// before it is destroyed.
template <class S>
class RunningSessions final : public CarrierSessions {
 public:
    using Make = std::function<std::unique_ptr<S>()>;

    RunningSessions(asio::any_io_executor executor, Make make)
        : make_(std::move(make)), tasks_(std::move(executor)) {}

    [[nodiscard]] std::shared_ptr<SessionClient> make() override {
        const std::shared_ptr<S> session = make_();
        std::erase_if(made_, [](const auto& other) { return other.expired(); });
        made_.push_back(session);
        tasks_.spawn("watch carrier", run_one(session));
        return session;
    }

    void end(std::shared_ptr<SessionClient> session) override {
        tasks_.spawn("end of a watch carrier",
                     close_one(std::static_pointer_cast<S>(std::move(session))));
    }

    /// Ends all of them cleanly; each takes its session timeout at most.
    [[nodiscard]] asio::awaitable<void> close() {
        const std::vector<std::weak_ptr<S>> made = made_;
        for (const std::weak_ptr<S>& weak : made) {
            if (const std::shared_ptr<S> session = weak.lock()) co_await session->close();
        }
        co_await tasks_.stop();
    }

    /// As a crash would: stops them where they are. They are at rest when size() is 0.
    void cancel() { tasks_.cancel(); }
    [[nodiscard]] std::size_t size() const { return tasks_.size(); }

 private:
    // They end by themselves once they are closed.
    static asio::awaitable<void> run_one(std::shared_ptr<S> session) { co_await session->run(); }
    static asio::awaitable<void> close_one(std::shared_ptr<S> session) {
        co_await session->close();
    }

    Make make_;
    TaskGroup tasks_;
    std::vector<std::weak_ptr<S>> made_;
};

}  // namespace muster::coordination
