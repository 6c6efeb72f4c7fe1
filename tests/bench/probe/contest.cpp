#include "tests/bench/probe/contest.hpp"

#include "tests/support/process.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace muster::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

int must(int result, const char* what) {
    if (result < 0) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
    return result;
}

nanoseconds read(clockid_t which) {
    timespec time{};
    must(clock_gettime(which, &time), "clock_gettime");
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

nanoseconds cpu_of(pid_t pid) {
    clockid_t clock = 0;
    if (clock_getcpuclockid(pid, &clock) != 0) throw std::runtime_error("the prober has ended");
    return read(clock);
}

void wait(nanoseconds span) {
    const nanoseconds until = read(CLOCK_MONOTONIC) + span;
    timespec time{.tv_sec = until.count() / 1'000'000'000,
                  .tv_nsec = until.count() % 1'000'000'000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
    }
}

void pin(pid_t pid, int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    // With one core there is nothing to choose.
    (void)sched_setaffinity(pid, sizeof set, &set);
}

constexpr std::string_view reply_and_close =
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
    "Connection: close\r\n\r\nok\n";
constexpr std::string_view reply_and_stay =
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

[[noreturn]] void respond(int listener, std::atomic<std::uint64_t>& requests) {
    pin(0, 0);
    const int poll = must(epoll_create1(0), "epoll_create1");
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = listener}};
    must(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted), "epoll_ctl");
    for (;;) {
        epoll_event events[256];
        const int count = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                // Who accepts for as long as somebody connects answers nobody.
                for (int accepted = 0; accepted < 64; ++accepted) {
                    const int client = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK);
                    if (client < 0 && errno != EAGAIN && errno != ECONNABORTED)
                        must(client, "accept");
                    if (client < 0) break;
                    epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
                                      .data = {.fd = client}};
                    must(epoll_ctl(poll, EPOLL_CTL_ADD, client, &event), "epoll_ctl");
                }
                continue;
            }
            char request[4096];
            const ssize_t got = recv(fd, request, sizeof request, 0);
            if (got <= 0) {
                close(fd);
                continue;
            }
            requests.fetch_add(1, std::memory_order_relaxed);
            const std::string_view text(request, static_cast<std::size_t>(got));
            const bool last = text.find("onnection: close") != std::string_view::npos;
            const std::string_view reply = last ? reply_and_close : reply_and_stay;
            (void)!send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
            // The end behind a request comes as no event of its own.
            if (last || (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) close(fd);
        }
    }
}

class ProcessContestant final : public Contestant {
 public:
    ProcessContestant(std::unique_ptr<test::TempDir> directory,
                      const std::vector<std::string>& argv)
        : directory_(std::move(directory)),
          process_({.argv = argv, .output = directory_->path() / "log"}) {
        pin(process_.pid(), 1);
    }
    [[nodiscard]] pid_t pid() const override { return process_.pid(); }

 private:
    std::unique_ptr<test::TempDir> directory_;
    test::Process process_;
};

}  // namespace

std::string target_address(int number) {
    return fmt::format("127.{}.{}.{}", 1 + number / 62'500, number / 250 % 250, 1 + number % 250);
}

struct Responder::Shared {
    std::atomic<std::uint64_t> requests{0};
};

Responder::Responder() {
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    shared_ = new (memory) Shared();
    const int listener = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    sockaddr_in any{};
    any.sin_family = AF_INET;
    socklen_t size = sizeof any;
    must(bind(listener, reinterpret_cast<sockaddr*>(&any), size), "bind");
    must(listen(listener, 4096), "listen");
    must(getsockname(listener, reinterpret_cast<sockaddr*>(&any), &size), "getsockname");
    port_ = ntohs(any.sin_port);
    pid_ = must(fork(), "fork");
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        respond(listener, shared_->requests);
    }
    close(listener);
}

Responder::~Responder() {
    if (pid_ > 1) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    munmap(shared_, sizeof(Shared));
}

std::uint64_t Responder::requests() const {
    return shared_->requests.load();
}

std::uint64_t connections_begun() {
    std::ifstream file("/proc/self/net/snmp");
    std::string names;
    std::string values;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("Tcp:")) continue;
        (names.empty() ? names : values) = line;
    }
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value) {
        if (name == "ActiveOpens") return std::stoull(value);
    }
    throw std::runtime_error("the kernel does not count connections");
}

Cost Contestant::measure(const Responder& responder, Kind kind, std::chrono::seconds span) {
    const auto probes = [&] {
        return kind == Kind::tcp ? connections_begun() : responder.requests();
    };
    // Until it goes at its full pace.
    wait(3s);
    const std::uint64_t before = probes();
    const nanoseconds cpu_before = cpu_of(pid());
    const nanoseconds start = read(CLOCK_MONOTONIC);
    wait(span);
    const std::chrono::duration<double> passed = read(CLOCK_MONOTONIC) - start;
    const nanoseconds spent = cpu_of(pid()) - cpu_before;
    const auto done = static_cast<double>(probes() - before);
    if (done < 1) throw std::runtime_error("nobody has probed");
    return {.cpu_us = static_cast<double>(spent.count()) / 1000.0 / done,
            .per_second = done / passed.count()};
}

std::uint64_t Contestant::resident_bytes() const {
    std::ifstream file(fmt::format("/proc/{}/statm", pid()));
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    file >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::unique_ptr<Contestant> start_musterd(const Responder& responder,
                                          const Load& load,
                                          std::uint16_t api_port) {
    auto directory = std::make_unique<test::TempDir>();
    const std::string file = (directory->path() / "groups.yaml").string();
    std::ofstream out(file);
    out << "kind: Group\nname: bench\nspec:\n  check:\n"
        << (load.kind == Kind::tcp ? "    tcp: {}\n" : "    http: {path: /health}\n")
        << (load.kind == Kind::http_reuse ? "    reuse: true\n" : "")
        << fmt::format("    interval: {0}ms\n    timeout: {1}ms\n  backends:\n",
                       load.interval.count(),
                       std::min<std::int64_t>(load.interval.count(), 1000));
    for (int i = 0; i < load.checks; ++i)
        out << fmt::format("    - {}:{}\n", target_address(i), responder.port());
    out.close();
    return std::make_unique<ProcessContestant>(
        std::move(directory),
        std::vector<std::string>{test::built_program("orchestrator/musterd").string(),
                                 "dev",
                                 file,
                                 "--listen",
                                 fmt::format("127.0.0.1:{}", api_port)});
}

std::unique_ptr<Contestant> start_haproxy(const Responder& responder, const Load& load) {
    auto directory = std::make_unique<test::TempDir>();
    const std::string file = (directory->path() / "haproxy.cfg").string();
    std::ofstream out(file);
    out << "global\n  nbthread 1\n  maxconn 1000\n"
           "defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"
           "  timeout check 1s\n"
           "frontend idle\n  bind 127.0.0.1:1\n  default_backend bench\n"
        << (load.kind == Kind::tcp ? "backend bench\n  mode tcp\n"
                                   : "backend bench\n  mode http\n  option httpchk\n"
                                     "  http-check send meth GET uri /health ver HTTP/1.1 hdr Host "
                                     "bench hdr Connection close\n");
    for (int i = 0; i < load.checks; ++i) {
        out << fmt::format("  server s{} {}:{} check inter {}ms\n",
                           i,
                           target_address(i),
                           responder.port(),
                           load.interval.count());
    }
    out.close();
    return std::make_unique<ProcessContestant>(
        std::move(directory), std::vector<std::string>{"haproxy", "-db", "-f", file});
}

LateStarts late_starts(std::uint16_t api_port) {
    const int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(api_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
    constexpr std::string_view request =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    std::string text;
    char buffer[65536];
    for (ssize_t got = recv(fd, buffer, sizeof buffer, 0); got > 0;
         got = recv(fd, buffer, sizeof buffer, 0))
        text.append(buffer, static_cast<std::size_t>(got));
    close(fd);
    constexpr std::string_view name = "muster_probe_lateness_seconds_bucket{le=\"";
    LateStarts buckets;
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
        at += name.size();
        const std::size_t end = text.find('"', at);
        const std::string bound = text.substr(at, end - at);
        const double count = std::stod(text.substr(text.find(' ', end)));
        buckets.emplace_back(bound == "+Inf" ? 1e6 : std::stod(bound), count);
    }
    if (buckets.empty()) throw std::runtime_error("musterd has no histogram of its lateness");
    return buckets;
}

double late_start_p999_ms(const LateStarts& before, const LateStarts& after) {
    const double all = after.back().second - before.back().second;
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i].second - before[i].second >= 0.999 * all) return after[i].first * 1000;
    }
    return 1e9;
}

double bare_timer_p999_ms(int rate, std::chrono::seconds span) {
    pin(0, 1);
    std::vector<double> late;
    const nanoseconds period = nanoseconds(1s) / rate;
    nanoseconds due = read(CLOCK_MONOTONIC) + period;
    const nanoseconds end = due + span;
    while (due < end) {
        const nanoseconds now = read(CLOCK_MONOTONIC);
        if (now < due) wait(due - now);
        late.push_back(
            std::chrono::duration<double, std::milli>(read(CLOCK_MONOTONIC) - due).count());
        due += period;
    }
    std::ranges::sort(late);
    return late[late.size() * 999 / 1000];
}

}  // namespace muster::bench
