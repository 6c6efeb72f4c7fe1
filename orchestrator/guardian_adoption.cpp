#include "orchestrator/guardian_adoption.hpp"

#include <zookeeper/zookeeper.h>

#include <poll.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>

namespace muster::orchestrator {

namespace {

/// States are read from the handle; the C client just insists on a watcher.
void ignore_event(zhandle_t*, int, int, const char*, void*) {}

clientid_t client_id(const GuardedSession& session) {
    clientid_t id{};
    id.client_id = session.id;
    static_assert(sizeof id.passwd == std::tuple_size_v<decltype(session.password)>);
    std::ranges::copy(session.password, id.passwd);
    return id;
}

/// One round of the C client's loop. False when `limit` is over.
bool step(zhandle_t* handle, int limit) {
    int socket = -1;
    int interest = 0;
    timeval wait{};
    // An error here (a refused connection) still leaves a timeout to wait for: the next call tries
    // the next server.
    zookeeper_interest(handle, &socket, &interest, &wait);
    const int read = (interest & ZOOKEEPER_READ) != 0 ? POLLIN : 0;
    const int write = (interest & ZOOKEEPER_WRITE) != 0 ? POLLOUT : 0;
    std::array<pollfd, 2> files{
        pollfd{.fd = limit, .events = POLLIN, .revents = 0},
        pollfd{.fd = socket, .events = static_cast<short>(read | write), .revents = 0}};
    const auto milliseconds = static_cast<int>(wait.tv_sec * 1'000 + wait.tv_usec / 1'000);
    // A fast retry while all servers refuse must not spin.
    const int at_least = socket < 0 ? 10 : 0;
    if (::poll(files.data(), files.size(), std::max(milliseconds, at_least)) < 0 && errno != EINTR)
        return false;
    if (files[0].revents != 0) return false;
    int ready = 0;
    if ((files[1].revents & (POLLIN | POLLERR | POLLHUP)) != 0) ready |= ZOOKEEPER_READ;
    if ((files[1].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) ready |= ZOOKEEPER_WRITE;
    zookeeper_process(handle, ready & interest);
    return true;
}

Adoption connect_and_judge(zhandle_t* handle, std::int64_t wanted, int limit) {
    while (step(handle, limit)) {
        const int state = zoo_state(handle);
        if (state == ZOO_EXPIRED_SESSION_STATE) return Adoption::already_ended;
        if (state == ZOO_CONNECTED_STATE)
            return zoo_client_id(handle)->client_id == wanted ? Adoption::closed
                                                              : Adoption::already_ended;
    }
    return Adoption::unreachable;
}

}  // namespace

std::string_view to_string(Adoption adoption) {
    switch (adoption) {
        case Adoption::closed:
            return "closed";
        case Adoption::already_ended:
            return "already_ended";
        case Adoption::unreachable:
            return "unreachable";
    }
    return "?";
}

Adoption adopt_and_close(const GuardedSession& session, int limit) {
    zoo_set_debug_level(static_cast<ZooLogLevel>(0));
    clientid_t id = client_id(session);
    zhandle_t* const handle = zookeeper_init(session.servers.c_str(),
                                             ignore_event,
                                             static_cast<int>(session.timeout.count()),
                                             &id,
                                             nullptr,
                                             ZOO_NO_LOG_CLIENTENV);
    ::explicit_bzero(&id, sizeof id);
    if (handle == nullptr) return Adoption::unreachable;
    zoo_set_servers_resolution_delay(handle, -1);
    const Adoption adoption = connect_and_judge(handle, session.id, limit);
    zookeeper_close(handle);
    return adoption;
}

}  // namespace muster::orchestrator
