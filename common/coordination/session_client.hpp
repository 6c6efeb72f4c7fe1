#pragma once

#include "common/base/clock.hpp"
#include "common/coordination/listeners.hpp"
#include "common/coordination/request.hpp"
#include "common/coordination/store.hpp"
#include "common/coordination/watch_set.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::coordination {

struct ClientLimits {
    /// From the call to the answer, waiting for a connection included. Zero: 2/3 of the session
    /// timeout asked for.
    std::chrono::nanoseconds request_deadline{0};
    /// The C client sends no ping while a reply is outstanding (reference, G3): deeper pipelines
    /// let a busy session expire.
    std::size_t max_in_flight = 200;
    std::size_t max_queued = 10'000;
    std::size_t max_request_bytes = 256 * 1024;
    std::size_t max_watches = 4'000;           ///< above: Errc::too_many
    std::size_t max_watch_bytes = 700 * 1024;  ///< of their paths together
};

/// What is the same for every adapter of Store: validation, limits, the order of requests, their
/// deadlines and cancellation, listeners, the session's status. An adapter brings the transport:
/// it overrides transmit(), and reports answers, losses and events through the protected calls.
///
/// Executor: the one given, for everything. Destroyed only when no request is awaited any more.
class SessionClient : public Store {
 public:
    [[nodiscard]] asio::awaitable<Result<Node>> get(std::string path, Watch watch) final;
    [[nodiscard]] asio::awaitable<Result<Children>> children(std::string path, Watch watch) final;
    [[nodiscard]] asio::awaitable<Result<std::optional<Stat>>> exists(std::string path,
                                                                      Watch watch) final;
    [[nodiscard]] asio::awaitable<MultiOutcome> multi(std::vector<Op> ops) final;
    [[nodiscard]] asio::awaitable<Result<void>> sync(std::string path) final;
    [[nodiscard]] SessionStatus session() const final { return status_; }
    [[nodiscard]] Subscription listen(std::string under, OnDirty on_dirty) final;
    [[nodiscard]] Subscription listen_session(OnSession on_session) final;

    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
    [[nodiscard]] std::size_t queued() const { return queued_.size(); }
    [[nodiscard]] const WatchSet& watches() const { return watches_; }

 protected:
    using RequestPtr = std::shared_ptr<Request>;

    SessionClient(asio::any_io_executor executor, Clock& clock, ClientLimits limits);

    /// Hands a request to the transport; called only while can_transmit().
    virtual void transmit(const RequestPtr& request) = 0;
    [[nodiscard]] virtual bool can_transmit() const = 0;

    /// Sends what is queued, as far as limits and connection allow.
    void flush();
    /// The transport has the answer (or knows that there will be none): resumes the caller.
    void answer(const RequestPtr& request, Reply reply);
    /// The connection is gone: nothing of what is in flight will be answered.
    void fail_in_flight();
    void fail_queued(Errc why);
    /// Ends what has waited too long.
    void enforce_deadlines();
    [[nodiscard]] std::optional<SteadyTime> next_deadline() const;

    /// Sends without queue and limits, for what the adapter itself asks; nobody waits for its
    /// answer.
    void transmit_own(RequestKind kind, std::string path);

    void on_watch_event(const std::string& path, WatchEvent event);

    /// Changes the status and tells the listeners if that changed it.
    void set_status(const SessionStatus& status);
    /// The state becomes lost: what is queued fails, too.
    void set_lost();
    /// A session of that id and timeout answers; a new id is a new generation, without watches.
    void set_connected(std::int64_t id, std::chrono::nanoseconds timeout, SteadyTime confirmed);
    void set_disconnected();
    void confirm(SteadyTime sent_at);

    /// From here on every call fails with Errc::closed.
    void refuse_calls();
    [[nodiscard]] bool refuses_calls() const { return closed_; }

    [[nodiscard]] asio::awaitable<Reply> ask(RequestPtr request);

    [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }
    [[nodiscard]] Clock& clock() const { return clock_; }
    [[nodiscard]] const ClientLimits& limits() const { return limits_; }
    [[nodiscard]] static bool is_write(const Request& request);

 private:
    [[nodiscard]] Result<void> admit(std::size_t bytes) const;
    [[nodiscard]] asio::awaitable<Reply> read(RequestKind kind, std::string path, Watch watch);
    [[nodiscard]] Result<void> admit_watch(const std::string& path, WatchKind kind) const;
    [[nodiscard]] std::size_t pending_watches() const;
    void arm(const Request& request, const Reply& reply);
    void send(const RequestPtr& request);
    void cancel(Request* request);
    static void resume(Request& request, Reply reply);
    static Reply lost_reply(const Request& request);

    asio::any_io_executor executor_;
    Clock& clock_;
    ClientLimits limits_;
    SessionStatus status_;
    std::deque<RequestPtr> queued_;  ///< in the order of the calls, hence of deadlines
    std::deque<RequestPtr> sent_;    ///< the same; answered ones leave when they reach the front
    std::size_t in_flight_ = 0;
    WatchSet watches_;
    ListenerList<const std::string&, WatchKind> dirty_listeners_;
    ListenerList<const SessionStatus&> session_listeners_;
    bool closed_ = false;
};

}  // namespace muster::coordination
