#pragma once

#include "common/base/signal.hpp"
#include "common/znodes/paths.hpp"
#include "tests/stale/write_class.hpp"
#include "tests/support/passing_store.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::stale {

/// Who made a held write: the node by itself, or the test with the node's token, where the class
/// did not come up.
enum class Origin { node, test };

/// A guarded write that was called for and has not been sent yet: what a process holds that was
/// stopped between its decision and its system call.
struct HeldWrite {
    HeldWrite(const asio::any_io_executor& executor, WriteClass kind, Origin origin)
        : kind(kind), origin(origin), gate(std::in_place, executor) {}

    WriteClass kind;
    Origin origin;
    std::vector<coordination::Op> ops;
    std::uint64_t generation = 0;  ///< of the session under which it was held
    std::optional<coordination::MultiOutcome> outcome;
    std::optional<Signal> gate;  ///< none once answered: reports outlive the executor

    /// The guard's version: the token.
    [[nodiscard]] std::int32_t token() const;
    /// Whether it writes anything that can be told from what others write.
    [[nodiscard]] bool has_payload() const;
};

/// The store of a node that can be made to hold its guarded writes. After release() a held one goes
/// out as soon as the store below is connected under a newer session than the one that it was held
/// under: to the server the old token arrives over a living session, so that nothing but the guard
/// stands in its way. One that never reached a server (the session broke again) is sent once more.
/// All else passes straight through.
///
/// Executor: that of the store below, which must outlive this one.
class HoldingStore final : public test::PassingStore {
 public:
    enum class Guards { kept, dropped };  ///< dropped: a mutant that sends no checks

    HoldingStore(asio::any_io_executor executor,
                 coordination::Store& store,
                 znodes::Paths paths,
                 Guards guards);

    /// From now on, these. Nothing goes out before release().
    void hold(std::set<WriteClass> kinds);
    enum class Under { newer_session, any_session };
    /// Holds no more; what is held goes out.
    void release(Under under = Under::newer_session);
    /// Takes back what the test has composed and not sent: a claim that it made up for a node that
    /// is not the first in line must not go out over the session of its candidacy.
    void withdraw_composed();
    /// Adds a write to what is held. Spawn it.
    [[nodiscard]] asio::awaitable<void> hold_also(WriteClass kind,
                                                  std::vector<coordination::Op> ops);
    [[nodiscard]] const std::vector<std::shared_ptr<HeldWrite>>& held() const { return held_; }
    [[nodiscard]] bool holds(WriteClass kind) const;
    [[nodiscard]] bool all_answered() const;
    void forget() { held_.clear(); }

    asio::awaitable<coordination::MultiOutcome> multi(std::vector<coordination::Op> ops) override;

 private:
    asio::awaitable<coordination::MultiOutcome> keep(std::shared_ptr<HeldWrite> write);
    [[nodiscard]] bool may_go(const HeldWrite& write) const;
    void open_gates();

    asio::any_io_executor executor_;
    znodes::Paths paths_;
    Guards guards_;
    std::set<WriteClass> holding_;
    std::optional<Under> released_;
    std::vector<std::shared_ptr<HeldWrite>> held_;
    coordination::Subscription session_subscription_;
};

}  // namespace muster::stale
