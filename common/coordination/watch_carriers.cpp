#include "common/coordination/watch_carriers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::coordination {

namespace {

/// How often an answer that is older than an earlier one is asked for again.
constexpr int attempts = 3;
/// Paths without a watch are remembered for the moment in which they are read again.
constexpr std::size_t idle_paths = 1'000;

std::error_code not_connected() {
    return make_error_code(Errc::not_connected);
}

}  // namespace

struct WatchCarriers::Session {
    std::shared_ptr<SessionClient> client;  ///< not owned, for the primary
    std::size_t capacity = 0;
    std::size_t reading = 0;       ///< reads under way that will arm a watch
    std::uint64_t heard = 0;       ///< told_ at its last sync
    std::uint64_t caught_up = 0;   ///< writes_ at its last sync
    std::uint64_t generation = 0;  ///< of its session, once it has one
    bool given_up = false;
    Subscription dirty;
    Subscription status;
};

ClientLimits carrier_limits(ClientLimits limits, const WatchLimits& carried) {
    limits.max_watches = 2 * std::max(carried.on_primary, carried.on_further) + 1;
    return limits;
}

WatchCarriers::WatchCarriers(SessionClient& primary, CarrierSessions& sessions, WatchLimits limits)
    : makes_sessions_(sessions),
      limits_(limits),
      primary_(std::make_shared<Session>()),
      generation_(primary.session().generation) {
    primary_->client = std::shared_ptr<SessionClient>(std::shared_ptr<void>(), &primary);
    primary_->capacity = limits_.on_primary;
    add(primary_);
    // Before any listener of ours is told of a new session, the old one's watches are gone.
    primary_subscription_ =
        primary.listen_session([this](const SessionStatus& status) { on_primary_session(status); });
}

WatchCarriers::~WatchCarriers() = default;

// --- calls ---------------------------------------------------------------------------------------

asio::awaitable<Result<Node>> WatchCarriers::get(std::string path, Watch watch) {
    return read<Node>(&SessionClient::get, WatchKind::data, std::move(path), watch);
}

asio::awaitable<Result<Children>> WatchCarriers::children(std::string path, Watch watch) {
    return read<Children>(&SessionClient::children, WatchKind::children, std::move(path), watch);
}

asio::awaitable<Result<std::optional<Stat>>> WatchCarriers::exists(std::string path, Watch watch) {
    return read<std::optional<Stat>>(
        &SessionClient::exists, WatchKind::data, std::move(path), watch);
}

asio::awaitable<MultiOutcome> WatchCarriers::multi(std::vector<Op> ops) {
    struct Writing {
        std::uint64_t& count;
        explicit Writing(std::uint64_t& c) : count(c) { ++count; }
        ~Writing() { --count; }
        Writing(const Writing&) = delete;
        Writing& operator=(const Writing&) = delete;
    };
    ++writes_;
    const Writing writing(writes_under_way_);
    co_return co_await primary_->client->multi(std::move(ops));
}

asio::awaitable<Result<void>> WatchCarriers::sync(std::string path) {
    const std::vector<SessionPtr> further = further_;
    Result<void> synced = co_await primary_->client->sync(path);
    for (const SessionPtr& session : further) {
        // One that can't be asked has nothing to tell now: it comes back, or its paths are dirty.
        if (!session->given_up) (void)co_await session->client->sync(path);
    }
    co_return synced;
}

SessionStatus WatchCarriers::session() const {
    return primary_->client->session();
}

Subscription WatchCarriers::listen(std::string under, OnDirty on_dirty) {
    return dirty_listeners_.add(std::move(under), std::move(on_dirty));
}

Subscription WatchCarriers::listen_session(OnSession on_session) {
    return primary_->client->listen_session(std::move(on_session));
}

// --- reading -------------------------------------------------------------------------------------

template <class T>
asio::awaitable<Result<T>> WatchCarriers::read(Ask<T> ask,
                                               WatchKind kind,
                                               std::string path,
                                               Watch watch) {
    if (watch == Watch::set) return read_and_watch<T>(ask, kind, std::move(path));
    if (further_.empty()) return (primary_->client.get()->*ask)(std::move(path), watch);
    return read_plainly<T>(ask, std::move(path));
}

template <class T>
asio::awaitable<Result<T>> WatchCarriers::read_plainly(Ask<T> ask, std::string path) {
    if (primary_->heard != told_) {
        const std::uint64_t heard = told_;
        const Result<void> synced = co_await primary_->client->sync(path);
        if (!synced) co_return tl::unexpected(synced.error());
        primary_->heard = std::max(primary_->heard, heard);
    }
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Result<T> answer = co_await (primary_->client.get()->*ask)(path, Watch::none);
        if (!answer && answer.error().code != make_error_code(Errc::no_node)) co_return answer;
        const Path* known = find(path);
        if (known == nullptr || known->session == primary_) co_return answer;
        const std::optional<Told> told = told_by(answer);
        if (told == known->told) co_return answer;
        if (!is_older(path, told)) {
            // The carrier's event of this change comes before its answer to a sync.
            const SessionPtr carrier = known->session;
            (void)co_await carrier->client->sync(path);
            co_return answer;
        }
        const Result<void> synced = co_await primary_->client->sync(path);
        if (!synced) co_return tl::unexpected(synced.error());
    }
    co_return fail(not_connected(), path + ": the servers fall back behind what they have told");
}

template <class T>
asio::awaitable<Result<T>> WatchCarriers::read_and_watch(Ask<T> ask,
                                                         WatchKind kind,
                                                         std::string path) {
    Result<SessionPtr> chosen = session_for(path, kind);
    if (!chosen) co_return tl::unexpected(chosen.error());
    const SessionPtr session = std::move(*chosen);
    // Counted from the call on: others that are called meanwhile must find no more room than there
    // is. A cancelled coroutine leaves by an exception.
    struct Reading {
        WatchCarriers& all;
        Session& session;
        const std::string& path;
        Reading(WatchCarriers& a, const SessionPtr& s, const std::string& p)
            : all(a), session(*s), path(p) {
            Path& entry = all.paths_[path];
            entry.session = s;
            ++entry.reading;
            ++session.reading;
        }
        ~Reading() {
            --session.reading;
            all.leave(path, &session);
        }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
    };
    const Reading reading(*this, session, path);
    co_return co_await read_from<T>(ask, session, path);
}

template <class T>
asio::awaitable<Result<T>> WatchCarriers::read_from(Ask<T> ask,
                                                    SessionPtr session,
                                                    std::string path) {
    if (session != primary_ && session->caught_up != writes_) {
        const Result<void> caught_up = co_await catch_up(session, path);
        if (!caught_up) co_return tl::unexpected(caught_up.error());
    }
    bool confirmed = further_.empty();
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Result<T> answer = co_await (session->client.get()->*ask)(path, Watch::set);
        if (session->given_up) co_return fail(not_connected(), path);
        if (session != primary_) ++told_;
        const bool absent = !answer && answer.error().code == make_error_code(Errc::no_node);
        if (!answer && !absent) co_return answer;
        const std::optional<Told> told = told_by(answer);
        const bool doubtful = (absent && !confirmed) || is_older(path, told);
        if (!doubtful) {
            if (Path* known = find(path)) known->told = told;
            co_return answer;
        }
        const Result<void> synced = co_await session->client->sync(path);
        if (!synced) co_return tl::unexpected(synced.error());
        confirmed = true;
    }
    co_return fail(not_connected(), path + ": the servers fall back behind what they have told");
}

asio::awaitable<Result<void>> WatchCarriers::catch_up(SessionPtr session, std::string path) {
    const std::uint64_t writes = writes_;
    if (writes_under_way_ > 0) {
        // In order behind our transactions: when it is answered, they have been applied.
        const Result<void> applied = co_await primary_->client->sync(path);
        if (!applied) co_return applied;
    }
    const Result<void> synced = co_await session->client->sync(path);
    if (!synced && session->given_up) co_return fail(not_connected(), path);
    if (synced) session->caught_up = std::max(session->caught_up, writes);
    co_return synced;
}

std::optional<WatchCarriers::Told> WatchCarriers::told_by(const Stat& stat) {
    return Told{.created_zxid = stat.created_zxid,
                .modified_zxid = stat.modified_zxid,
                .children_version = stat.children_version};
}

std::optional<WatchCarriers::Told> WatchCarriers::told_by(const Result<Node>& answer) {
    return answer ? told_by(answer->stat) : std::nullopt;
}

std::optional<WatchCarriers::Told> WatchCarriers::told_by(const Result<Children>& answer) {
    return answer ? told_by(answer->stat) : std::nullopt;
}

std::optional<WatchCarriers::Told> WatchCarriers::told_by(
    const Result<std::optional<Stat>>& answer) {
    return answer && *answer ? told_by(**answer) : std::nullopt;
}

bool WatchCarriers::is_older(const std::string& path, const std::optional<Told>& told) const {
    const auto known = paths_.find(path);
    if (!told || known == paths_.end() || !known->second.told) return false;
    const Told& before = *known->second.told;
    if (told->created_zxid != before.created_zxid) return told->created_zxid < before.created_zxid;
    return told->modified_zxid < before.modified_zxid ||
           told->children_version < before.children_version;
}

// --- which session -------------------------------------------------------------------------------

WatchCarriers::Path* WatchCarriers::find(const std::string& path) {
    const auto found = paths_.find(path);
    return found == paths_.end() ? nullptr : &found->second;
}

bool WatchCarriers::has_room(const Session& session, const std::string& path) const {
    const WatchSet& armed = session.client->watches();
    return armed.size() + session.reading < session.capacity &&
           armed.path_bytes() + path.size() <= limits_.path_bytes;
}

bool WatchCarriers::has_place(const Session& session) {
    return session.client->watches().size() + session.reading < 2 * session.capacity;
}

Result<WatchCarriers::SessionPtr> WatchCarriers::session_for(const std::string& path,
                                                             WatchKind kind) {
    const Path* known = find(path);
    const bool armed = known != nullptr && known->session->client->watches().has(path, kind);
    if (!armed) {
        std::size_t all = watches() + primary_->reading;
        for (const SessionPtr& session : further_) all += session->reading;
        if (all >= limits_.total)
            return fail(Errc::too_many, fmt::format("{} watches are armed", watches()));
    }
    // One that comes back to a session may find its place taken; up to a point there is another.
    if (known != nullptr && (!is_idle(path, *known) || has_place(*known->session)))
        return known->session;
    paths_.erase(path);
    if (has_room(*primary_, path) || ended_) return primary_;
    for (const SessionPtr& session : further_) {
        if (has_room(*session, path)) return session;
    }
    return make_session();
}

WatchCarriers::SessionPtr WatchCarriers::make_session() {
    const auto session = std::make_shared<Session>();
    session->client = makes_sessions_.make();
    session->capacity = std::max<std::size_t>(limits_.on_further, 1);
    add(session);
    session->status =
        session->client->listen_session([this, raw = session.get()](const SessionStatus& status) {
            on_further_session(*raw, status);
        });
    further_.push_back(session);
    return session;
}

void WatchCarriers::add(const SessionPtr& session) {
    session->dirty = session->client->listen(
        "/", [this, raw = session.get()](const std::string& path, WatchKind kind) {
            on_dirty(*raw, path, kind);
        });
}

bool WatchCarriers::is_idle(const std::string& path, const Path& entry) {
    const WatchSet& armed = entry.session->client->watches();
    return entry.reading == 0 && !armed.has(path, WatchKind::data) &&
           !armed.has(path, WatchKind::children);
}

void WatchCarriers::leave(const std::string& path, const Session* session) {
    const auto found = paths_.find(path);
    // The session may have been given up, and the path begun anew with another.
    if (found == paths_.end() || found->second.session.get() != session) return;
    --found->second.reading;
    if (is_idle(path, found->second)) paths_.erase(found);
}

void WatchCarriers::forget_idle_paths() {
    if (paths_.size() <= 2 * watches() + idle_paths) return;
    std::erase_if(paths_, [](const auto& item) { return is_idle(item.first, item.second); });
}

// --- events --------------------------------------------------------------------------------------

void WatchCarriers::on_dirty(Session& session, const std::string& path, WatchKind kind) {
    if (session.given_up) return;
    if (&session != primary_.get()) ++told_;
    forget_idle_paths();
    dirty_listeners_.call(
        [&path](const std::string& under) { return covers(under, path); }, path, kind);
}

void WatchCarriers::on_further_session(Session& session, const SessionStatus& status) {
    const bool replaced = session.generation != 0 && status.generation != session.generation;
    session.generation = status.generation;
    if (status.state != SessionState::lost && !replaced) return;
    const auto found = std::ranges::find(further_, &session, &SessionPtr::get);
    if (found != further_.end()) give_up(*found);
}

void WatchCarriers::on_primary_session(const SessionStatus& status) {
    if (std::exchange(generation_, status.generation) == status.generation) return;
    give_up_all();
}

void WatchCarriers::give_up(const SessionPtr& session) {
    const SessionPtr kept = session;  // the caller's reference is into what we erase from
    kept->given_up = true;
    std::erase(further_, kept);
    std::vector<std::pair<std::string, WatchKind>> dirty;
    for (auto entry = paths_.begin(); entry != paths_.end();) {
        if (entry->second.session != kept) {
            ++entry;
            continue;
        }
        const WatchSet& armed = kept->client->watches();
        for (const WatchKind kind : {WatchKind::data, WatchKind::children}) {
            // A session that has another already knows no more what it had armed.
            if (armed.size() == 0 || armed.has(entry->first, kind))
                dirty.emplace_back(entry->first, kind);
        }
        entry = paths_.erase(entry);
    }
    makes_sessions_.end(kept->client);
    ++told_;
    for (const auto& [path, kind] : dirty) {
        dirty_listeners_.call(
            [&path](const std::string& under) { return covers(under, path); }, path, kind);
    }
}

void WatchCarriers::give_up_all() {
    for (const SessionPtr& session : std::exchange(further_, {})) {
        session->given_up = true;
        makes_sessions_.end(session->client);
    }
    paths_.clear();
}

void WatchCarriers::end() {
    ended_ = true;
    give_up_all();
}

std::size_t WatchCarriers::watches() const {
    std::size_t all = primary_->client->watches().size();
    for (const SessionPtr& session : further_) all += session->client->watches().size();
    return all;
}

std::size_t WatchCarriers::sessions() const {
    return 1 + further_.size();
}

}  // namespace muster::coordination
