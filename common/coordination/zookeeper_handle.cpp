#include "common/coordination/zookeeper_handle.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace muster::coordination {

namespace {

/// A reply is one frame, and one process() call; then others on this executor get their turn.
constexpr int max_frames_a_turn = 256;
constexpr std::chrono::milliseconds first_back_off{20};

void discard_log(const char* /*message*/) {}

/// 0 when it is no socket (any more).
std::uint64_t cookie_of(int descriptor) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
    return cookie;
}

int milliseconds(std::chrono::nanoseconds span) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(span).count());
}

}  // namespace

ZooKeeperHandle::ZooKeeperHandle(asio::any_io_executor executor, Settings settings, Owner& owner)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      owner_(&owner),
      descriptor_(executor_),
      timer_(executor_),
      jitter_(static_cast<std::minstd_rand::result_type>(settings_.seed)) {}

ZooKeeperHandle::~ZooKeeperHandle() {
    if (handle_ != nullptr) detach(SessionEnd::abandon)();
}

bool ZooKeeperHandle::open() {
    // Above "warn" the client formats strings that it has freed (ZOOKEEPER-4699).
    static std::once_flag once;
    std::call_once(once, [] { zoo_set_debug_level(ZOO_LOG_LEVEL_WARN); });
    handle_ = zookeeper_init2(settings_.hosts.c_str(),
                              zookeeper_on_event,
                              milliseconds(settings_.session_timeout),
                              nullptr,
                              inbox_.get(),
                              0,
                              settings_.log != nullptr ? settings_.log : discard_log);
    if (handle_ == nullptr) return false;
    // The default is to resolve the hosts at every turn of the loop (G5).
    zoo_set_servers_resolution_delay(handle_, -1);
    if (!settings_.digest.empty()) {
        zoo_add_auth(handle_,
                     "digest",
                     settings_.digest.data(),
                     static_cast<int>(settings_.digest.size()),
                     nullptr,
                     nullptr);
    }
    kick();
    return true;
}

void ZooKeeperHandle::submit(const std::shared_ptr<Request>& request) {
    // The check must stand right before the call: zoo_amulti on a dead handle damages memory (G2).
    std::error_code error = Errc::session_lost;
    if (!is_unrecoverable())
        error = zookeeper_submit(handle_, *inbox_, request, settings_.default_acl);
    if (error) {
        Reply reply;
        reply.error = error;
        inbox_->items.emplace_back(ZooKeeperInbox::Answer{request, std::move(reply)});
    }
    // Bytes may be left in the client's queue, and answers in ours.
    kick();
}

bool ZooKeeperHandle::is_unrecoverable() const {
    return handle_ == nullptr || ::is_unrecoverable(handle_) != ZOK;
}

std::int64_t ZooKeeperHandle::session_id() const {
    return handle_ == nullptr ? 0 : zoo_client_id(handle_)->client_id;
}

std::chrono::nanoseconds ZooKeeperHandle::negotiated_timeout() const {
    // Servers clamp what they are asked for without a word (G11).
    return std::chrono::milliseconds(handle_ == nullptr ? 0 : zoo_recv_timeout(handle_));
}

std::optional<SessionSecret> ZooKeeperHandle::secret() const {
    if (session_id() == 0) return std::nullopt;
    SessionSecret secret;
    const clientid_t* client = zoo_client_id(handle_);
    secret.id = client->client_id;
    static_assert(sizeof(client->passwd) == std::tuple_size_v<decltype(secret.password)>);
    std::memcpy(secret.password.data(), client->passwd, secret.password.size());
    secret.timeout = negotiated_timeout();
    const char* server = zoo_get_current_server(handle_);
    if (server != nullptr) secret.server = server;
    return secret;
}

std::function<void()> ZooKeeperHandle::detach(SessionEnd end) {
    owner_ = nullptr;
    inbox_->closed = true;
    inbox_->items.clear();
    timer_.cancel();
    if (end == SessionEnd::abandon && descriptor_.is_open()) {
        // The client has no way to leave without a goodbye; so the goodbye goes nowhere.
        ::shutdown(descriptor_.native_handle(), SHUT_RDWR);
    }
    drop_descriptor();
    return [handle = std::exchange(handle_, nullptr), inbox = inbox_] {
        if (handle != nullptr) zookeeper_close(handle);
    };
}

// --- the loop ------------------------------------------------------------------------------------

void ZooKeeperHandle::kick() {
    if (kicked_) return;
    kicked_ = true;
    asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->kicked_ = false;
        self->deliver();
        self->drive();
    });
}

void ZooKeeperHandle::drive() {
    if (handle_ == nullptr || backing_off_) return;
    if (settings_.alive && !settings_.alive()) {
        wake_after(
            std::chrono::duration_cast<std::chrono::microseconds>(settings_.session_timeout / 12));
        return;
    }
    int descriptor = -1;
    int events = 0;
    timeval timeout{};
    const int rc = zookeeper_interest(handle_, &descriptor, &events, &timeout);
    drop_closed_descriptor();
    if (descriptor == -1) {
        drop_descriptor();
    } else {
        attach(descriptor);
    }
    deliver();
    if (handle_ == nullptr) return;
    if (is_unrecoverable()) return;  // told by deliver(); nothing will happen any more
    if (rc != ZOK) return back_off();
    wait_for(events);
    // Always: pings, and giving up a silent server, happen only inside interest().
    wake_after(std::chrono::seconds(timeout.tv_sec) + std::chrono::microseconds(timeout.tv_usec));
}

void ZooKeeperHandle::process(int events) {
    if (settings_.alive && !settings_.alive()) return drive();
    int rc = ZOK;
    for (int frame = 0; frame < max_frames_a_turn; ++frame) {
        rc = zookeeper_process(handle_, events);
        // Before anything else can open a descriptor: it could get the number of one just closed.
        drop_closed_descriptor();
        deliver();
        if (handle_ == nullptr) return;
        if (rc != ZOK || (events & ZOOKEEPER_READ) == 0) break;
        events = ZOOKEEPER_READ;
    }
    const bool failed = rc != ZOK && rc != ZNOTHING;
    if (failed && !is_unrecoverable()) return back_off();
    drive();
}

/// Full jitter, so that the clients of a server that died don't arrive at the next one together.
void ZooKeeperHandle::back_off() {
    const auto cap =
        std::chrono::duration_cast<std::chrono::microseconds>(std::min<std::chrono::nanoseconds>(
            settings_.session_timeout / 6, first_back_off * (1 << std::min(failures_, 6))));
    ++failures_;
    backing_off_ = true;
    std::uniform_int_distribution<std::int64_t> within(0, cap.count());
    wake_after(std::chrono::microseconds(within(jitter_)));
}

void ZooKeeperHandle::deliver() {
    if (delivering_) return;
    delivering_ = true;
    // What is told may make the owner submit, or detach us.
    for (std::size_t i = 0; i < inbox_->items.size(); ++i) {
        ZooKeeperInbox::Item item = std::move(inbox_->items[i]);
        if (auto* answer = std::get_if<ZooKeeperInbox::Answer>(&item)) {
            owner_->on_answer(answer->request, std::move(answer->reply));
        } else if (const auto* dirty = std::get_if<ZooKeeperInbox::Dirty>(&item)) {
            owner_->on_dirty(dirty->path, dirty->event);
        } else {
            tell(std::get<ZooKeeperInbox::State>(item));
        }
        if (owner_ == nullptr) break;
    }
    inbox_->items.clear();
    delivering_ = false;
}

void ZooKeeperHandle::tell(const ZooKeeperInbox::State& state) {
    if (state.state == ZOO_CONNECTED_STATE) {
        failures_ = 0;
        owner_->on_connection(ConnectionEvent::connected);
    } else if (state.state == ZOO_EXPIRED_SESSION_STATE) {
        owner_->on_connection(ConnectionEvent::expired);
    } else if (state.state == ZOO_AUTH_FAILED_STATE) {
        owner_->on_connection(ConnectionEvent::auth_failed);
    } else {
        owner_->on_connection(ConnectionEvent::disconnected);
    }
}

// --- descriptor and timer ------------------------------------------------------------------------

void ZooKeeperHandle::attach(int descriptor) {
    const std::uint64_t cookie = cookie_of(descriptor);
    if (descriptor_.is_open() && cookie == cookie_ && descriptor_.native_handle() == descriptor)
        return;
    drop_descriptor();
    boost::system::error_code error;
    descriptor_.assign(descriptor, error);
    if (error) return;  // the timer comes back to it
    cookie_ = cookie;
}

void ZooKeeperHandle::drop_descriptor() {
    if (!descriptor_.is_open()) return;
    // The socket is the client's: never closed here, nor duplicated (a copy would keep the
    // connection open after the client has closed it).
    descriptor_.release();
    ++attachment_;
    cookie_ = 0;
    waits_to_read_ = false;
    waits_to_write_ = false;
}

void ZooKeeperHandle::drop_closed_descriptor() {
    if (descriptor_.is_open() && cookie_of(descriptor_.native_handle()) != cookie_)
        drop_descriptor();
}

void ZooKeeperHandle::wait_for(int events) {
    if (!descriptor_.is_open()) return;
    const auto start = [this](int event, bool& waits, auto wait_type) {
        if (waits) return;
        waits = true;
        descriptor_.async_wait(
            wait_type,
            [weak = weak_from_this(), event, attachment = attachment_](const auto& error) {
                const auto self = weak.lock();
                if (self && error != asio::error::operation_aborted)
                    self->on_ready(event, attachment);
            });
    };
    if ((events & ZOOKEEPER_READ) != 0)
        start(ZOOKEEPER_READ, waits_to_read_, asio::posix::descriptor_base::wait_read);
    if ((events & ZOOKEEPER_WRITE) != 0)
        start(ZOOKEEPER_WRITE, waits_to_write_, asio::posix::descriptor_base::wait_write);
}

void ZooKeeperHandle::on_ready(int event, std::uint64_t attachment) {
    if (handle_ == nullptr || attachment != attachment_) return;
    (event == ZOOKEEPER_READ ? waits_to_read_ : waits_to_write_) = false;
    process(event);
}

void ZooKeeperHandle::wake_after(std::chrono::microseconds span) {
    timer_.expires_after(span);
    timer_.async_wait([weak = weak_from_this(), number = ++wake_up_](const auto& error) {
        const auto self = weak.lock();
        if (error || !self || self->handle_ == nullptr || number != self->wake_up_) return;
        self->backing_off_ = false;
        self->drive();
    });
}

}  // namespace muster::coordination
