#include "tests/cluster/responder.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace muster::test {

namespace {

constexpr std::string_view ok =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
constexpr std::string_view bad =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbad\n";

[[noreturn]] void raise(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void add(int epoll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) raise("epoll_ctl");
}

}  // namespace

Responder::Responder(std::size_t backends, const std::string& network)
    : network_(ntohl(inet_addr((network + ".0.0").c_str()))),
      port_(free_port()),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      backends_(backends) {
    const int one = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (network == "127.1" &&
        setsockopt(listener_.get(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0)
        raise("SO_BINDTODEVICE lo");
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port_)};
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    // The socket API's own cast.
    if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        raise("bind");
    if (listen(listener_.get(), 4096) != 0) raise("listen");
    add(epoll_.get(), listener_.get());
    add(epoll_.get(), wake_.get());
    reset_gaps();
    thread_ = std::thread([this] { serve(); });
}

Responder::~Responder() {
    ending_ = true;
    eventfd_write(wake_.get(), 1);
    thread_.join();
    for (const auto& [connection, backend] : connections_) close(connection);
}

std::string Responder::host(std::size_t backend) const {
    in_addr address{};
    address.s_addr =
        htonl(network_ + static_cast<std::uint32_t>(((backend / 250) << 8U) + backend % 250 + 1));
    std::array<char, INET_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET, &address, text.data(), text.size());
}

std::string Responder::address(std::size_t backend) const {
    return fmt::format("{}:{}", host(backend), port_);
}

void Responder::set(std::size_t backend, Behaviour behaviour) {
    backends_[backend].behaviour = behaviour;
}

void Responder::set_all(Behaviour behaviour) {
    for (Backend& backend : backends_) backend.behaviour = behaviour;
}

Responder::Time Responder::now() {
    return monotonic_now();
}

Responder::Record Responder::record(std::size_t backend) const {
    const std::scoped_lock lock(mutex_);
    return backends_[backend].record;
}

void Responder::reset_gaps() {
    const std::scoped_lock lock(mutex_);
    const Time start = now();
    for (Backend& backend : backends_) {
        backend.record.longest_gap = Time{};
        backend.record.last = start;
    }
}

Responder::Time Responder::longest_gap() const {
    const std::scoped_lock lock(mutex_);
    const Time end = now();
    Time longest{};
    for (const Backend& backend : backends_) {
        longest = std::max({longest, backend.record.longest_gap, end - backend.record.last});
    }
    return longest;
}

std::uint64_t Responder::probes() const {
    const std::scoped_lock lock(mutex_);
    return probes_;
}

void Responder::trace(bool on) {
    const std::scoped_lock lock(mutex_);
    tracing_ = on;
    if (on) trace_.clear();
}

std::vector<std::pair<Responder::Time, std::uint32_t>> Responder::traced() const {
    const std::scoped_lock lock(mutex_);
    return trace_;
}

void Responder::arrived(std::uint32_t backend) {
    const std::scoped_lock lock(mutex_);
    const Time when = now();
    Record& record = backends_[backend].record;
    record.longest_gap = std::max(record.longest_gap, when - record.last);
    record.last = when;
    ++record.probes;
    ++probes_;
    if (tracing_) trace_.emplace_back(when, backend);
}

void Responder::arrived_traffic(std::uint32_t backend) {
    const std::scoped_lock lock(mutex_);
    Record& record = backends_[backend].record;
    ++record.requests;
    record.last_request = now();
}

void Responder::serve() {
    std::array<epoll_event, 256> events{};
    while (!ending_) {
        const int count = epoll_wait(
            epoll_.get(), events.data(), static_cast<int>(events.size()), drips_.empty() ? -1 : 5);
        drip();
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener_.get()) {
                accept_all();
            } else if (fd != wake_.get()) {
                answer(fd);
            }
        }
    }
}

void Responder::drip() {
    constexpr std::string_view endless = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nX: ";
    while (!drips_.empty() && drips_.front().due <= now()) {
        Drip drip = drips_.front();
        drips_.pop_front();
        const auto known = dripping_.find(drip.connection);
        if (known == dripping_.end() || known->second != drip.serial) continue;
        const char byte = drip.sent < endless.size() ? endless[drip.sent] : 'x';
        send(drip.connection, &byte, 1, MSG_NOSIGNAL);
        ++drip.sent;
        drip.due += std::chrono::seconds(1);
        drips_.push_back(drip);
    }
}

void Responder::accept_all() {
    for (;;) {
        const int connection =
            accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) return;
        sockaddr_in local{};
        socklen_t size = sizeof local;
        getsockname(connection, reinterpret_cast<sockaddr*>(&local), &size);
        const std::uint32_t place = ntohl(local.sin_addr.s_addr) - network_;
        const std::uint32_t backend = (place >> 8U) * 250U + (place & 0xffU) - 1U;
        if (backend >= backends_.size()) {
            close(connection);
            continue;
        }
        if (backends_[backend].behaviour == Behaviour::reset) {
            arrived(backend);
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close(connection);
            continue;
        }
        connections_[connection] = backend;
        add(epoll_.get(), connection);
    }
}

/// Whether the request itself asks the backend of this number to fail.
static bool fails(std::string_view request, std::string_view number) {
    const std::string_view path = request.substr(request.find(' ') + 1);
    if (!path.starts_with(Responder::failing_path)) return false;
    const std::string_view rest = path.substr(Responder::failing_path.size());
    const std::string_view who = rest.substr(0, rest.find(' '));
    return who.empty() || who == number;
}

void Responder::answer(int connection) {
    std::array<char, 4096> buffer{};
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    const std::uint32_t backend = connections_[connection];
    if (got > 0) {
        const std::string_view request(buffer.data(), static_cast<std::size_t>(got));
        const bool is_traffic = request.substr(request.find(' ') + 1).starts_with(traffic_path);
        if (is_traffic) {
            arrived_traffic(backend);
        } else {
            arrived(backend);
        }
        const Behaviour behaviour = backends_[backend].behaviour;
        if (behaviour == Behaviour::hanging) return;
        if (behaviour == Behaviour::dripping) {
            dripping_[connection] = ++last_serial_;
            drips_.push_back({.due = now(), .connection = connection, .serial = last_serial_});
            return;
        }
        const std::string number = std::to_string(backend);
        const std::string named =
            fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                        number.size(),
                        number);
        const bool is_bad = behaviour == Behaviour::failing_traffic
                                ? is_traffic
                                : behaviour != Behaviour::healthy || fails(request, number);
        const std::string_view reply = is_bad ? bad : is_traffic ? std::string_view(named) : ok;
        send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
    drop(connection);
}

/// Out of the epoll set first: to close it does that only when no child that is just being started
/// has a copy, and its events would then be taken for those of whatever has the number next.
void Responder::drop(int connection) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection, nullptr);
    connections_.erase(connection);
    dripping_.erase(connection);
    close(connection);
}

}  // namespace muster::test
