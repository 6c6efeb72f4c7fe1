#include "common/coordination/zookeeper_store.hpp"

#include "common/base/with_timeout.hpp"
#include "common/coordination/background_closer.hpp"
#include "common/coordination/validation.hpp"
#include "common/coordination/zookeeper_handle.hpp"
#include "common/coordination/zookeeper_servers.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace muster::coordination {

namespace {

constexpr std::chrono::seconds resolve_limit{5};
/// Between sessions that the servers refuse (wrong digest scheme, say).
constexpr std::chrono::milliseconds reopen_pause{500};
const std::string heartbeat_path = "/";  // needs no permission, and always exists

ClientLimits with_defaults(const ZooKeeperStore::Settings& settings) {
    ClientLimits limits = settings.limits;
    if (limits.request_deadline == std::chrono::nanoseconds::zero())
        limits.request_deadline = settings.session_timeout * 2 / 3;
    return limits;
}

asio::awaitable<Result<void>> as_result(asio::awaitable<void> task) {
    co_await std::move(task);
    co_return Result<void>{};
}

}  // namespace

class ZooKeeperStore::Events final : public ZooKeeperHandle::Owner {
 public:
    explicit Events(ZooKeeperStore& store) : store_(store) {}

    void on_connection(ConnectionEvent event) override {
        switch (event) {
            case ConnectionEvent::connected:
                return store_.on_connected();
            case ConnectionEvent::disconnected:
                return store_.on_disconnected();
            case ConnectionEvent::expired:
            case ConnectionEvent::auth_failed:
                return store_.on_session_over();
        }
    }
    void on_dirty(const std::string& path, WatchEvent event) override {
        store_.on_watch_event(path, event);
    }
    void on_answer(const RequestPtr& request, Reply reply) override {
        store_.on_answer(request, std::move(reply));
    }

 private:
    ZooKeeperStore& store_;
};

ZooKeeperStore::ZooKeeperStore(asio::any_io_executor executor, Clock& clock, Settings settings)
    : SessionClient(executor, clock, with_defaults(settings)),
      settings_(std::move(settings)),
      events_(std::make_unique<Events>(*this)),
      closer_(std::make_unique<BackgroundCloser>(executor)),
      alarm_(executor) {
    if (const auto checked = check_servers(settings_.servers); !checked)
        throw std::invalid_argument(checked.error().message());
    if (settings_.seed == 0) {
        settings_.seed = static_cast<std::uint64_t>(clock.now().time_since_epoch().count());
    }
}

ZooKeeperStore::~ZooKeeperStore() {
    if (handle_) closer_->run(handle_->detach(ZooKeeperHandle::SessionEnd::abandon));
}

// --- the session's life
// ----------------------------------------------------------------------------

asio::awaitable<void> ZooKeeperStore::run() {
    while (!refuses_calls()) {
        if (session_over_) retire_session();
        if (!handle_ && clock().now() >= next_open_) co_await open_session();
        tend();
        co_await sleep_until(next_tending());
    }
}

asio::awaitable<void> ZooKeeperStore::open_session() {
    next_open_ = clock().now() + reopen_pause;
    const Result<std::string> hosts =
        co_await with_timeout(clock(), resolve_limit, resolve_servers(settings_.servers));
    if (!hosts || refuses_calls()) co_return;
    handle_ = std::make_shared<ZooKeeperHandle>(executor(),
                                                ZooKeeperHandle::Settings{
                                                    .hosts = *hosts,
                                                    .session_timeout = settings_.session_timeout,
                                                    .digest = settings_.digest,
                                                    .default_acl = settings_.default_acl,
                                                    .alive = settings_.alive,
                                                    .log = settings_.client_log,
                                                    .seed = settings_.seed++,
                                                },
                                                *events_);
    acl_known_ = settings_.acl_from.empty();
    if (!handle_->open()) handle_.reset();
}

void ZooKeeperStore::retire_session() {
    session_over_ = false;
    if (!handle_) return;
    closer_->run(handle_->detach(ZooKeeperHandle::SessionEnd::clean));
    handle_.reset();
}

void ZooKeeperStore::tend() {
    enforce_deadlines();
    const SteadyTime now = clock().now();
    const SessionStatus status = session();
    // The C client alone never says that a session is over while it finds no server (G8).
    const bool had_session = status.id != 0 && status.state != SessionState::lost;
    if (had_session && now >= surely_over(status)) {
        set_disconnected();
        through_ = false;
        set_lost();
    }
    if (handle_ && handle_->is_unrecoverable()) on_session_over();
    if (link_up_ && now >= next_beat_) send_heartbeat();
    flush();
}

SteadyTime ZooKeeperStore::next_tending() const {
    const SteadyTime now = clock().now();
    if (session_over_) return now;
    SteadyTime next = now + beat();
    if (!handle_) next = std::min(next, next_open_);
    if (link_up_ && is_alive()) next = std::min(next, next_beat_);
    if (const auto deadline = next_deadline()) next = std::min(next, *deadline);
    const SessionStatus status = session();
    if (status.id != 0 && status.state != SessionState::lost)
        next = std::min(next, surely_over(status));
    return next;
}

asio::awaitable<void> ZooKeeperStore::sleep_until(SteadyTime when) {
    alarm_.expires_after(when - clock().now());
    // Ended early by whoever needs run() to look again; if by the task's end, the next wait throws.
    (void)co_await alarm_.async_wait(asio::as_tuple(asio::use_awaitable));
}

std::chrono::nanoseconds ZooKeeperStore::beat() const {
    const auto negotiated = session().timeout;
    const bool known = negotiated > std::chrono::nanoseconds::zero();
    return (known ? negotiated : settings_.session_timeout) / 6;
}

bool ZooKeeperStore::is_alive() const {
    return !settings_.alive || settings_.alive();
}

void ZooKeeperStore::send_heartbeat() {
    if (!is_alive()) return;
    next_beat_ = clock().now() + beat();
    // Answered in order: when the first heartbeat opens the way for creates, the ACL is known. Who
    // makes the tree may come later than we do.
    if (!acl_known_) transmit_own(RequestKind::acl, settings_.acl_from);
    transmit_own(RequestKind::heartbeat, heartbeat_path);
}

asio::awaitable<void> ZooKeeperStore::close() {
    if (!refuses_calls()) {
        refuse_calls();
        alarm_.cancel();
        link_up_ = false;
        through_ = false;
        set_disconnected();
        set_lost();
        retire_session();
    }
    // A server that hangs keeps zookeeper_close() for seconds: its thread is joined later then.
    (void)co_await with_timeout<void>(
        clock(), settings_.session_timeout, as_result(closer_->wait()));
}

std::optional<SessionSecret> ZooKeeperStore::session_secret() const {
    return handle_ ? handle_->secret() : std::nullopt;
}

asio::awaitable<Result<std::vector<Acl>>> ZooKeeperStore::acl(std::string path) {
    Reply reply = co_await ask_acl(RequestKind::acl, std::move(path), {});
    if (reply.error) co_return fail(reply.error, std::move(reply.context));
    co_return std::move(reply.acl);
}

asio::awaitable<Result<void>> ZooKeeperStore::set_acl(std::string path, std::vector<Acl> acl) {
    Reply reply = co_await ask_acl(RequestKind::set_acl, std::move(path), std::move(acl));
    if (reply.error) co_return fail(reply.error, std::move(reply.context));
    co_return Result<void>();
}

asio::awaitable<Reply> ZooKeeperStore::ask_acl(RequestKind kind,
                                               std::string path,
                                               std::vector<Acl> acl) {
    auto request = std::make_shared<Request>();
    request->kind = kind;
    request->path = std::move(path);
    request->acl = std::move(acl);
    Result<void> admitted = check_path(request->path);
    if (admitted && refuses_calls()) admitted = fail(Errc::closed);
    if (!admitted) {
        Reply refused;
        refused.error = admitted.error().code;
        refused.context = std::move(admitted.error().context);
        co_return refused;
    }
    co_return co_await ask(std::move(request));
}

// --- transport -----------------------------------------------------------------------------------

void ZooKeeperStore::transmit(const RequestPtr& request) {
    handle_->submit(request);
}

bool ZooKeeperStore::can_transmit() const {
    return through_ && !session_over_ && is_alive();
}

void ZooKeeperStore::on_connected() {
    link_up_ = true;
    send_heartbeat();
}

void ZooKeeperStore::on_disconnected() {
    link_up_ = false;
    through_ = false;
    set_disconnected();
}

void ZooKeeperStore::on_session_over() {
    if (session_over_) return;
    session_over_ = true;
    on_disconnected();
    set_lost();
    alarm_.cancel();
}

void ZooKeeperStore::on_answer(const RequestPtr& request, Reply reply) {
    const bool confirms =
        request->kind == RequestKind::heartbeat && !reply.error && !request->answered;
    if (confirms && !through_) {
        through_ = true;
        set_connected(handle_->session_id(), handle_->negotiated_timeout(), request->sent_at);
    } else if (confirms) {
        confirm(request->sent_at);
    }
    const bool of_default =
        request->kind == RequestKind::acl && !acl_known_ && request->path == settings_.acl_from;
    if (of_default && !reply.error && !request->answered) {
        handle_->use_acl(std::move(reply.acl));
        acl_known_ = true;
    }
    answer(request, std::move(reply));
}

}  // namespace muster::coordination
