#pragma once

#include "common/coordination/request.hpp"
#include "common/coordination/watch_set.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <variant>

namespace muster::coordination {

struct MemoryLink;
using MemoryLinkPtr = std::shared_ptr<MemoryLink>;

/// First message of a connection: begin a session (id 0), or go on with one.
struct ConnectMessage {
    std::int64_t session = 0;
    std::chrono::nanoseconds timeout{0};
    std::int64_t last_zxid = 0;  ///< what the client has seen; watches fire for what came after
    WatchSet watches;            ///< to arm again
};
using RequestMessage = std::shared_ptr<Request>;
using ToServer = std::variant<ConnectMessage, RequestMessage>;

/// Answer to ConnectMessage; session 0: yours has expired.
struct ConnectedMessage {
    std::int64_t session = 0;
    std::chrono::nanoseconds timeout{0};
};
struct ReplyMessage {
    std::shared_ptr<Request> request;
    std::int64_t zxid = 0;
};
struct EventMessage {
    std::string path;
    WatchEvent event = WatchEvent::changed;
};
struct ClosedMessage {};  ///< the server's end is closed
using ToClient = std::variant<ConnectedMessage, ReplyMessage, EventMessage, ClosedMessage>;

/// Who is told of what arrives at the client's end.
class MemoryLinkOwner {
 public:
    MemoryLinkOwner() = default;
    MemoryLinkOwner(const MemoryLinkOwner&) = delete;
    MemoryLinkOwner& operator=(const MemoryLinkOwner&) = delete;
    virtual void on_message(ToClient message) = 0;
    virtual void on_connection_lost() = 0;
    virtual void on_resumed() = 0;

 protected:
    ~MemoryLinkOwner() = default;
};

/// One direction of a connection: messages in order, each with its time of arrival.
template <class Message>
struct MemoryChannel {
    struct Item {
        SteadyTime arrives;
        Message message;
    };
    std::deque<Item> items;
    bool scheduled = false;  ///< a delivery is on its way
};

/// One connection of one client, both directions. Outlives either end while messages are under way.
struct MemoryLink {
    std::string client;
    MemoryLinkOwner* owner = nullptr;  ///< null once the client has closed its end
    bool server_open = true;           ///< what arrives at a closed end is dropped
    std::int64_t session = 0;          ///< at the server
    MemoryChannel<ToServer> to_server;
    MemoryChannel<ToClient> to_client;
};

}  // namespace muster::coordination
