#include "common/coordination/zookeeper_codec.hpp"

#include "common/coordination/validation.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace muster::coordination {

namespace {

/// A request inside the C client: the context of its completion, freed there. The buffers are where
/// the client writes the results of a multi's ops.
struct Pending {
    ZooKeeperInbox* inbox = nullptr;
    std::shared_ptr<Request> request;
    std::vector<zoo_op_t> ops;
    std::vector<zoo_op_result_t> results;
    std::vector<std::string> paths;
    std::vector<struct ::Stat> stats;
};

/// Room for what a sequential create adds to its path.
constexpr std::size_t sequence_suffix_bytes = 16;
/// Not one of the client's codes: the op has no result.
constexpr int no_result = 1;

// --- errors --------------------------------------------------------------------------------------

/// None of the server's words about this request: the connection or the session is at fault, and
/// what had been sent may have been applied (G9).
bool is_unanswered(int code) {
    switch (code) {
        case ZOK:
        case ZBADARGUMENTS:
        case ZUNIMPLEMENTED:
            return false;
        case ZSESSIONEXPIRED:
        case ZAUTHFAILED:
        case ZCLOSING:
            return true;
        default:
            return code > ZAPIERROR;
    }
}

std::error_code error_of(int code) {
    switch (code) {
        case ZOK:
            return {};
        case ZNONODE:
            return Errc::no_node;
        case ZNODEEXISTS:
            return Errc::node_exists;
        case ZBADVERSION:
            return Errc::bad_version;
        case ZNOTEMPTY:
            return Errc::not_empty;
        case ZNOAUTH:
            return Errc::no_auth;
        case ZNOCHILDRENFOREPHEMERALS:
            return Errc::no_children_for_ephemerals;
        default:
            return Errc::rejected;
    }
}

Reply reply_with(int code, const Request& request) {
    Reply reply;
    if (code == ZOK) return reply;
    const bool is_write =
        request.kind == RequestKind::multi || request.kind == RequestKind::set_acl;
    if (is_unanswered(code)) {
        reply.error = is_write ? Errc::unknown_outcome : Errc::not_connected;
    } else {
        reply.error = error_of(code);
    }
    reply.context = request.ops.empty() ? request.path : path_of(request.ops.front());
    if (reply.error == make_error_code(Errc::rejected))
        reply.context += std::string(": ") + zerror(code);
    return reply;
}

Stat stat_of(const struct ::Stat& stat) {
    return Stat{
        .created_zxid = stat.czxid,
        .modified_zxid = stat.mzxid,
        .version = stat.version,
        .children_version = stat.cversion,
        .ephemeral_owner = stat.ephemeralOwner,
        .children = stat.numChildren,
    };
}

// --- completions: called by the client, on whatever thread drives or closes it
// -----------------------

std::unique_ptr<Pending> take(const void* data) {
    return std::unique_ptr<Pending>(static_cast<Pending*>(const_cast<void*>(data)));
}

void deliver(std::unique_ptr<Pending> pending, Reply reply) {
    if (pending->inbox->closed) return;
    pending->inbox->items.emplace_back(
        ZooKeeperInbox::Answer{std::move(pending->request), std::move(reply)});
}

void on_data(int rc, const char* value, int size, const struct ::Stat* stat, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    if (rc == ZOK) {
        if (value != nullptr && size > 0) reply.data.assign(value, static_cast<std::size_t>(size));
        reply.stat = stat_of(*stat);
    }
    deliver(std::move(pending), std::move(reply));
}

void on_children(int rc,
                 const struct String_vector* names,
                 const struct ::Stat* stat,
                 const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    if (rc == ZOK) {
        reply.names.assign(names->data, names->data + names->count);
        std::ranges::sort(reply.names);
        reply.stat = stat_of(*stat);
    }
    deliver(std::move(pending), std::move(reply));
}

void on_stat(int rc, const struct ::Stat* stat, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    if (rc == ZOK) reply.stat = stat_of(*stat);
    deliver(std::move(pending), std::move(reply));
}

void on_string(int rc, const char* /*value*/, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    deliver(std::move(pending), std::move(reply));
}

void on_acl(int rc, struct ACL_vector* acl, struct ::Stat* /*stat*/, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    if (rc == ZOK) {
        for (const struct ::ACL& entry : std::span(acl->data, static_cast<std::size_t>(acl->count)))
            reply.acl.push_back({entry.id.scheme, entry.id.id, entry.perms});
    }
    deliver(std::move(pending), std::move(reply));
}

void on_done(int rc, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    deliver(std::move(pending), std::move(reply));
}

void on_multi(int rc, const void* data) {
    auto pending = take(data);
    Reply reply = reply_with(rc, *pending->request);
    const std::vector<Op>& ops = pending->request->ops;
    if (rc == ZOK) {
        reply.ops.resize(ops.size());
        for (std::size_t i = 0; i < ops.size(); ++i) {
            const bool made = std::holds_alternative<CreateOp>(ops[i]);
            reply.ops[i].path = made ? pending->paths[i].c_str() : path_of(ops[i]);
            if (std::holds_alternative<SetOp>(ops[i]))
                reply.ops[i].stat = stat_of(pending->stats[i]);
        }
    } else if (!is_unanswered(rc) && pending->results.front().err != no_result) {
        // Ops before the one at fault say ok, those after it "runtime inconsistency": neither was
        // applied, and neither was wrong.
        reply.op_errors.reserve(ops.size());
        for (std::size_t i = 0; i < ops.size(); ++i) {
            const int code = pending->results[i].err;
            const bool in_order = code == ZOK || code == ZRUNTIMEINCONSISTENCY || code == no_result;
            reply.op_errors.push_back(in_order ? make_error_code(Errc::rolled_back)
                                               : error_of(code));
            if (!in_order) reply.context = path_of(ops[i]);
        }
    }
    deliver(std::move(pending), std::move(reply));
}

// --- ops -----------------------------------------------------------------------------------------

/// The client's view of one op's ACL; it copies while it serialises.
class AclView {
 public:
    explicit AclView(const std::vector<Acl>& entries) {
        for (const Acl& entry : entries) {
            entries_.push_back({.perms = entry.permissions,
                                .id = {.scheme = const_cast<char*>(entry.scheme.c_str()),
                                       .id = const_cast<char*>(entry.id.c_str())}});
        }
        vector_ = {.count = static_cast<std::int32_t>(entries_.size()), .data = entries_.data()};
    }
    AclView(const AclView&) = delete;
    AclView& operator=(const AclView&) = delete;

    [[nodiscard]] const ACL_vector* get() const {
        return entries_.empty() ? &ZOO_OPEN_ACL_UNSAFE : &vector_;
    }
    /// For a call that takes it as if it changed it.
    [[nodiscard]] ACL_vector* entries() { return &vector_; }

 private:
    std::vector<struct ::ACL> entries_;
    ACL_vector vector_{};
};

int flags_of(CreateMode mode) {
    switch (mode) {
        case CreateMode::persistent:
            return ZOO_PERSISTENT;
        case CreateMode::ephemeral:
            return ZOO_EPHEMERAL;
        case CreateMode::persistent_sequential:
            return ZOO_PERSISTENT_SEQUENTIAL;
        case CreateMode::ephemeral_sequential:
            return ZOO_EPHEMERAL_SEQUENTIAL;
    }
    return ZOO_PERSISTENT;
}

int submit_multi(zhandle_t* handle, Pending& pending, const std::vector<Acl>& default_acl) {
    const std::vector<Op>& ops = pending.request->ops;
    const std::size_t count = ops.size();
    pending.ops.resize(count);
    pending.results.assign(count, zoo_op_result_t{.err = no_result});
    pending.paths.resize(count);
    pending.stats.resize(count);
    std::vector<std::unique_ptr<AclView>> acls;
    for (std::size_t i = 0; i < count; ++i) {
        zoo_op_t& out = pending.ops[i];
        if (const auto* check = std::get_if<CheckOp>(&ops[i])) {
            zoo_check_op_init(&out, check->path.c_str(), check->version);
        } else if (const auto* create = std::get_if<CreateOp>(&ops[i])) {
            const auto& acl = create->acl.empty() ? default_acl : create->acl;
            acls.push_back(std::make_unique<AclView>(acl));
            std::string& made = pending.paths[i];
            made.resize(create->path.size() + sequence_suffix_bytes);
            zoo_create_op_init(&out,
                               create->path.c_str(),
                               create->data.data(),
                               static_cast<int>(create->data.size()),
                               acls.back()->get(),
                               flags_of(create->mode),
                               made.data(),
                               static_cast<int>(made.size()));
        } else if (const auto* set = std::get_if<SetOp>(&ops[i])) {
            zoo_set_op_init(&out,
                            set->path.c_str(),
                            set->data.data(),
                            static_cast<int>(set->data.size()),
                            set->version,
                            &pending.stats[i]);
        } else {
            const auto& del = std::get<DeleteOp>(ops[i]);
            zoo_delete_op_init(&out, del.path.c_str(), del.version);
        }
    }
    return zoo_amulti(handle,
                      static_cast<int>(count),
                      pending.ops.data(),
                      pending.results.data(),
                      on_multi,
                      &pending);
}

}  // namespace

void zookeeper_on_event(zhandle_t* /*handle*/, int type, int state, const char* path, void* inbox) {
    auto& in = *static_cast<ZooKeeperInbox*>(inbox);
    if (in.closed) return;
    if (type == ZOO_SESSION_EVENT) {
        in.items.emplace_back(ZooKeeperInbox::State{state});
        return;
    }
    WatchEvent event = WatchEvent::changed;
    if (type == ZOO_CREATED_EVENT) event = WatchEvent::created;
    if (type == ZOO_DELETED_EVENT) event = WatchEvent::deleted;
    if (type == ZOO_CHILD_EVENT) event = WatchEvent::children;
    in.items.emplace_back(ZooKeeperInbox::Dirty{path, event});
}

std::error_code zookeeper_submit(zhandle_t* handle,
                                 ZooKeeperInbox& inbox,
                                 const std::shared_ptr<Request>& request,
                                 const std::vector<Acl>& default_acl) {
    auto pending = std::make_unique<Pending>();
    pending->inbox = &inbox;
    pending->request = request;
    Pending* const data = pending.get();
    const char* const path = request->path.c_str();
    const watcher_fn watcher = request->watch == Watch::set ? zookeeper_on_event : nullptr;
    int rc = ZOK;
    switch (request->kind) {
        case RequestKind::get:
            rc = zoo_awget(handle, path, watcher, &inbox, on_data, data);
            break;
        case RequestKind::children:
            rc = zoo_awget_children2(handle, path, watcher, &inbox, on_children, data);
            break;
        case RequestKind::exists:
        case RequestKind::heartbeat:
            rc = zoo_awexists(handle, path, watcher, &inbox, on_stat, data);
            break;
        case RequestKind::sync:
            rc = zoo_async(handle, path, on_string, data);
            break;
        case RequestKind::multi:
            rc = submit_multi(handle, *data, default_acl);
            break;
        case RequestKind::acl:
            rc = zoo_aget_acl(handle, path, on_acl, data);
            break;
        case RequestKind::set_acl:
            rc = zoo_aset_acl(
                handle, path, any_version, AclView(request->acl).entries(), on_done, data);
            break;
        case RequestKind::close:
            rc = ZUNIMPLEMENTED;  // a session ends with its handle
            break;
    }
    if (rc == ZOK) {
        (void)pending.release();  // the completion's from here on
        return {};
    }
    if (rc == ZINVALIDSTATE) return Errc::session_lost;
    return rc == ZBADARGUMENTS ? Errc::invalid_argument : Errc::not_connected;
}

}  // namespace muster::coordination
