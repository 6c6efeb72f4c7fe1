#include "common/coordination/presence.hpp"

#include <utility>

namespace muster::coordination {

namespace {

constexpr std::chrono::milliseconds retry{200};

}  // namespace

Presence::Presence(asio::any_io_executor executor,
                   Store& store,
                   Clock& clock,
                   PresenceSettings settings)
    : store_(store),
      clock_(clock),
      settings_(std::move(settings)),
      tasks_(executor),
      wake_(executor) {}

void Presence::start(std::string data) {
    data_ = std::move(data);
    session_subscription_ = store_.listen_session([this](const SessionStatus& session) {
        if (session.state == SessionState::connected && session.generation != written_generation_)
            wake_.notify();
    });
    // Someone may delete it by hand.
    watch_subscription_ = store_.listen(settings_.path, [this](const std::string&, WatchKind) {
        changed_ = true;
        wake_.notify();
    });
    tasks_.spawn("presence", run());
    wake_.notify();
}

asio::awaitable<void> Presence::stop() {
    session_subscription_ = {};
    watch_subscription_ = {};
    co_await tasks_.stop();
}

void Presence::set(std::string data) {
    if (data == data_) return;
    data_ = std::move(data);
    changed_ = true;
    wake_.notify();
}

bool Presence::registered() const {
    return written_generation_ != 0 && written_generation_ == store_.session().generation;
}

asio::awaitable<void> Presence::run() {
    for (;;) {
        co_await wake_.wait();
        while (store_.session().state == SessionState::connected &&
               (changed_ || written_generation_ != store_.session().generation)) {
            const bool written = co_await write();
            if (!written) co_await clock_.sleep_for(retry);
            if (written && settings_.least_gap.count() > 0)
                co_await clock_.sleep_for(settings_.least_gap);
        }
    }
}

asio::awaitable<bool> Presence::write() {
    const std::uint64_t generation = store_.session().generation;
    changed_ = false;
    Result<Node> there = co_await store_.get(settings_.path, Watch::set);
    bool written = false;
    if (there) {
        written = co_await replace(std::move(*there));
    } else if (there.error().code == make_error_code(Errc::no_node)) {
        CreateOp op{.path = settings_.path, .data = data_, .mode = CreateMode::ephemeral};
        const Result<std::string> made = co_await create(store_, std::move(op));
        written = made.has_value();
        changed_ = written;  // one more round, which arms the watch
        if (!made && made.error().code == make_error_code(Errc::no_node) &&
            !settings_.parent.empty())
            (void)co_await create(store_, {.path = settings_.parent});
    }
    if (written) {
        written_generation_ = generation;
        told_ = false;
    } else {
        changed_ = true;
    }
    co_return written;
}

/// What stands there already.
asio::awaitable<bool> Presence::replace(Node there) {
    if (there.stat.ephemeral_owner == store_.session().id) {
        if (there.data == data_) co_return true;
        // Fires our own watch: the next round arms it again and finds nothing to do.
        SetOp op{.path = settings_.path, .data = data_, .version = there.stat.version};
        co_return (co_await coordination::set(store_, std::move(op))).has_value();
    }
    if (settings_.is_ours(there.data)) {
        DeleteOp op{.path = settings_.path, .version = there.stat.version};
        (void)co_await remove(store_, std::move(op));
    } else if (!std::exchange(told_, true)) {
        settings_.on_taken(there.data);
    }
    co_return false;
}

}  // namespace muster::coordination
