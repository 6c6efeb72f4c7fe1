#include "tests/cluster/steady_load.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace muster::test {

namespace {

/// The body of a whole answer with a length, or nothing yet; status 0: that is no HTTP.
struct Answer {
    bool whole = false;
    int status = 0;
    bool closes = false;
    std::string body;
};

Answer parse(const std::string& text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    Answer answer;
    if (text.starts_with("HTTP/1.") && text.size() > 12)
        answer.status = std::atoi(text.c_str() + 9);
    std::string head = text.substr(0, end);
    std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.closes = head.contains("connection: close");
    const std::size_t length = head.find("content-length:");
    const std::size_t size =
        length == std::string::npos ? 0 : std::strtoul(head.c_str() + length + 15, nullptr, 10);
    if (text.size() < end + 4 + size) return {};
    answer.whole = true;
    answer.body = text.substr(end + 4, size);
    return answer;
}

}  // namespace

SteadyLoad::SteadyLoad(Settings settings)
    : settings_(std::move(settings)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      connections_(settings_.connections) {
    thread_ = std::thread([this] { run(); });
}

SteadyLoad::~SteadyLoad() {
    ending_ = true;
    thread_.join();
    for (Connection& connection : connections_) drop(connection);
    ::close(epoll_);
}

SteadyLoad::Counts SteadyLoad::counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

bool SteadyLoad::wait_for(std::uint64_t requests, std::chrono::seconds limit) const {
    const auto done = [this] {
        const Counts now = counts();
        return now.answered + now.failed;
    };
    const std::uint64_t target = done() + requests;
    return eventually(limit, [&] { return done() >= target; });
}

void SteadyLoad::run() {
    const std::chrono::nanoseconds period =
        std::chrono::nanoseconds(std::chrono::seconds(1)) / settings_.per_second;
    std::chrono::nanoseconds due = monotonic_now();
    std::array<epoll_event, 64> events{};
    while (!ending_) {
        const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
        for (int i = 0; i < count; ++i)
            receive_on(connections_[events[static_cast<std::size_t>(i)].data.u64]);
        const std::chrono::nanoseconds now = monotonic_now();
        for (Connection& connection : connections_) {
            if (connection.waiting && now - connection.since > settings_.patience)
                fail(connection, "no answer in time");
        }
        for (; due <= now; due += period) {
            const auto idle = std::ranges::find(connections_, false, &Connection::waiting);
            if (idle != connections_.end()) {
                send_on(*idle);
            } else {
                const std::scoped_lock lock(mutex_);
                ++counts_.skipped;
            }
        }
    }
}

bool SteadyLoad::open(Connection& connection) {
    connection.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(settings_.port)};
    to.sin_addr.s_addr = inet_addr(settings_.host.c_str());
    // The socket API's own cast. Loopback: answered at once.
    if (::connect(connection.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return false;
    connection.fresh = true;
    epoll_event event{
        .events = EPOLLIN | EPOLLRDHUP,
        .data = {.u64 = static_cast<std::uint64_t>(&connection - connections_.data())}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
    return true;
}

void SteadyLoad::send_on(Connection& connection) {
    {
        const std::scoped_lock lock(mutex_);
        ++counts_.sent;
    }
    connection.waiting = true;
    connection.since = monotonic_now();
    connection.got.clear();
    const std::string request =
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", settings_.path, settings_.host);
    if (connection.socket < 0 && !open(connection)) {
        fail(connection, fmt::format("connect: {}", std::strerror(errno)));
        return;
    }
    if (::send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL) < 0)
        fail(connection, fmt::format("send: {}", std::strerror(errno)));
}

void SteadyLoad::receive_on(Connection& connection) {
    if (connection.socket < 0) return;
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        // A kept connection that the LB closes may cross with a request: RFC 9110, 9.2.2 lets a
        // client send it again.
        const bool again = connection.waiting && !connection.fresh && connection.got.empty();
        if (again) {
            drop(connection);
            connection.waiting = true;
            const std::scoped_lock lock(mutex_);
            --counts_.sent;
        }
        if (again) {
            send_on(connection);
        } else if (connection.waiting) {
            fail(connection, "closed before its answer");
        } else {
            drop(connection);
        }
        return;
    }
    connection.got.append(buffer.data(), static_cast<std::size_t>(size));
    const Answer answer = parse(connection.got);
    if (!answer.whole) return;
    if (answer.status != 200) {
        fail(connection, fmt::format("{} {}", answer.status, answer.body));
        return;
    }
    connection.waiting = false;
    connection.fresh = false;
    {
        const std::scoped_lock lock(mutex_);
        ++counts_.answered;
        ++counts_.by_body[answer.body];
    }
    if (answer.closes) drop(connection);
}

void SteadyLoad::fail(Connection& connection, const std::string& why) {
    {
        const std::scoped_lock lock(mutex_);
        if (counts_.failed++ == 0) counts_.first_failure = why;
    }
    drop(connection);
}

void SteadyLoad::drop(Connection& connection) {
    if (connection.socket >= 0) ::close(connection.socket);
    connection.socket = -1;
    connection.waiting = false;
}

}  // namespace muster::test
