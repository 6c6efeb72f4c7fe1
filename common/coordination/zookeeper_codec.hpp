#pragma once

#include "common/coordination/request.hpp"
#include "common/coordination/types.hpp"
#include "common/coordination/watch_set.hpp"

#include <zookeeper/zookeeper.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace muster::coordination {

// Between our requests and the C client's calls and callbacks. Only the ZooKeeper adapter includes
// this.

/// What the C client has told, in its order; read when its call has returned, so that nothing of
/// ours runs inside it. Shared with the thread that closes the handle, where callbacks still come.
struct ZooKeeperInbox {
    struct Answer {
        std::shared_ptr<Request> request;
        Reply reply;
    };
    struct Dirty {
        std::string path;
        WatchEvent event = WatchEvent::changed;
    };
    struct State {
        int state = 0;  ///< a ZOO_*_STATE
    };
    using Item = std::variant<Answer, Dirty, State>;

    std::vector<Item> items;
    bool closed = false;  ///< nobody reads any more
};

/// Every watch and session event comes through this one function with the one inbox of its handle
/// as context: the client keeps each distinct pair, and a disconnection calls them all (G6).
void zookeeper_on_event(zhandle_t* handle, int type, int state, const char* path, void* inbox);

/// Hands the request to the client; its answer will be found in the inbox. Else returns why it was
/// not sent: surely not applied. The handle must be usable (is_unrecoverable() asked just before).
[[nodiscard]] std::error_code zookeeper_submit(zhandle_t* handle,
                                               ZooKeeperInbox& inbox,
                                               const std::shared_ptr<Request>& request,
                                               const std::vector<Acl>& default_acl);

}  // namespace muster::coordination
