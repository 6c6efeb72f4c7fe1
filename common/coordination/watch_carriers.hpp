#pragma once

#include "common/coordination/listeners.hpp"
#include "common/coordination/session_client.hpp"
#include "common/coordination/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace muster::coordination {

/// Makes the further sessions of WatchCarriers, and drives them. Executor: the store's.
class CarrierSessions {
 public:
    CarrierSessions() = default;
    CarrierSessions(const CarrierSessions&) = delete;
    CarrierSessions& operator=(const CarrierSessions&) = delete;
    virtual ~CarrierSessions() = default;

    /// A client that is on its way to a session. It must refuse watches only from far above
    /// WatchLimits::on_further on.
    [[nodiscard]] virtual std::shared_ptr<SessionClient> make() = 0;
    /// It is not needed any more: close it. Does not wait.
    virtual void end(std::shared_ptr<SessionClient> session) = 0;
};

struct WatchLimits {
    std::size_t on_primary = 4'000;       ///< watched paths that the primary session takes
    std::size_t on_further = 4'000;       ///< and each further one
    std::size_t path_bytes = 350 * 1024;  ///< of a session's watched paths together
    std::size_t total = 200'000;          ///< watches; above: Errc::too_many
};

/// What a session below WatchCarriers may carry: a path that is watched in both ways, or again
/// while its session is full, stays where it is, so a session takes more than is given to it.
[[nodiscard]] ClientLimits carrier_limits(ClientLimits limits, const WatchLimits& carried);

/// A Store with more watches than one ZooKeeper session can have: the C client sends all of them
/// in one packet when it reconnects, which servers refuse above 1 MB (reference, G1). It lies over
/// a primary session, which does all the work as if it were alone, and over further sessions, made
/// on demand, that carry watches and nothing else: no ephemerals, no writes, no lease.
///
/// What Store promises holds over all of them together, because:
///  - a watched path stays with its session, so its events and reads keep their order; of two
///    sessions one may see the tree older than the other, but the watch that it has armed in the
///    old tree fires when it catches up;
///  - reading without watch goes to the primary, brought up to date first if another session has
///    told something since; an answer that differs from what the path's carrier has told waits
///    until that one has told its event;
///  - a carrier reads after it has caught up with our own writes;
///  - NONODE arms no watch, so it is believed only when it is said again after a sync; and an
///    answer older than one given before (a sync is no quorum operation) is asked for again.
///
/// A further session that is lost is given up: listeners hear that its paths are dirty, and what is
/// read again finds another. When the primary's session is replaced all watches are gone, as Store
/// has it. With few enough watches there is but the primary, and no request more than without us.
///
/// Executor: the primary's. Primary and sessions must outlive it; end() must have been called, and
/// no call be awaited any more, when it is destroyed.
class WatchCarriers final : public Store {
 public:
    WatchCarriers(SessionClient& primary, CarrierSessions& sessions, WatchLimits limits);
    ~WatchCarriers() override;

    [[nodiscard]] asio::awaitable<Result<Node>> get(std::string path, Watch watch) override;
    [[nodiscard]] asio::awaitable<Result<Children>> children(std::string path,
                                                             Watch watch) override;
    [[nodiscard]] asio::awaitable<Result<std::optional<Stat>>> exists(std::string path,
                                                                      Watch watch) override;
    [[nodiscard]] asio::awaitable<MultiOutcome> multi(std::vector<Op> ops) override;
    /// Of all sessions: what has happened before it is told before it returns.
    [[nodiscard]] asio::awaitable<Result<void>> sync(std::string path) override;
    [[nodiscard]] SessionStatus session() const override;
    [[nodiscard]] Subscription listen(std::string under, OnDirty on_dirty) override;
    [[nodiscard]] Subscription listen_session(OnSession on_session) override;

    /// Gives the further sessions up, without a word to the listeners, and makes no more. The
    /// primary is its owner's to close.
    void end();

    [[nodiscard]] std::size_t watches() const;   ///< armed, on all sessions
    [[nodiscard]] std::size_t sessions() const;  ///< the primary included

 private:
    struct Session;
    using SessionPtr = std::shared_ptr<Session>;

    /// What was last told of a path.
    struct Told {
        std::int64_t created_zxid = 0;
        std::int64_t modified_zxid = 0;
        std::int32_t children_version = 0;
        bool operator==(const Told&) const = default;
    };
    /// A path that is, or was a moment ago, watched.
    struct Path {
        SessionPtr session;
        std::optional<Told> told;  ///< nothing: absent, or not read yet
        std::size_t reading = 0;
    };

    template <class T>
    using Ask = asio::awaitable<Result<T>> (SessionClient::*)(std::string, Watch);
    template <class T>
    asio::awaitable<Result<T>> read(Ask<T> ask, WatchKind kind, std::string path, Watch watch);
    template <class T>
    asio::awaitable<Result<T>> read_plainly(Ask<T> ask, std::string path);
    template <class T>
    asio::awaitable<Result<T>> read_and_watch(Ask<T> ask, WatchKind kind, std::string path);
    template <class T>
    asio::awaitable<Result<T>> read_from(Ask<T> ask, SessionPtr session, std::string path);

    static std::optional<Told> told_by(const Stat& stat);
    static std::optional<Told> told_by(const Result<Node>& answer);
    static std::optional<Told> told_by(const Result<Children>& answer);
    static std::optional<Told> told_by(const Result<std::optional<Stat>>& answer);
    [[nodiscard]] bool is_older(const std::string& path, const std::optional<Told>& told) const;

    asio::awaitable<Result<void>> catch_up(SessionPtr session, std::string path);
    [[nodiscard]] Result<SessionPtr> session_for(const std::string& path, WatchKind kind);
    [[nodiscard]] bool has_room(const Session& session, const std::string& path) const;
    [[nodiscard]] SessionPtr make_session();
    void add(const SessionPtr& session);
    [[nodiscard]] Path* find(const std::string& path);
    [[nodiscard]] static bool has_place(const Session& session);
    [[nodiscard]] static bool is_idle(const std::string& path, const Path& entry);
    void leave(const std::string& path, const Session* session);
    void forget_idle_paths();
    void on_dirty(Session& session, const std::string& path, WatchKind kind);
    void on_further_session(Session& session, const SessionStatus& status);
    void on_primary_session(const SessionStatus& status);
    void give_up(const SessionPtr& session);
    void give_up_all();

    CarrierSessions& makes_sessions_;
    WatchLimits limits_;
    SessionPtr primary_;
    std::vector<SessionPtr> further_;
    std::unordered_map<std::string, Path> paths_;
    std::uint64_t told_ = 0;    ///< answers and events of further sessions
    std::uint64_t writes_ = 0;  ///< transactions called
    std::uint64_t writes_under_way_ = 0;
    std::uint64_t generation_ = 0;  ///< of the primary's session
    ListenerList<const std::string&, WatchKind> dirty_listeners_;
    Subscription primary_subscription_;
    bool ended_ = false;
};

}  // namespace muster::coordination
