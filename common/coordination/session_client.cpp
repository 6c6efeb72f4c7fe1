#include "common/coordination/session_client.hpp"

#include "common/coordination/validation.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::coordination {

namespace {

tl::unexpected<Error> error_of(Reply reply) {
    return fail(reply.error, std::move(reply.context));
}

}  // namespace

SessionClient::SessionClient(asio::any_io_executor executor, Clock& clock, ClientLimits limits)
    : executor_(std::move(executor)), clock_(clock), limits_(limits) {}

// --- calls ---------------------------------------------------------------------------------------

asio::awaitable<Result<Node>> SessionClient::get(std::string path, Watch watch) {
    Reply reply = co_await read(RequestKind::get, std::move(path), watch);
    if (reply.error) co_return error_of(std::move(reply));
    co_return Node{.data = std::move(reply.data), .stat = reply.stat};
}

asio::awaitable<Result<Children>> SessionClient::children(std::string path, Watch watch) {
    Reply reply = co_await read(RequestKind::children, std::move(path), watch);
    if (reply.error) co_return error_of(std::move(reply));
    co_return Children{.names = std::move(reply.names), .stat = reply.stat};
}

asio::awaitable<Result<std::optional<Stat>>> SessionClient::exists(std::string path, Watch watch) {
    Reply reply = co_await read(RequestKind::exists, std::move(path), watch);
    if (reply.error == make_error_code(Errc::no_node)) co_return std::optional<Stat>{};
    if (reply.error) co_return error_of(std::move(reply));
    co_return std::optional<Stat>(reply.stat);
}

asio::awaitable<Result<void>> SessionClient::sync(std::string path) {
    Reply reply = co_await read(RequestKind::sync, std::move(path), Watch::none);
    if (reply.error) co_return error_of(std::move(reply));
    co_return Result<void>{};
}

asio::awaitable<Reply> SessionClient::read(RequestKind kind, std::string path, Watch watch) {
    Result<void> admitted = check_path(path);
    if (admitted) admitted = admit(path.size());
    if (admitted && watch == Watch::set) {
        admitted = admit_watch(
            path, kind == RequestKind::children ? WatchKind::children : WatchKind::data);
    }
    if (!admitted) {
        Reply refused;
        refused.error = admitted.error().code;
        refused.context = std::move(admitted.error().context);
        co_return refused;
    }
    auto request = std::make_shared<Request>();
    request->kind = kind;
    request->path = std::move(path);
    request->watch = watch;
    co_return co_await ask(std::move(request));
}

asio::awaitable<MultiOutcome> SessionClient::multi(std::vector<Op> ops) {
    Result<void> admitted = check_ops(ops);
    if (admitted) admitted = admit(request_bytes(ops));
    if (!admitted) {
        MultiOutcome refused;
        refused.error = admitted.error().code;
        refused.context = std::move(admitted.error().context);
        co_return refused;
    }
    auto request = std::make_shared<Request>();
    request->kind = RequestKind::multi;
    request->ops = std::move(ops);
    Reply reply = co_await ask(std::move(request));
    MultiOutcome outcome;
    outcome.error = reply.error;
    outcome.context = std::move(reply.context);
    outcome.ops = std::move(reply.ops);
    outcome.op_errors = std::move(reply.op_errors);
    co_return outcome;
}

asio::awaitable<Reply> SessionClient::ask(RequestPtr request) {
    auto initiate = [this](auto handler, const RequestPtr& r) {
        r->slot = asio::get_associated_cancellation_slot(handler);
        if (r->slot.is_connected()) {
            r->slot.assign([this, raw = r.get()](asio::cancellation_type) { cancel(raw); });
        }
        r->resume = std::move(handler);
        r->deadline = clock_.now() + limits_.request_deadline;
        queued_.push_back(r);
        flush();
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Reply)>(
        std::move(initiate), asio::use_awaitable, std::move(request));
}

// --- admission -----------------------------------------------------------------------------------

Result<void> SessionClient::admit(std::size_t bytes) const {
    if (closed_) return fail(Errc::closed);
    if (bytes > limits_.max_request_bytes) {
        return fail(Errc::too_large,
                    fmt::format("{} bytes, at most {}", bytes, limits_.max_request_bytes));
    }
    if (queued_.size() >= limits_.max_queued)
        return fail(Errc::too_many, fmt::format("{} requests are queued", queued_.size()));
    return {};
}

Result<void> SessionClient::admit_watch(const std::string& path, WatchKind kind) const {
    if (watches_.has(path, kind)) return {};
    // Those that are still on their way count, or a burst of calls would pass the limit unseen.
    const std::size_t upper_bound = watches_.size() + queued_.size() + in_flight_;
    if (upper_bound >= limits_.max_watches &&
        watches_.size() + pending_watches() >= limits_.max_watches) {
        return fail(Errc::too_many, fmt::format("{} watches are armed", watches_.size()));
    }
    if (watches_.path_bytes() + path.size() > limits_.max_watch_bytes) {
        return fail(Errc::too_many,
                    fmt::format("watched paths take {} bytes", watches_.path_bytes()));
    }
    return {};
}

std::size_t SessionClient::pending_watches() const {
    const auto arms = [](const RequestPtr& r) { return !r->answered && r->watch == Watch::set; };
    return static_cast<std::size_t>(std::ranges::count_if(queued_, arms) +
                                    std::ranges::count_if(sent_, arms));
}

void SessionClient::arm(const Request& request, const Reply& reply) {
    if (request.watch != Watch::set) return;
    const bool found = !reply.error;
    const bool absent = reply.error == make_error_code(Errc::no_node);
    if (request.kind == RequestKind::children && found) watches_.arm_children(request.path);
    if (request.kind == RequestKind::get && found) watches_.arm_data(request.path);
    if (request.kind == RequestKind::exists && found) watches_.arm_data(request.path);
    if (request.kind == RequestKind::exists && absent) watches_.arm_absent(request.path);
}

// --- requests on their way -----------------------------------------------------------------------

void SessionClient::flush() {
    while (!queued_.empty() && in_flight_ < limits_.max_in_flight && can_transmit()) {
        const RequestPtr request = std::move(queued_.front());
        queued_.pop_front();
        send(request);
    }
}

void SessionClient::send(const RequestPtr& request) {
    request->sent_at = clock_.now();
    sent_.push_back(request);
    ++in_flight_;
    transmit(request);
}

void SessionClient::transmit_own(RequestKind kind, std::string path) {
    auto request = std::make_shared<Request>();
    request->kind = kind;
    request->path = std::move(path);
    request->deadline = clock_.now() + limits_.request_deadline;
    send(request);
}

void SessionClient::answer(const RequestPtr& request, Reply reply) {
    if (request->answered) return;
    request->answered = true;
    --in_flight_;
    while (!sent_.empty() && sent_.front()->answered) sent_.pop_front();
    arm(*request, reply);
    resume(*request, std::move(reply));
    flush();
}

void SessionClient::fail_in_flight() {
    std::deque<RequestPtr> lost;
    lost.swap(sent_);
    in_flight_ = 0;
    for (const RequestPtr& request : lost) {
        if (request->answered) continue;
        request->answered = true;
        resume(*request, lost_reply(*request));
    }
}

void SessionClient::fail_queued(Errc why) {
    std::deque<RequestPtr> failed;
    failed.swap(queued_);
    for (const RequestPtr& request : failed) {
        Reply reply;
        reply.error = why;
        resume(*request, std::move(reply));
    }
}

void SessionClient::enforce_deadlines() {
    const SteadyTime now = clock_.now();
    // Those in flight keep their place, as answers come in order; only their callers stop waiting.
    for (std::size_t i = 0; i < sent_.size() && sent_[i]->deadline <= now; ++i) {
        const RequestPtr request = sent_[i];
        if (request->resume) resume(*request, lost_reply(*request));
    }
    while (!queued_.empty() && queued_.front()->deadline <= now) {
        const RequestPtr request = std::move(queued_.front());
        queued_.pop_front();
        Reply reply;
        reply.error = Errc::not_connected;
        resume(*request, std::move(reply));
    }
}

std::optional<SteadyTime> SessionClient::next_deadline() const {
    std::optional<SteadyTime> next;
    const auto waits = [](const RequestPtr& request) { return static_cast<bool>(request->resume); };
    if (const auto first = std::ranges::find_if(sent_, waits); first != sent_.end())
        next = (*first)->deadline;
    if (!queued_.empty() && (!next || queued_.front()->deadline < *next))
        next = queued_.front()->deadline;
    return next;
}

void SessionClient::cancel(Request* request) {
    const auto is_it = [request](const RequestPtr& r) { return r.get() == request; };
    const auto give_up = [this](RequestPtr r, Reply reply) {
        // Not inline: we are called from inside the emission of the caller's signal.
        asio::post(executor_, [r = std::move(r), reply = std::move(reply)]() mutable {
            resume(*r, std::move(reply));
        });
    };
    if (const auto found = std::ranges::find_if(queued_, is_it); found != queued_.end()) {
        RequestPtr r = std::move(*found);
        queued_.erase(found);
        Reply reply;
        reply.error = std::make_error_code(std::errc::operation_canceled);
        give_up(std::move(r), std::move(reply));
    } else if (const auto sent = std::ranges::find_if(sent_, is_it); sent != sent_.end()) {
        Reply reply = lost_reply(**sent);
        if (!is_write(**sent)) reply.error = std::make_error_code(std::errc::operation_canceled);
        give_up(*sent, std::move(reply));
    }
}

void SessionClient::resume(Request& request, Reply reply) {
    if (!request.resume) return;
    if (request.slot.is_connected()) request.slot.clear();
    auto handler = std::move(request.resume);
    request.resume = nullptr;
    handler(std::move(reply));
}

bool SessionClient::is_write(const Request& request) {
    return request.kind == RequestKind::multi || request.kind == RequestKind::set_acl;
}

Reply SessionClient::lost_reply(const Request& request) {
    Reply reply;
    reply.error = is_write(request) ? Errc::unknown_outcome : Errc::not_connected;
    if (!request.ops.empty()) reply.context = path_of(request.ops.front());
    return reply;
}

// --- events and status ---------------------------------------------------------------------------

Subscription SessionClient::listen(std::string under, OnDirty on_dirty) {
    return dirty_listeners_.add(std::move(under), std::move(on_dirty));
}

Subscription SessionClient::listen_session(OnSession on_session) {
    return session_listeners_.add({}, std::move(on_session));
}

void SessionClient::on_watch_event(const std::string& path, WatchEvent event) {
    const WatchSet::Fired fired = watches_.consume(path, event);
    const auto wanted = [&path](const std::string& under) { return covers(under, path); };
    // An event that we did not expect is passed on all the same: one reading too many is harmless.
    const bool children = fired.children || event == WatchEvent::children;
    if (fired.data || !children) dirty_listeners_.call(wanted, path, WatchKind::data);
    if (children) dirty_listeners_.call(wanted, path, WatchKind::children);
}

void SessionClient::set_status(const SessionStatus& status) {
    if (status == status_) return;
    status_ = status;
    // By value: a listener may cause the next change while this one is being told.
    session_listeners_.call([](const std::string&) { return true; }, SessionStatus(status_));
}

void SessionClient::set_connected(std::int64_t id,
                                  std::chrono::nanoseconds timeout,
                                  SteadyTime confirmed) {
    SessionStatus next = status_;
    if (next.id != id) {
        next.id = id;
        ++next.generation;
        watches_.clear();
    }
    next.state = SessionState::connected;
    next.timeout = timeout;
    next.confirmed = confirmed;
    set_status(next);
    flush();
}

void SessionClient::set_disconnected() {
    SessionStatus next = status_;
    if (next.state == SessionState::connected) next.state = SessionState::connecting;
    set_status(next);
    fail_in_flight();
}

void SessionClient::set_lost() {
    SessionStatus next = status_;
    next.state = SessionState::lost;
    set_status(next);
    fail_queued(Errc::session_lost);
}

void SessionClient::confirm(SteadyTime sent_at) {
    SessionStatus next = status_;
    next.confirmed = std::max(next.confirmed, sent_at);
    set_status(next);
}

void SessionClient::refuse_calls() {
    closed_ = true;
    fail_queued(Errc::closed);
}

}  // namespace muster::coordination
