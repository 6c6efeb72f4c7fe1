// What one HTTP probe costs, in CPU time of the probing thread, next to a bare epoll loop that does
// the same by hand. Responder in a process of its own; contestants take turns, figures are medians
// of the rounds, and ratios are taken within each round. On loopback the sender's CPU pays for the
// receiver's packets, too: compare ratios, not microseconds. Sections can be chosen:
// MUSTER_BENCH_SECTIONS=thread,processes,standing.

#include "checker/network_prober.hpp"
#include "checker/prober_pool.hpp"
#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "tests/bench/probe/contest.hpp"
#include "tests/bench/support/own_network.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr int targets = 100;  ///< listening sockets of the responder
constexpr int in_flight = 64;
constexpr auto tick = 10ms;
constexpr std::string_view reply =
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
    "Connection: close\r\n\r\nok\n";

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

int must(int result, const char* what) {
    if (result < 0) die(what);
    return result;
}

nanoseconds read(clockid_t which) {
    timespec time{};
    clock_gettime(which, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

nanoseconds cpu() {
    return read(CLOCK_THREAD_CPUTIME_ID);
}

nanoseconds now() {
    return read(CLOCK_MONOTONIC);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

template <class Call>
int with_address(int fd, sockaddr_in address, Call call) {
    return call(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

// ---- the responder: answers whatever comes, and closes first

struct Listeners {
    std::vector<int> sockets;
    std::vector<std::uint16_t> ports;
};

Listeners listen_on_loopback() {
    Listeners result;
    for (int i = 0; i < targets; ++i) {
        const int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
        must(with_address(fd, loopback(0), ::bind), "bind");
        must(listen(fd, 4096), "listen");
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        must(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size), "getsockname");
        result.sockets.push_back(fd);
        result.ports.push_back(ntohs(bound.sin_port));
    }
    return result;
}

[[noreturn]] void respond(const Listeners& listeners) {
    const int poll = must(epoll_create1(0), "epoll_create1");
    const int last_listener = listeners.sockets.back();
    for (const int fd : listeners.sockets) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        must(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }
    for (;;) {
        epoll_event events[256];
        const int count = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd <= last_listener) {
                for (int client = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK); client >= 0;
                     client = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK)) {
                    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = client}};
                    must(epoll_ctl(poll, EPOLL_CTL_ADD, client, &event), "epoll_ctl");
                }
                continue;
            }
            char request[4096];
            if (recv(fd, request, sizeof request, 0) > 0) {
                (void)!send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
            }
            close(fd);
        }
    }
}

// ---- the baseline: epoll by hand

enum class Tricks { none, reset_and_delayed_ack };

class BareProber {
 public:
    BareProber(const std::vector<sockaddr_in>& at, Tricks tricks)
        : targets_(at), tricks_(tricks), poll_(must(epoll_create1(0), "epoll_create1")) {}
    ~BareProber() { close(poll_); }
    BareProber(const BareProber&) = delete;
    BareProber& operator=(const BareProber&) = delete;

    void start() {
        const int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
        if (tricks_ == Tricks::reset_and_delayed_ack) {
            const int off = 0;
            setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
        }
        (void)with_address(fd, targets_[next_++ % targets_.size()], ::connect);
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = fd}};
        must(epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
        ++running;
    }

    /// Waits up to `limit` and handles what is ready; returns probes completed.
    int handle(nanoseconds limit) {
        epoll_event events[256];
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
        const int count = epoll_wait(poll_, events, 256, static_cast<int>(wait));
        int completed = 0;
        for (int i = 0; i < count; ++i) completed += on_ready(events[i]);
        return completed;
    }

    int running = 0;

 private:
    int on_ready(const epoll_event& event) {
        const int fd = event.data.fd;
        if ((event.events & EPOLLIN) == 0) {
            (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
            return 0;
        }
        char buffer[4096];
        const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got < 12 || std::string_view(buffer + 9, 3) != "200") die("reply");
        if (tricks_ == Tricks::reset_and_delayed_ack) {
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        close(fd);
        --running;
        return 1;
    }

    static constexpr std::string_view request =
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\nConnection: close\r\n"
        "\r\n";

    const std::vector<sockaddr_in>& targets_;
    Tricks tricks_;
    int poll_;
    std::size_t next_ = 0;
};

std::vector<sockaddr_in> addresses_of(const std::vector<std::uint16_t>& ports) {
    std::vector<sockaddr_in> all;
    for (const std::uint16_t port : ports) all.push_back(loopback(port));
    return all;
}

// ---- contestants: each returns the CPU microseconds of one probe

double cost(nanoseconds spent, std::uint64_t probes) {
    return static_cast<double>(spent.count()) / 1000.0 / static_cast<double>(probes);
}

double bare_saturated(const std::vector<sockaddr_in>& at, Tricks tricks, nanoseconds span) {
    BareProber prober(at, tricks);
    const nanoseconds cpu_before = cpu();
    const nanoseconds end = now() + span;
    std::uint64_t done = 0;
    while (now() < end || prober.running > 0) {
        while (now() < end && prober.running < in_flight) prober.start();
        done += static_cast<std::uint64_t>(prober.handle(1s));
    }
    return cost(cpu() - cpu_before, done);
}

/// `per_tick` > 0: so many probes together every 10 ms; 0: each at a time of its own.
double bare_paced(
    const std::vector<sockaddr_in>& at, Tricks tricks, nanoseconds span, int rate, bool in_ticks) {
    BareProber prober(at, tricks);
    const nanoseconds period = in_ticks ? nanoseconds(tick) : nanoseconds(1s) / rate;
    const int batch = in_ticks ? rate / 100 : 1;
    const nanoseconds cpu_before = cpu();
    nanoseconds due = now();
    const nanoseconds end = due + span;
    std::uint64_t done = 0;
    while (now() < end || prober.running > 0) {
        if (now() >= due && due < end) {
            for (int i = 0; i < batch; ++i) prober.start();
            due += period;
        }
        done += static_cast<std::uint64_t>(
            prober.handle(std::max(nanoseconds(0), std::min(due, end) - now())));
    }
    return cost(cpu() - cpu_before, done);
}

std::shared_ptr<const checker::ProbeRequest> request_for(std::uint16_t port, int variant = 0) {
    return std::make_shared<checker::ProbeRequest>(checker::ProbeRequest{
        .host = "127.0.0.1",
        .port = port,
        .probe = config::HttpCheck{.path = "/health" + std::to_string(variant)},
        .timeout = 5s});
}

double muster_saturated(const std::vector<std::uint16_t>& ports, nanoseconds span) {
    asio::io_context context{1};
    AsioClock clock;
    checker::NetworkProber prober(context.get_executor(), clock);
    std::vector<std::shared_ptr<const checker::ProbeRequest>> requests;
    for (const auto port : ports) requests.push_back(request_for(port));
    std::size_t next = 0;
    std::uint64_t done = 0;
    const nanoseconds cpu_before = cpu();
    const nanoseconds end = now() + span;
    std::function<void()> start = [&] {
        prober.start(requests[next++ % requests.size()], [&](checker::ProbeOutcome outcome) {
            if (outcome.result != checker::Result::success) die("muster: reply");
            ++done;
            if (now() < end) start();
        });
    };
    for (int i = 0; i < in_flight; ++i) start();
    while (prober.running() > 0) context.run_one();
    const double result = cost(cpu() - cpu_before, done);
    prober.stop();
    return result;
}

struct EngineRun {
    double cpu_us = 0;
    double late_p99_ms = 0;  ///< upper bound of its histogram's step
    double bytes_per_check = 0;
    double lost = 0;  ///< probes due and not made
};

/// The whole engine: `rate` checks of one second each.
EngineRun muster_paced(const std::vector<std::uint16_t>& ports, nanoseconds span, int rate) {
    asio::io_context context{1};
    AsioClock clock;
    checker::NetworkProber prober(context.get_executor(), clock);
    checker::InlinePool pool(context.get_executor(), clock, prober, {});
    const auto spec =
        std::make_shared<config::CheckSpec>(config::CheckSpec{.interval = 1s, .timeout = 1s});
    std::vector<checker::Check> checks;
    for (int i = 0; i < rate; ++i) {
        const auto index = static_cast<std::size_t>(i);
        checks.push_back({.id = checker::CheckId{index},
                          .request = request_for(ports[index % ports.size()], i),
                          .spec = spec});
    }
    const std::size_t heap_before = mallinfo2().uordblks;
    pool.put(checks);
    const std::size_t heap_after = mallinfo2().uordblks;
    TaskGroup tasks(context.get_executor());
    tasks.spawn("pool", pool.run());
    const nanoseconds cpu_before = cpu();
    context.run_for(span);
    const nanoseconds spent = cpu() - cpu_before;

    EngineRun run;
    checker::EngineCounters counters;
    asio::co_spawn(
        context, pool.counters(), [&](const std::exception_ptr&, checker::EngineCounters all) {
            counters = std::move(all);
        });
    tasks.cancel();
    prober.stop();
    context.run_for(1s);
    run.cpu_us = cost(spent, counters.succeeded);
    const auto due = static_cast<double>(rate) * std::chrono::duration<double>(span).count();
    run.lost = std::max(0.0, due - static_cast<double>(counters.started) - rate / 50.0);
    run.bytes_per_check = static_cast<double>(heap_after - heap_before) / static_cast<double>(rate);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counters.lateness.size(); ++i) {
        seen += counters.lateness[i];
        if (seen * 100 < counters.started * 99) continue;
        run.late_p99_ms = i < std::size(checker::lateness_bounds)
                              ? static_cast<double>(checker::lateness_bounds[i].count()) / 1000.0
                              : 1e9;
        break;
    }
    return run;
}

// ---- figures

class Figures {
 public:
    void add(const std::string& name, double value) { values_[name].push_back(value); }

    /// Every figure that there is, with its unit by the end of its name.
    [[nodiscard]] std::vector<std::pair<std::string, const char*>> units() const {
        std::vector<std::pair<std::string, const char*>> all;
        for (const auto& [name, values] : values_) {
            all.emplace_back(name,
                             name.ends_with("_us")           ? "us"
                             : name.ends_with("_ms")         ? "ms"
                             : name.ends_with("_mib")        ? "MiB"
                             : name.ends_with("_bytes")      ? "bytes"
                             : name.ends_with("_per_second") ? "1/s"
                             : name.ends_with("_lost")       ? "probes"
                                                             : "ratio");
        }
        return all;
    }
    void print(const std::string& name, const char* unit) {
        std::vector<double>& all = values_.at(name);
        std::ranges::sort(all);
        std::printf("%s: %.3f to %.3f\n", name.c_str(), all.front(), all.back());
        std::printf("metric %s %.3f %s\n", name.c_str(), all[all.size() / 2], unit);
    }

 private:
    std::map<std::string, std::vector<double>> values_;
};

void saturated_round(const std::vector<std::uint16_t>& ports, Figures& figures, nanoseconds span) {
    const double plain = bare_saturated(addresses_of(ports), Tricks::none, span);
    const double best = bare_saturated(addresses_of(ports), Tricks::reset_and_delayed_ack, span);
    const double ours = muster_saturated(ports, span);
    figures.add("probe_saturated_cpu_us", ours);
    figures.add("probe_saturated_epoll_cpu_us", plain);
    figures.add("probe_saturated_epoll_best_cpu_us", best);
    figures.add("probe_saturated_ratio_to_epoll", ours / plain);
    figures.add("probe_saturated_ratio_to_epoll_best", ours / best);
}

void paced_round(const std::vector<std::uint16_t>& ports, Figures& figures, nanoseconds span) {
    constexpr int rate = 1000;
    const double plain = bare_paced(addresses_of(ports), Tricks::none, span, rate, false);
    const double best =
        bare_paced(addresses_of(ports), Tricks::reset_and_delayed_ack, span, rate, true);
    const EngineRun ours = muster_paced(ports, span, rate);
    figures.add("probe_cpu_us", ours.cpu_us);
    figures.add("probe_epoll_cpu_us", plain);
    figures.add("probe_epoll_best_cpu_us", best);
    figures.add("probe_ratio_to_epoll", ours.cpu_us / plain);
    figures.add("probe_ratio_to_epoll_best", ours.cpu_us / best);
    figures.add("probe_late_start_p99_ms", ours.late_p99_ms);
    figures.add("probe_lost", ours.lost);
    figures.add("check_idle_bytes", ours.bytes_per_check);
}

// ---- whole processes

/// One round: HAProxy, a bare loop and musterd, each with all of the processor it wants.
void processes_round(const bench::Responder& responder, Figures& figures, std::uint16_t api_port) {
    using bench::Kind;
    constexpr std::chrono::seconds span{4};
    const auto both = [&](const std::string& name, Kind ours, Kind theirs, int checks, auto every) {
        const bench::Load our_load{.kind = ours, .checks = checks, .interval = every};
        const bench::Load their_load{.kind = theirs, .checks = checks, .interval = every};
        const bench::Cost haproxy =
            bench::start_haproxy(responder, their_load)->measure(responder, theirs, span);
        const bench::Cost muster =
            bench::start_musterd(responder, our_load, api_port)->measure(responder, ours, span);
        figures.add(name + "_us", muster.cpu_us);
        figures.add(name + "_per_second", muster.per_second);
        figures.add(name + "_haproxy_us", haproxy.cpu_us);
        figures.add(name + "_haproxy_per_second", haproxy.per_second);
        figures.add(name + "_vs_haproxy", muster.cpu_us / haproxy.cpu_us);
        return muster;
    };
    // Asked for 60,000 a second: more than anyone can.
    const bench::Cost close =
        both("probe_http_close", Kind::http_close, Kind::http_close, 3000, 50ms);
    std::vector<sockaddr_in> same_targets;
    for (int i = 0; i < 3000; ++i) {
        sockaddr_in& one = same_targets.emplace_back(loopback(responder.port()));
        must(inet_pton(AF_INET, bench::target_address(i).c_str(), &one.sin_addr), "inet_pton");
    }
    const double bare = bare_saturated(same_targets, Tricks::reset_and_delayed_ack, span);
    figures.add("probe_http_close_epoll_us", bare);
    figures.add("probe_http_close_vs_epoll", close.cpu_us / bare);
    // 120,000: over kept connections musterd does more than 60,000.
    both("probe_http_reuse", Kind::http_reuse, Kind::http_close, 3000, 25ms);
    both("probe_tcp", Kind::tcp, Kind::tcp, 3000, 50ms);
    both("probe_paced_1000", Kind::http_close, Kind::http_close, 1000, 1000ms);
}

/// What stands still: many checks that are hardly ever due. And what must be on time.
void standing(const bench::Responder& responder, Figures& figures, std::uint16_t api_port) {
    constexpr int idle_checks = 50'000;
    {
        const auto idle = bench::start_musterd(
            responder,
            {.kind = bench::Kind::http_close, .checks = idle_checks, .interval = 1h},
            api_port);
        (void)idle->measure(responder, bench::Kind::http_close, std::chrono::seconds(12));
        figures.add("rss_idle_mib", static_cast<double>(idle->resident_bytes()) / (1 << 20));
        figures.add("rss_per_check_bytes",
                    (static_cast<double>(idle->resident_bytes()) - 20e6) / idle_checks);
    }
    {
        const auto busy = bench::start_musterd(
            responder,
            {.kind = bench::Kind::http_close, .checks = 50'000, .interval = 10s},
            api_port);
        // Until each has had its first turn.
        (void)busy->measure(responder, bench::Kind::http_close, std::chrono::seconds(10));
        const bench::LateStarts before = bench::late_starts(api_port);
        const bench::Cost cost =
            busy->measure(responder, bench::Kind::http_close, std::chrono::seconds(30));
        figures.add("late_start_probes_per_second", cost.per_second);
        figures.add("late_start_p999_ms",
                    bench::late_start_p999_ms(before, bench::late_starts(api_port)));
    }
    figures.add("late_start_bare_timer_p999_ms",
                bench::bare_timer_p999_ms(5'000, std::chrono::seconds(10)));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
    const nanoseconds span = 2s;
    bench::enter_own_network();
    // Before any thread. The responder ends with us.
    const Listeners listeners = listen_on_loopback();
    const pid_t answering = must(fork(), "fork");
    if (answering == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        respond(listeners);
    }
    for (const int fd : listeners.sockets) close(fd);
    const bench::Responder responder;
    constexpr std::uint16_t api_port = 9700;  // nobody else is in this network

    const char* const chosen = std::getenv("MUSTER_BENCH_SECTIONS");
    const std::string sections = chosen != nullptr ? chosen : "thread,processes,standing";
    const auto wanted = [&](const char* name) { return sections.find(name) != std::string::npos; };
    Figures figures;
    for (int round = 0; round < rounds; ++round) {
        if (wanted("thread")) {
            saturated_round(listeners.ports, figures, span);
            paced_round(listeners.ports, figures, span);
        }
        if (wanted("processes")) processes_round(responder, figures, api_port);
        std::fprintf(stderr, "round %d of %d\n", round + 1, rounds);
    }
    if (wanted("standing")) standing(responder, figures, api_port);
    kill(answering, SIGKILL);
    waitpid(answering, nullptr, 0);

    std::printf("medians of %d rounds, and their range\n", rounds);
    for (const auto& [name, unit] : figures.units()) figures.print(name, unit);
}
