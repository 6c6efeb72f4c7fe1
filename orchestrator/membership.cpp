#include "orchestrator/membership.hpp"

#include "common/observe/log.hpp"

#include <utility>

namespace muster::orchestrator {

using coordination::CreateMode;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::SessionState;
using coordination::SetOp;
using coordination::Watch;

namespace {

constexpr std::chrono::milliseconds retry{200};

/// Whether there is nothing to write: the sequence alone is no difference.
bool says_the_same(const std::string& data, const znodes::Member& self) {
    Result<znodes::Member> found = znodes::decode<znodes::Member>(data, self.stamp.cluster);
    if (!found) return false;
    found->stamp.sequence = self.stamp.sequence;
    return *found == self;
}

}  // namespace

Membership::Membership(asio::any_io_executor executor,
                       coordination::Store& store,
                       Clock& clock,
                       znodes::Paths paths,
                       znodes::Member self)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      self_(std::move(self)),
      tasks_(executor),
      wake_(executor) {}

void Membership::start() {
    session_subscription_ = store_.listen_session([this](
                                                      const coordination::SessionStatus& session) {
        if (session.state == SessionState::connected && session.generation != written_generation_)
            wake_.notify();
    });
    // Someone may delete our node by hand.
    watch_subscription_ = store_.listen(paths_.member(self_.node),
                                        [this](const std::string&, coordination::WatchKind) {
                                            changed_ = true;
                                            wake_.notify();
                                        });
    tasks_.spawn("membership", run());
    wake_.notify();
}

asio::awaitable<void> Membership::stop() {
    session_subscription_ = {};
    watch_subscription_ = {};
    co_await tasks_.stop();
}

void Membership::set_drain(bool drain) {
    if (std::exchange(self_.drain, drain) == drain) return;
    changed_ = true;
    wake_.notify();
}

void Membership::set_doubt(bool doubt) {
    if (std::exchange(self_.doubt, doubt) == doubt) return;
    changed_ = true;
    wake_.notify();
}

bool Membership::registered() const {
    return written_generation_ != 0 && written_generation_ == store_.session().generation;
}

asio::awaitable<void> Membership::run() {
    for (;;) {
        co_await wake_.wait();
        while (store_.session().state == SessionState::connected &&
               (changed_ || written_generation_ != store_.session().generation)) {
            if (!co_await write()) co_await clock_.sleep_for(retry);
        }
    }
}

asio::awaitable<bool> Membership::write() {
    const std::uint64_t generation = store_.session().generation;
    const std::string path = paths_.member(self_.node);
    changed_ = false;
    const Result<coordination::Node> there = co_await store_.get(path, Watch::set);
    bool written = false;
    if (there && there->stat.ephemeral_owner == store_.session().id) {
        written = says_the_same(there->data, self_);
        if (!written) {
            ++self_.stamp.sequence;
            SetOp op{.path = path, .data = znodes::encode(self_), .version = there->stat.version};
            // Fires our own watch: the next round arms it again and finds nothing to do.
            written = (co_await coordination::set(store_, std::move(op))).has_value();
        }
    } else if (there) {
        const auto other = znodes::decode<znodes::Member>(there->data, self_.stamp.cluster);
        if (other && other->incarnation == self_.incarnation) {
            const Result<void> removed = co_await coordination::remove(
                store_, DeleteOp{.path = path, .version = there->stat.version});
            if (!removed) log::debug("old_membership_kept", {{"error", removed.error().message()}});
        } else if (!std::exchange(warned_, true)) {
            log::warn("node_name_taken",
                      {{"node", self_.node.str()},
                       {"by", other ? other->incarnation : "an unreadable entry"},
                       {"advice", "waiting for it to leave; give each musterd a name of its own"}});
        }
    } else if (there.error().code == make_error_code(coordination::Errc::no_node)) {
        ++self_.stamp.sequence;
        CreateOp op{.path = path, .data = znodes::encode(self_), .mode = CreateMode::ephemeral};
        const Result<std::string> made = co_await coordination::create(store_, std::move(op));
        written = made.has_value();
        changed_ = written;  // one more round, which arms the watch
    }
    if (written) {
        written_generation_ = generation;
        warned_ = false;
    } else {
        changed_ = true;
    }
    co_return written;
}

}  // namespace muster::orchestrator
