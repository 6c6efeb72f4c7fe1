#pragma once

#include "common/coordination/types.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace muster::coordination {

enum class RequestKind { heartbeat, get, children, exists, multi, sync, acl, set_acl, close };

/// What a server said, or what our side knows instead. Only the fields of the request's kind count.
struct Reply {
    std::error_code error;
    std::string context;
    Stat stat;
    std::string data;
    std::vector<std::string> names;
    std::vector<Acl> acl;
    std::vector<OpOutcome> ops;
    std::vector<std::error_code> op_errors;
};

/// A call on its way: queued, sent, answered. Shared by the client and what transports it; `resume`
/// is called exactly once, by the client.
struct Request {
    RequestKind kind = RequestKind::heartbeat;
    std::string path;
    Watch watch = Watch::none;
    std::vector<Op> ops;
    std::vector<Acl> acl;  ///< of set_acl

    SteadyTime deadline{};
    SteadyTime sent_at{};
    bool answered = false;  ///< nothing more will be heard of it

    Reply reply;  ///< where an in-memory server puts its answer while that travels

    std::move_only_function<void(Reply)> resume;  ///< empty once called, or when nobody waits
    boost::asio::cancellation_slot slot;
};

}  // namespace muster::coordination
