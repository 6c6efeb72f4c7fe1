#include "tests/guardian/raw_session.hpp"

#include "tests/support/eventually.hpp"

#include <zookeeper/zookeeper.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

void ignore_event(zhandle_t*, int, int, const char*, void*) {}

void keep_create_code(int code, const char*, const void* into) {
    *static_cast<std::optional<int>*>(const_cast<void*>(into)) = code;
}

void keep_exists_code(int code, const Stat*, const void* into) {
    keep_create_code(code, nullptr, into);
}

}  // namespace

struct RawSession::Inside {
    zhandle_t* handle = nullptr;
    std::string servers;
    std::optional<int> answer;

    /// Sends a request and runs the loop until it is answered.
    int ask(const std::function<int()>& send) {
        answer.reset();
        if (send() != ZOK) throw std::runtime_error("the request can't be sent");
        const Stopwatch watch;
        while (!answer) {
            step(std::chrono::milliseconds(10));
            if (watch.elapsed() > std::chrono::seconds(30))
                throw std::runtime_error("the request was not answered");
        }
        return *answer;
    }

    void step(std::chrono::milliseconds limit) const {
        int socket = -1;
        int interest = 0;
        timeval wait{};
        zookeeper_interest(handle, &socket, &interest, &wait);
        const int events = ((interest & ZOOKEEPER_READ) != 0 ? POLLIN : 0) |
                           ((interest & ZOOKEEPER_WRITE) != 0 ? POLLOUT : 0);
        pollfd file{.fd = socket, .events = static_cast<short>(events), .revents = 0};
        const auto span =
            std::min<std::int64_t>(wait.tv_sec * 1'000 + wait.tv_usec / 1'000, limit.count());
        ::poll(&file, 1, static_cast<int>(span));
        int ready = 0;
        if ((file.revents & (POLLIN | POLLERR | POLLHUP)) != 0) ready |= ZOOKEEPER_READ;
        if ((file.revents & (POLLOUT | POLLERR | POLLHUP)) != 0) ready |= ZOOKEEPER_WRITE;
        zookeeper_process(handle, ready & interest);
    }
};

RawSession::RawSession(const std::string& servers, std::chrono::milliseconds timeout)
    : inside_(std::make_unique<Inside>()) {
    zoo_set_debug_level(static_cast<ZooLogLevel>(0));
    inside_->servers = servers;
    inside_->handle = zookeeper_init(servers.c_str(),
                                     ignore_event,
                                     static_cast<int>(timeout.count()),
                                     nullptr,
                                     nullptr,
                                     ZOO_NO_LOG_CLIENTENV);
    if (inside_->handle == nullptr) throw std::runtime_error("zookeeper_init failed");
    zoo_set_servers_resolution_delay(inside_->handle, -1);
    const Stopwatch watch;
    while (zoo_state(inside_->handle) != ZOO_CONNECTED_STATE) {
        step(std::chrono::milliseconds(10));
        if (watch.elapsed() > std::chrono::seconds(30))
            throw std::runtime_error("no session with " + servers);
    }
}

RawSession::~RawSession() {
    close();
}

orchestrator::GuardedSession RawSession::credentials() const {
    const clientid_t* const id = zoo_client_id(inside_->handle);
    orchestrator::GuardedSession session{
        .id = id->client_id,
        .timeout = std::chrono::milliseconds(zoo_recv_timeout(inside_->handle)),
        .servers = inside_->servers};
    std::ranges::copy(id->passwd, session.password.begin());
    return session;
}

void RawSession::create_ephemeral(const std::string& path) {
    const int code = inside_->ask([&] {
        return zoo_acreate(inside_->handle,
                           path.c_str(),
                           "",
                           0,
                           &ZOO_OPEN_ACL_UNSAFE,
                           ZOO_EPHEMERAL,
                           keep_create_code,
                           &inside_->answer);
    });
    if (code != ZOK) throw std::runtime_error("create failed: " + std::to_string(code));
}

bool RawSession::exists(const std::string& path) {
    const Stopwatch watch;
    while (true) {
        const int code = inside_->ask([&] {
            return zoo_aexists(
                inside_->handle, path.c_str(), 0, keep_exists_code, &inside_->answer);
        });
        if (code == ZOK || code == ZNONODE) return code == ZOK;
        // It reconnects by itself, perhaps to another server.
        if (code != ZCONNECTIONLOSS || watch.elapsed() > std::chrono::seconds(30))
            throw std::runtime_error("exists failed: " + std::to_string(code));
    }
}

std::string RawSession::server() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (zookeeper_get_connected_host(
            inside_->handle, reinterpret_cast<sockaddr*>(&address), &size) == nullptr)
        throw std::runtime_error("not connected");
    return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void RawSession::step(std::chrono::milliseconds limit) {
    inside_->step(limit);
}

void RawSession::close() {
    if (inside_->handle != nullptr) zookeeper_close(std::exchange(inside_->handle, nullptr));
}

}  // namespace muster::test
