#include "common/coordination/memory_store.hpp"

#include "common/base/with_timeout.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace muster::coordination {

namespace {

ClientLimits with_defaults(const MemoryStore::Settings& settings) {
    ClientLimits limits = settings.limits;
    if (limits.request_deadline == std::chrono::nanoseconds::zero())
        limits.request_deadline = settings.session_timeout * 2 / 3;
    return limits;
}

asio::awaitable<Result<void>> until_answered(asio::awaitable<Reply> answer) {
    const Reply reply = co_await std::move(answer);
    if (reply.error) co_return fail(reply.error);
    co_return Result<void>{};
}

}  // namespace

MemoryStore::MemoryStore(asio::any_io_executor executor,
                         Clock& clock,
                         MemoryEnsemble& ensemble,
                         Settings settings)
    : SessionClient(std::move(executor), clock, with_defaults(settings)),
      ensemble_(ensemble),
      settings_(std::move(settings)) {}

MemoryStore::~MemoryStore() {
    if (link_) ensemble_.close_by_client(link_);
}

asio::awaitable<void> MemoryStore::run() {
    while (!refuses_calls()) {
        tend();
        co_await clock().sleep_until(next_tending());
    }
}

void MemoryStore::tend() {
    // A frozen process does nothing, whatever its timers say.
    if (ensemble_.is_paused(settings_.client)) return;
    const SteadyTime now = clock().now();
    enforce_deadlines();
    const SessionStatus status = session();
    const bool had_session = status.id != 0 && status.state != SessionState::lost;
    if (had_session && now >= surely_over(status)) {
        // Connected in name only, perhaps; but nothing has been answered for a whole timeout.
        if (established_) drop_link();
        set_disconnected();
        set_lost();
    }
    const bool ended = session_over_ && !settings_.renew_session;
    if (link_ && !established_ && now >= connect_sent_ + beat()) drop_link();
    if (!link_ && !ended) connect();
    if (established_ && now >= next_beat_) {
        transmit_own(RequestKind::heartbeat, "/");
        next_beat_ = std::max(next_beat_ + beat(), now);
    }
}

SteadyTime MemoryStore::next_tending() const {
    const SteadyTime now = clock().now();
    SteadyTime next = now + beat();
    if (ensemble_.is_paused(settings_.client)) return next;
    if (established_) next = std::min(next, next_beat_);
    if (const auto deadline = next_deadline()) next = std::min(next, *deadline);
    const SessionStatus status = session();
    if (status.id != 0 && status.state != SessionState::lost)
        next = std::min(next, surely_over(status));
    return next;
}

std::chrono::nanoseconds MemoryStore::beat() const {
    const auto negotiated = session().timeout;
    const bool known = negotiated > std::chrono::nanoseconds::zero();
    return (known ? negotiated : settings_.session_timeout) / 6;
}

void MemoryStore::connect() {
    ConnectMessage message{
        .session = session_over_ ? 0 : session().id,
        .timeout = settings_.session_timeout,
        .last_zxid = last_zxid_,
        .watches = {},
    };
    if (message.session != 0) message.watches = watches();
    connect_sent_ = clock().now();
    link_ = ensemble_.open_link(settings_.client, *this, std::move(message));
}

void MemoryStore::drop_link() {
    if (!link_) return;
    ensemble_.close_by_client(link_);
    link_.reset();
    established_ = false;
}

void MemoryStore::transmit(const RequestPtr& request) {
    ensemble_.send_to_server(link_, request);
}

bool MemoryStore::can_transmit() const {
    return established_ && !ensemble_.is_paused(settings_.client);
}

void MemoryStore::on_message(ToClient message) {
    if (const auto* connected = std::get_if<ConnectedMessage>(&message)) {
        on_connected(*connected);
    } else if (const auto* reply = std::get_if<ReplyMessage>(&message)) {
        on_reply(*reply);
    } else if (const auto* event = std::get_if<EventMessage>(&message)) {
        on_watch_event(event->path, event->event);
    } else {
        on_connection_lost();
    }
}

void MemoryStore::on_connected(const ConnectedMessage& message) {
    if (message.session == 0) {
        session_over_ = true;
        set_lost();
        return;  // the server closes, and we connect anew
    }
    established_ = true;
    session_over_ = false;
    next_beat_ = connect_sent_ + message.timeout / 6;
    set_connected(message.session, message.timeout, connect_sent_);
}

void MemoryStore::on_reply(const ReplyMessage& message) {
    last_zxid_ = std::max(last_zxid_, message.zxid);
    if (message.request->kind == RequestKind::heartbeat) confirm(message.request->sent_at);
    answer(message.request, std::move(message.request->reply));
}

void MemoryStore::on_connection_lost() {
    const bool was_through = established_;
    drop_link();
    set_disconnected();
    // At once, the first time; when servers don't answer, with the next tending.
    const bool ended = session_over_ && !settings_.renew_session;
    if (!refuses_calls() && !ended && (was_through || session_over_) && !link_) connect();
}

void MemoryStore::on_resumed() {
    flush();
}

asio::awaitable<void> MemoryStore::close() {
    if (refuses_calls()) co_return;
    refuse_calls();
    if (established_ && can_transmit()) {
        auto request = std::make_shared<Request>();
        request->kind = RequestKind::close;
        // The deadline is this one: run() may have ended already.
        (void)co_await with_timeout<void>(
            clock(), session().timeout / 3, until_answered(ask(std::move(request))));
    }
    drop_link();
    session_over_ = true;
    set_disconnected();
    set_lost();
}

}  // namespace muster::coordination
