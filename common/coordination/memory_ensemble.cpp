#include "common/coordination/memory_ensemble.hpp"

#include "common/coordination/validation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace muster::coordination {

namespace {

SteadyTime next_multiple(SteadyTime after, std::chrono::nanoseconds tick) {
    return SteadyTime((after.time_since_epoch() / tick + 1) * tick);
}

Errc failure(const std::vector<std::error_code>& op_errors, std::size_t& which) {
    const auto is_cause = [](std::error_code e) { return e != make_error_code(Errc::rolled_back); };
    const auto cause = std::ranges::find_if(op_errors, is_cause);
    which = static_cast<std::size_t>(cause - op_errors.begin());
    return static_cast<Errc>(cause->value());
}

}  // namespace

MemoryEnsemble::MemoryEnsemble(asio::any_io_executor executor, Clock& clock, Settings settings)
    : executor_(std::move(executor)), clock_(clock), settings_(settings) {}

MemoryEnsemble::~MemoryEnsemble() = default;

// --- sessions ------------------------------------------------------------------------------------

asio::awaitable<void> MemoryEnsemble::run() {
    for (;;) {
        co_await clock_.sleep_until(next_multiple(clock_.now(), settings_.tick));
        if (serving_) expire_silent_sessions();
    }
}

void MemoryEnsemble::expire_silent_sessions() {
    const SteadyTime now = clock_.now();
    std::vector<std::int64_t> silent;
    for (const auto& [id, session] : sessions_)
        if (session.info.expires <= now) silent.push_back(id);
    for (const std::int64_t id : silent) end_session(id);
}

void MemoryEnsemble::touch(Session& session) {
    session.info.expires = next_multiple(clock_.now() + session.info.timeout, settings_.tick);
}

void MemoryEnsemble::end_session(std::int64_t id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const Session session = std::move(found->second);
    sessions_.erase(found);
    if (session.link) close_by_server(session.link);

    std::vector<Op> ops;
    for (std::string& path : tree_.ephemerals(id)) ops.emplace_back(DeleteOp{std::move(path)});
    if (ops.empty()) return;
    const MemoryTree::Outcome outcome = tree_.apply(id, ops);
    committed(id, session.info.client, ops, outcome.ops);
}

std::vector<MemoryEnsemble::SessionInfo> MemoryEnsemble::sessions() const {
    std::vector<SessionInfo> infos;
    for (const auto& [id, session] : sessions_) infos.push_back(session.info);
    return infos;
}

MemoryEnsemble::Session* MemoryEnsemble::session_of(const std::string& client) {
    Session* newest = nullptr;
    for (auto& [id, session] : sessions_)
        if (session.info.client == client) newest = &session;
    return newest;
}

// --- requests ------------------------------------------------------------------------------------

void MemoryEnsemble::serve_connect(const MemoryLinkPtr& link, const ConnectMessage& message) {
    if (!serving_) return close_by_server(link);
    if (message.session == 0) {
        Session session;
        session.info.id = ++last_session_id_;
        session.info.client = link->client;
        session.info.timeout = std::clamp(
            message.timeout, settings_.min_session_timeout, settings_.max_session_timeout);
        link->session = session.info.id;
        session.link = link;
        touch(session);
        send_to_client(link, ConnectedMessage{session.info.id, session.info.timeout});
        sessions_.emplace(session.info.id, std::move(session));
        return;
    }
    const auto found = sessions_.find(message.session);
    if (found == sessions_.end()) {
        send_to_client(link, ConnectedMessage{});
        return close_by_server(link);
    }
    Session& session = found->second;
    if (session.link) close_by_server(session.link);
    session.link = link;
    link->session = session.info.id;
    touch(session);
    send_to_client(link, ConnectedMessage{session.info.id, session.info.timeout});
    rearm_watches(link, message);
}

void MemoryEnsemble::rearm_watches(const MemoryLinkPtr& link, const ConnectMessage& message) {
    const auto arm = [&](Watchers& watchers, const std::string& path) {
        watchers[path].push_back(link.get());
    };
    for (const std::string& path : message.watches.data()) {
        const MemoryTree::Znode* node = tree_.find(path);
        if (node == nullptr) {
            send_to_client(link, EventMessage{path, WatchEvent::deleted});
        } else if (node->stat.modified_zxid > message.last_zxid) {
            send_to_client(link, EventMessage{path, WatchEvent::changed});
        } else {
            arm(data_watchers_, path);
        }
    }
    for (const std::string& path : message.watches.absent()) {
        if (tree_.find(path) != nullptr) {
            send_to_client(link, EventMessage{path, WatchEvent::created});
        } else {
            arm(data_watchers_, path);
        }
    }
    for (const std::string& path : message.watches.children()) {
        const MemoryTree::Znode* node = tree_.find(path);
        if (node == nullptr) {
            send_to_client(link, EventMessage{path, WatchEvent::deleted});
        } else if (node->children_zxid > message.last_zxid) {
            send_to_client(link, EventMessage{path, WatchEvent::children});
        } else {
            arm(children_watchers_, path);
        }
    }
}

void MemoryEnsemble::serve_request(const MemoryLinkPtr& link, const RequestMessage& request) {
    const auto found = sessions_.find(link->session);
    if (!serving_ || found == sessions_.end()) return close_by_server(link);
    Session& session = found->second;
    touch(session);
    switch (request->kind) {
        case RequestKind::heartbeat:
        case RequestKind::sync:
        case RequestKind::acl:  // there are none here
        case RequestKind::set_acl:
            break;
        case RequestKind::get:
        case RequestKind::children:
        case RequestKind::exists:
            serve_read(*link, *request);
            break;
        case RequestKind::multi: {
            serve_multi(session.info, *request);
            if (std::exchange(wire(link->client).lose_next_reply, false))
                return close_by_server(link);
            break;
        }
        case RequestKind::close:
            send_to_client(link, ReplyMessage{request, tree_.zxid()});
            return end_session(link->session);
    }
    send_to_client(link, ReplyMessage{request, tree_.zxid()});
}

void MemoryEnsemble::serve_read(MemoryLink& link, Request& request) {
    const MemoryTree::Znode* node = tree_.find(request.path);
    const bool watch = request.watch == Watch::set;
    if (watch && (node != nullptr || request.kind == RequestKind::exists)) {
        Watchers& watchers =
            request.kind == RequestKind::children ? children_watchers_ : data_watchers_;
        std::vector<MemoryLink*>& links = watchers[request.path];
        if (std::ranges::find(links, &link) == links.end()) links.push_back(&link);
    }
    if (node == nullptr) {
        request.reply.error = Errc::no_node;
        request.reply.context = request.path;
        return;
    }
    request.reply.stat = node->stat;
    if (request.kind == RequestKind::get) request.reply.data = node->data;
    if (request.kind == RequestKind::children)
        request.reply.names.assign(node->children.begin(), node->children.end());
}

void MemoryEnsemble::serve_multi(const SessionInfo& session, Request& request) {
    MemoryTree::Outcome outcome = tree_.apply(session.id, request.ops);
    if (!outcome.applied()) {
        std::size_t which = 0;
        request.reply.error = failure(outcome.op_errors, which);
        request.reply.context = path_of(request.ops[which]);
        request.reply.op_errors = std::move(outcome.op_errors);
        return;
    }
    committed(session.id, session.client, request.ops, outcome.ops);
    request.reply.ops = std::move(outcome.ops);
}

MemoryTree::Outcome MemoryEnsemble::write(std::vector<Op> ops) {
    MemoryTree::Outcome outcome = tree_.apply(0, ops);
    if (outcome.applied()) committed(0, {}, ops, outcome.ops);
    return outcome;
}

// --- watches -------------------------------------------------------------------------------------

void MemoryEnsemble::committed(std::int64_t session,
                               std::string_view client,
                               const std::vector<Op>& ops,
                               const std::vector<OpOutcome>& outcomes) {
    const Commit commit{tree_.zxid(), session, client, ops, outcomes};
    for (const OnCommit& observer : observers_) observer(commit);
    for (std::size_t i = 0; i < ops.size(); ++i) {
        const std::string& path = outcomes[i].path;
        if (std::holds_alternative<SetOp>(ops[i])) {
            fire(data_watchers_, path, WatchEvent::changed, nullptr);
        } else if (std::holds_alternative<CreateOp>(ops[i])) {
            fire(data_watchers_, path, WatchEvent::created, nullptr);
            fire(children_watchers_, std::string(parent_of(path)), WatchEvent::children, nullptr);
        } else if (std::holds_alternative<DeleteOp>(ops[i])) {
            // One deletion is told once to a client, whichever kinds of watch it had.
            std::vector<MemoryLink*> told;
            fire(data_watchers_, path, WatchEvent::deleted, &told);
            fire(children_watchers_, path, WatchEvent::deleted, &told);
            fire(children_watchers_, std::string(parent_of(path)), WatchEvent::children, nullptr);
        }
    }
}

void MemoryEnsemble::fire(Watchers& watchers,
                          const std::string& path,
                          WatchEvent event,
                          std::vector<MemoryLink*>* told) {
    const auto found = watchers.find(path);
    if (found == watchers.end()) return;
    const std::vector<MemoryLink*> links = std::move(found->second);
    watchers.erase(found);
    for (MemoryLink* link : links) {
        if (told != nullptr && std::ranges::find(*told, link) != told->end()) continue;
        if (told != nullptr) told->push_back(link);
        const auto session = sessions_.find(link->session);
        if (session != sessions_.end() && session->second.link.get() == link)
            send_to_client(session->second.link, EventMessage{path, event});
    }
}

void MemoryEnsemble::forget_watches(const MemoryLink* link) {
    for (Watchers* watchers : {&data_watchers_, &children_watchers_}) {
        for (auto entry = watchers->begin(); entry != watchers->end();) {
            std::erase_if(entry->second, [link](const auto* watcher) { return watcher == link; });
            entry = entry->second.empty() ? watchers->erase(entry) : std::next(entry);
        }
    }
}

}  // namespace muster::coordination
