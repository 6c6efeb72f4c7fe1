#include "tests/sim/mutants.hpp"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace muster::sim {

using coordination::CheckOp;
using coordination::Children;
using coordination::MultiOutcome;
using coordination::Node;
using coordination::Op;
using coordination::SessionState;
using coordination::SessionStatus;
using coordination::Stat;
using coordination::Store;
using coordination::Subscription;
using coordination::Watch;
using coordination::WatchKind;

namespace {

/// Passes everything on.
class Between : public Store {
 public:
    Between(Store& store, Clock& clock) : store_(store), clock_(clock) {}

    asio::awaitable<Result<Node>> get(std::string path, Watch watch) override {
        return store_.get(std::move(path), watch);
    }
    asio::awaitable<Result<Children>> children(std::string path, Watch watch) override {
        return store_.children(std::move(path), watch);
    }
    asio::awaitable<Result<std::optional<Stat>>> exists(std::string path, Watch watch) override {
        return store_.exists(std::move(path), watch);
    }
    asio::awaitable<MultiOutcome> multi(std::vector<Op> ops) override {
        return store_.multi(std::move(ops));
    }
    asio::awaitable<Result<void>> sync(std::string path) override {
        return store_.sync(std::move(path));
    }
    [[nodiscard]] SessionStatus session() const override { return store_.session(); }
    Subscription listen(std::string under, OnDirty on_dirty) override {
        return store_.listen(std::move(under), std::move(on_dirty));
    }
    Subscription listen_session(OnSession on_session) override {
        return store_.listen_session(std::move(on_session));
    }

 protected:
    [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
    Store& store_;
    Clock& clock_;
};

class BrokenLease final : public Between {
 public:
    using Between::Between;
    [[nodiscard]] SessionStatus session() const override {
        SessionStatus status = Between::session();
        if (status.id != 0 && status.state != SessionState::lost) {
            status.state = SessionState::connected;
            status.confirmed = clock().now();
        }
        return status;
    }
    // Nor does it tell of a mere disconnection.
    Subscription listen_session(OnSession on_session) override {
        return Between::listen_session([this, on_session = std::move(on_session)](
                                           const SessionStatus&) { on_session(session()); });
    }
};

class DroppedFence final : public Between {
 public:
    using Between::Between;
    asio::awaitable<MultiOutcome> multi(std::vector<Op> ops) override {
        const bool fenced = ops.size() > 1 && std::holds_alternative<CheckOp>(ops.front());
        if (!fenced) co_return co_await Between::multi(std::move(ops));
        ops.erase(ops.begin());
        MultiOutcome outcome = co_await Between::multi(std::move(ops));
        // As many outcomes as ops, for callers that count them.
        if (outcome.ok()) outcome.ops.insert(outcome.ops.begin(), coordination::OpOutcome{});
        if (!outcome.op_errors.empty())
            outcome.op_errors.insert(
                outcome.op_errors.begin(),
                coordination::make_error_code(coordination::Errc::rolled_back));
        co_return outcome;
    }
};

class LostWatches final : public Between {
 public:
    using Between::Between;
    Subscription listen(std::string under, OnDirty on_dirty) override {
        return Between::listen(
            std::move(under),
            [this, on_dirty = std::move(on_dirty)](const std::string& path, WatchKind kind) {
                if (++events_ % 3 != 0) on_dirty(path, kind);
            });
    }

 private:
    std::uint64_t events_ = 0;
};

template <class Mutant>
SimNode::WrapStore wrap_in() {
    return [](Store& store, Clock& clock) -> std::unique_ptr<Store> {
        return std::make_unique<Mutant>(store, clock);
    };
}

}  // namespace

SimNode::WrapStore broken_lease() {
    return wrap_in<BrokenLease>();
}
SimNode::WrapStore dropped_fence() {
    return wrap_in<DroppedFence>();
}
SimNode::WrapStore lost_watches() {
    return wrap_in<LostWatches>();
}

}  // namespace muster::sim
