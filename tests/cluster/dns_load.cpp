#include "tests/cluster/dns_load.hpp"

#include "dnsupdate/dns_message.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace muster::test {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds idle_period = 3s;
constexpr int steps_of_octave = 4;

struct Answer {
    int status = 0;
    bool closes = false;
};

/// Nothing while it isn't whole.
std::optional<Answer> parse(const std::string& text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    std::string head = text.substr(0, end);
    std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t length = head.find("content-length:");
    const std::size_t size =
        length == std::string::npos ? 0 : std::strtoul(head.c_str() + length + 15, nullptr, 10);
    if (text.size() < end + 4 + size) return std::nullopt;
    Answer answer{.closes = head.contains("connection: close")};
    if (head.starts_with("http/1.") && head.size() > 9) answer.status = std::atoi(head.c_str() + 9);
    return answer;
}

sockaddr_in place(const std::string& address, std::uint16_t port) {
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = inet_addr(address.c_str());
    return to;
}

std::size_t step_of(std::chrono::nanoseconds span) {
    const double us = std::max(1.0, static_cast<double>(span.count()) / 1'000);
    return std::min<std::size_t>(127, static_cast<std::size_t>(std::log2(us) * steps_of_octave));
}

}  // namespace

DnsLoad::Counts DnsLoad::Counts::since(const Counts& before) const {
    Counts part = *this;
    part.sent -= before.sent;
    part.answered -= before.answered;
    part.failed -= before.failed;
    part.skipped -= before.skipped;
    part.connections -= before.connections;
    part.questions -= before.questions;
    for (const auto& [why, count] : before.failures) part.failures[why] -= count;
    std::erase_if(part.failures, [](const auto& entry) { return entry.second == 0; });
    for (const auto& [address, count] : before.by_address) part.by_address[address] -= count;
    std::erase_if(part.by_address, [](const auto& entry) { return entry.second == 0; });
    part.elapsed -= before.elapsed;
    for (std::size_t i = 0; i < latencies.size(); ++i) part.latencies[i] -= before.latencies[i];
    return part;
}

double DnsLoad::Counts::per_second() const {
    return static_cast<double>(answered) / std::chrono::duration<double>(elapsed).count();
}

std::chrono::microseconds DnsLoad::Counts::latency(double share) const {
    const double wanted = share * static_cast<double>(answered);
    double below = 0;
    for (std::size_t i = 0; i < latencies.size(); ++i) {
        below += static_cast<double>(latencies[i]);
        if (below < wanted) continue;
        return std::chrono::microseconds(
            static_cast<std::int64_t>(std::exp2(static_cast<double>(i + 1) / steps_of_octave)));
    }
    return {};
}

std::string DnsLoad::Counts::str() const {
    return fmt::format(
        "{} sent, {} answered ({:.0f}/s), {} failed {}, {} skipped, {} connections, {} questions, "
        "p50 {} us, p99 {} us, by {}",
        sent,
        answered,
        per_second(),
        failed,
        failures,
        skipped,
        connections,
        questions,
        latency(0.5).count(),
        latency(0.99).count(),
        by_address);
}

DnsLoad::DnsLoad(Settings settings)
    : settings_(std::move(settings)),
      start_(monotonic_now()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      resolver_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      clients_(settings_.clients + settings_.idle_clients) {
    const sockaddr_in to = place("127.0.0.1", settings_.name_server);
    // The socket API's own cast.
    (void)::connect(resolver_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    for (std::size_t i = 0; i < settings_.idle_clients; ++i)
        clients_[settings_.clients + i].due =
            start_ + idle_period * static_cast<int>(i) / static_cast<int>(settings_.idle_clients);
    thread_ = std::thread([this] { run(); });
}

DnsLoad::~DnsLoad() {
    ending_ = true;
    thread_.join();
    for (Client& client : clients_) drop(client);
}

DnsLoad::Counts DnsLoad::counts() const {
    const std::scoped_lock lock(mutex_);
    Counts now = counts_;
    now.elapsed = monotonic_now() - start_;
    return now;
}

bool DnsLoad::wait_for(std::uint64_t requests, std::chrono::seconds limit) const {
    const auto due = [this] {
        const Counts now = counts();
        return now.sent + now.skipped;
    };
    const std::uint64_t target = due() + requests;
    return eventually(limit, [&] { return due() >= target; });
}

void DnsLoad::run() {
    const std::chrono::nanoseconds period = std::chrono::nanoseconds(1s) / settings_.per_second;
    std::chrono::nanoseconds due = monotonic_now();
    std::array<epoll_event, 64> events{};
    std::size_t turn = 0;
    std::chrono::nanoseconds looked{};
    while (!ending_) {
        const int count =
            epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 1);
        for (int i = 0; i < count; ++i)
            receive_on(clients_[events[static_cast<std::size_t>(i)].data.u64]);
        const std::chrono::nanoseconds now = monotonic_now();
        if (now - looked >= 10ms) give_up_late(looked = now);
        for (; due <= now && !ending_; due += period) {
            std::size_t tried = 0;
            while (tried < settings_.clients && clients_[turn].waiting) {
                turn = (turn + 1) % settings_.clients;
                ++tried;
            }
            if (tried == settings_.clients) {
                const std::scoped_lock lock(mutex_);
                ++counts_.skipped;
                continue;
            }
            send_on(clients_[turn]);
            turn = (turn + 1) % settings_.clients;
        }
    }
}

/// And sends what idle clients send.
void DnsLoad::give_up_late(std::chrono::nanoseconds now) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        Client& client = clients_[i];
        if (client.waiting && now - client.since > settings_.patience) fail(client, "no answer");
        if (i < settings_.clients || client.waiting || now < client.due) continue;
        client.due += idle_period;
        send_on(client);
    }
}

/// For a moment of the thread's time: the server is on this machine.
void DnsLoad::look_up(Client& client) {
    const dnsupdate::DnsName name(settings_.name);
    for (int attempt = 0; attempt < 3; ++attempt) {
        const std::uint16_t id = ++last_question_;
        const std::string question = dnsupdate::encode_question(name, dnsupdate::RecordType::a, id);
        {
            const std::scoped_lock lock(mutex_);
            ++counts_.questions;
        }
        (void)::send(resolver_.get(), question.data(), question.size(), 0);
        pollfd ready{.fd = resolver_.get(), .events = POLLIN, .revents = 0};
        while (::poll(&ready, 1, 500) == 1) {
            std::array<char, 4096> buffer{};
            const ssize_t size = ::recv(resolver_.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0) break;
            const auto answer = dnsupdate::decode_answer(
                std::string_view(buffer.data(), static_cast<std::size_t>(size)),
                name,
                dnsupdate::RecordType::a,
                id);
            if (!answer || answer->code != "NOERROR" || answer->records.empty()) continue;
            client.known.clear();
            std::uint32_t ttl = answer->records.front().ttl;
            for (const dnsupdate::DnsRecord& record : answer->records) {
                if (record.type == "A") client.known.insert(record.data);
                ttl = std::min(ttl, record.ttl);
            }
            client.known_until = monotonic_now() + std::chrono::seconds(ttl);
            return;
        }
    }
}

/// Why it couldn't; empty: it is open.
std::string DnsLoad::open(Client& client) {
    if (monotonic_now() >= client.known_until) look_up(client);
    if (client.known.empty()) return "no address";
    auto chosen = client.known.begin();
    std::advance(chosen, random_() % client.known.size());
    client.address = *chosen;
    client.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval limit{.tv_sec = 2, .tv_usec = 0};
    setsockopt(client.socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const sockaddr_in to = place(client.address, settings_.port);
    // Loopback: answered at once.
    if (::connect(client.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return fmt::format("connect: {}", std::strerror(errno));
    client.left =
        settings_.requests_of_connection +
        static_cast<int>(random_() % static_cast<unsigned>(settings_.requests_of_connection));
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP,
                      .data = {.u64 = static_cast<std::uint64_t>(&client - clients_.data())}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.socket, &event);
    const std::scoped_lock lock(mutex_);
    ++counts_.connections;
    return {};
}

void DnsLoad::send_on(Client& client) {
    {
        const std::scoped_lock lock(mutex_);
        ++counts_.sent;
    }
    client.since = monotonic_now();
    client.got.clear();
    if (client.socket < 0) {
        if (const std::string why = open(client); !why.empty()) return fail(client, why);
    }
    client.waiting = true;
    const std::string request =
        fmt::format("GET /load HTTP/1.1\r\nHost: {}\r\n\r\n", settings_.name);
    if (::send(client.socket, request.data(), request.size(), MSG_NOSIGNAL) < 0)
        fail(client, fmt::format("send: {}", std::strerror(errno)));
}

void DnsLoad::receive_on(Client& client) {
    if (client.socket < 0) return;
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0 && client.waiting)
        return fail(client,
                    size == 0 ? "closed before its answer"
                              : fmt::format("receive: {}", std::strerror(errno)));
    if (size <= 0) return drop(client);
    client.got.append(buffer.data(), static_cast<std::size_t>(size));
    const auto answer = parse(client.got);
    if (!answer) return;
    if (answer->status != 200) return fail(client, fmt::format("status {}", answer->status));
    answered(client);
    if (answer->closes || --client.left <= 0) drop(client);
}

void DnsLoad::answered(Client& client) {
    client.waiting = false;
    const std::scoped_lock lock(mutex_);
    ++counts_.answered;
    ++counts_.by_address[client.address];
    ++counts_.latencies[step_of(monotonic_now() - client.since)];
}

void DnsLoad::fail(Client& client, const std::string& why) {
    {
        const std::scoped_lock lock(mutex_);
        ++counts_.failed;
        ++counts_.failures[why];
    }
    drop(client);
}

void DnsLoad::drop(Client& client) {
    if (client.socket >= 0) ::close(client.socket);
    client.socket = -1;
    client.waiting = false;
}

}  // namespace muster::test
