#include "tests/sim/mutants.hpp"

#include "tests/support/passing_store.hpp"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace muster::sim {

using coordination::CheckOp;
using coordination::MultiOutcome;
using coordination::Op;
using coordination::SessionState;
using coordination::SessionStatus;
using coordination::Store;
using coordination::Subscription;
using coordination::WatchKind;

namespace {

class Between : public test::PassingStore {
 public:
    Between(Store& store, Clock& clock) : PassingStore(store), clock_(clock) {}

 protected:
    [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
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
