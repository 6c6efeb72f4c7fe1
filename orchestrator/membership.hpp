#pragma once

#include "common/base/clock.hpp"
#include "common/coordination/presence.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace muster::orchestrator {

/// Keeps this node's ephemeral `members/<node>` in the tree. One of another process under that name
/// is waited out, since two of them must never both be members. Executor: the store's.
class Membership {
 public:
    Membership(asio::any_io_executor executor,
               coordination::Store& store,
               Clock& clock,
               const znodes::Paths& paths,
               znodes::Member self);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const znodes::Member& self() const { return self_; }
    void set_drain(bool drain);
    void set_doubt(bool doubt);
    [[nodiscard]] bool registered() const { return presence_.registered(); }

 private:
    void tell();

    znodes::Member self_;
    coordination::Presence presence_;
};

}  // namespace muster::orchestrator
