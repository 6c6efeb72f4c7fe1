#pragma once

#include "common/coordination/store.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster::test {

/// Passes everything on to another store: for tests that change one thing.
class PassingStore : public coordination::Store {
 public:
    explicit PassingStore(coordination::Store& store) : store_(store) {}

    asio::awaitable<Result<coordination::Node>> get(std::string path,
                                                    coordination::Watch watch) override {
        return store_.get(std::move(path), watch);
    }
    asio::awaitable<Result<coordination::Children>> children(std::string path,
                                                             coordination::Watch watch) override {
        return store_.children(std::move(path), watch);
    }
    asio::awaitable<Result<std::optional<coordination::Stat>>> exists(
        std::string path, coordination::Watch watch) override {
        return store_.exists(std::move(path), watch);
    }
    asio::awaitable<coordination::MultiOutcome> multi(std::vector<coordination::Op> ops) override {
        return store_.multi(std::move(ops));
    }
    asio::awaitable<Result<void>> sync(std::string path) override {
        return store_.sync(std::move(path));
    }
    [[nodiscard]] coordination::SessionStatus session() const override { return store_.session(); }
    coordination::Subscription listen(std::string under, OnDirty on_dirty) override {
        return store_.listen(std::move(under), std::move(on_dirty));
    }
    coordination::Subscription listen_session(OnSession on_session) override {
        return store_.listen_session(std::move(on_session));
    }

 private:
    coordination::Store& store_;
};

/// Tells of each transaction right before it is sent.
class AnnouncingStore final : public PassingStore {
 public:
    using OnMulti = std::function<void(const std::vector<coordination::Op>&)>;
    AnnouncingStore(coordination::Store& store, OnMulti on_multi)
        : PassingStore(store), on_multi_(std::move(on_multi)) {}

    asio::awaitable<coordination::MultiOutcome> multi(std::vector<coordination::Op> ops) override {
        on_multi_(ops);
        return PassingStore::multi(std::move(ops));
    }

 private:
    OnMulti on_multi_;
};

}  // namespace muster::test
