#include "checker/network_prober.hpp"

#include "checker/alarm.hpp"
#include "checker/make_dialogue.hpp"
#include "checker/poll_set.hpp"
#include "checker/probe_socket.hpp"
#include "checker/schedule.hpp"
#include "checker/socket_errors.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <map>
#include <unordered_map>
#include <utility>
#include <variant>

namespace muster::checker {

namespace {

constexpr std::uint32_t events_wanted = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t peer_is_done = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

enum class Phase : std::uint8_t { resolving, connecting, replying };

/// When which probe (its serial) times out.
using Deadlines = std::multimap<SteadyTime, std::uint64_t>;

std::chrono::microseconds since(SteadyTime start, SteadyTime now) {
    return std::chrono::ceil<std::chrono::microseconds>(now - start);
}

ProbeOutcome inconclusive(Reason reason) {
    return {.result = Result::inconclusive, .reason = reason};
}

ProbeOutcome failure(Reason reason, int code = 0) {
    return {.result = Result::failure, .reason = reason, .code = static_cast<std::uint16_t>(code)};
}

}  // namespace

struct NetworkProber::Inside {
    /// One probe under way.
    struct Probe final : PollSet::Waiter {
        Probe(Inside& the_prober, std::uint64_t the_serial)
            : prober(the_prober), serial(the_serial) {}
        Probe(const Probe&) = delete;
        Probe& operator=(const Probe&) = delete;
        ~Probe() = default;

        void on_ready(int /*descriptor*/, std::uint32_t epoll_events) override {
            prober.on_ready(*this, epoll_events);
        }

        Inside& prober;
        std::uint64_t serial;
        std::shared_ptr<const ProbeRequest> request;
        Done done;
        SteadyTime started{};
        Deadlines::iterator deadline;
        Phase phase = Phase::resolving;
        std::vector<asio::ip::address> addresses;
        std::size_t next_address = 0;
        ProbeSocket socket;
        PollSet::Ticket ticket;
        std::unique_ptr<Dialogue> dialogue;
        std::string unsent;  ///< what didn't fit at once
        std::chrono::microseconds connect{0};
        std::chrono::microseconds first_byte{0};
    };

    Inside(asio::any_io_executor the_executor, Clock& the_clock, NetworkProberSettings the_settings)
        : executor(std::move(the_executor)),
          clock(the_clock),
          settings(std::move(the_settings)),
          poll_set(executor),
          resolver(executor, the_clock, poll_set, settings.resolver),
          alarm(executor, the_clock, [this] { on_deadlines(); }) {
        if (!settings.dialogue.patterns)
            settings.dialogue.patterns = std::make_shared<PatternCache>();
        if (settings.dialogue.user_agent.empty())
            settings.dialogue.user_agent = "muster/" MUSTER_VERSION;
    }

    void begin(std::shared_ptr<const ProbeRequest> request, Done done);
    void resolve(Probe& probe);
    void on_resolved(Probe& probe, const Resolution& resolution);
    void connect_next(Probe& probe);
    void on_connect_error(Probe& probe, int error);
    void on_connected(Probe& probe);
    void on_ready(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool send(Probe& probe, std::string_view data);
    void receive(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool carry_on(Probe& probe, const Dialogue::Turn& turn);
    void conclude(Probe& probe, const Finding& finding);
    void watch_deadlines();
    void on_deadlines();
    void on_timeout(Probe& probe);
    void close(Probe& probe);
    void finish(Probe& probe, ProbeOutcome outcome);
    void stop();

    asio::any_io_executor executor;
    Clock& clock;
    NetworkProberSettings settings;
    PollSet poll_set;
    Resolver resolver;
    std::unordered_map<std::uint64_t, Probe> probes;
    Deadlines deadlines;
    Alarm alarm;
    std::uint64_t last_serial = 0;
    bool starting = false;  ///< inside start(), where nothing may be called back
    bool stopped = false;
    std::string out;  ///< what a dialogue has to say; kept for its memory
    std::array<char, 16UZ * 1024UZ> buffer{};
};

void NetworkProber::Inside::begin(std::shared_ptr<const ProbeRequest> request, Done done) {
    const std::uint64_t serial = ++last_serial;
    Probe& probe = probes
                       .emplace(std::piecewise_construct,
                                std::forward_as_tuple(serial),
                                std::forward_as_tuple(*this, serial))
                       .first->second;
    probe.request = std::move(request);
    probe.done = std::move(done);
    probe.started = clock.now();
    probe.deadline = deadlines.emplace(probe.started + probe.request->timeout, serial);
    watch_deadlines();
    probe.dialogue = make_dialogue(*probe.request, settings.dialogue);
    if (!probe.dialogue) {
        finish(probe, inconclusive(Reason::prober_no_kind));
        return;
    }
    resolve(probe);
}

void NetworkProber::Inside::resolve(Probe& probe) {
    boost::system::error_code not_numeric;
    const auto address = asio::ip::make_address(probe.request->host, not_numeric);
    if (!not_numeric) {
        probe.addresses = {address};
        connect_next(probe);
        return;
    }
    if (const auto known = resolver.cached(probe.request->host)) {
        on_resolved(probe, *known);
        return;
    }
    // The probe may be over before the answer is here; the resolver never outlives `this`.
    resolver.resolve(probe.request->host,
                     [this, serial = probe.serial](const Resolution& resolution) {
                         const auto found = probes.find(serial);
                         if (found != probes.end()) on_resolved(found->second, resolution);
                     });
}

void NetworkProber::Inside::on_resolved(Probe& probe, const Resolution& resolution) {
    switch (resolution.status) {
        case Resolution::Status::found:
            probe.addresses = resolution.addresses;
            connect_next(probe);
            return;
        case Resolution::Status::no_such_name:
            finish(probe, failure(Reason::resolve_failed));
            return;
        case Resolution::Status::unavailable:
            finish(probe, inconclusive(Reason::prober_resolver));
            return;
    }
}

void NetworkProber::Inside::connect_next(Probe& probe) {
    probe.phase = Phase::connecting;
    const int error =
        probe.socket.connect(probe.addresses[probe.next_address++], probe.request->port);
    if (error != 0 && error != EINPROGRESS) {
        on_connect_error(probe, error);
        return;
    }
    const std::error_code full =
        poll_set.add(probe.socket.descriptor(), events_wanted, probe, probe.ticket);
    if (full) {
        finish(probe, outcome_of_connect_error(full.value()));
    } else if (error == 0) {
        on_connected(probe);
    }
}

void NetworkProber::Inside::on_connect_error(Probe& probe, int error) {
    const ProbeOutcome outcome = outcome_of_connect_error(error);
    const bool is_ours = outcome.result == Result::inconclusive;
    // Without a route to one family the other one may do; without descriptors nothing will.
    const bool try_another = !is_ours || outcome.reason == Reason::prober_ports;
    if (!try_another || probe.next_address == probe.addresses.size()) {
        finish(probe, outcome);
        return;
    }
    close(probe);
    connect_next(probe);
}

void NetworkProber::Inside::on_ready(Probe& probe, std::uint32_t epoll_events) {
    if (probe.phase == Phase::connecting) {
        const bool trouble = (epoll_events & (EPOLLERR | EPOLLHUP)) != 0;
        const int error = trouble ? probe.socket.pending_error() : 0;
        if (error != 0) {
            on_connect_error(probe, error);
            return;
        }
        if ((epoll_events & EPOLLOUT) == 0) return;
        const std::uint64_t serial = probe.serial;
        on_connected(probe);
        if (!probes.contains(serial)) return;
    } else if (!probe.unsent.empty() && (epoll_events & EPOLLOUT) != 0) {
        if (!send(probe, std::exchange(probe.unsent, {}))) return;
    }
    if ((epoll_events & (EPOLLIN | peer_is_done)) != 0) receive(probe, epoll_events);
}

void NetworkProber::Inside::on_connected(Probe& probe) {
    probe.phase = Phase::replying;
    probe.connect = since(probe.started, clock.now());
    out.clear();
    (void)carry_on(probe, probe.dialogue->begin(out));
}

/// False: the probe is over.
bool NetworkProber::Inside::carry_on(Probe& probe, const Dialogue::Turn& turn) {
    if (turn.finding) {
        conclude(probe, *turn.finding);
        return false;
    }
    if (out.empty()) return true;
    if (!probe.unsent.empty()) {
        probe.unsent += out;
        return true;
    }
    return send(probe, out);
}

/// False: the probe is over.
bool NetworkProber::Inside::send(Probe& probe, std::string_view data) {
    const ProbeSocket::Transfer sent = probe.socket.send(data);
    if (sent.error == EPIPE || sent.error == ECONNRESET) {
        finish(probe, failure(Reason::l7_closed, sent.error));
        return false;
    }
    if (sent.bytes < data.size()) probe.unsent = data.substr(sent.bytes);
    return true;
}

void NetworkProber::Inside::receive(Probe& probe, std::uint32_t epoll_events) {
    const bool peer_done = (epoll_events & peer_is_done) != 0;
    for (;;) {
        const ProbeSocket::Transfer got = probe.socket.receive(buffer);
        if (got.error == EINTR) continue;
        if (got.error == EAGAIN) return;
        if (got.error != 0) {
            finish(probe, failure(Reason::l7_closed, got.error));
            return;
        }
        if (got.bytes > 0 && probe.first_byte.count() == 0) {
            probe.first_byte = since(probe.started, clock.now());
        }
        if (got.bytes == 0) {
            conclude(probe, probe.dialogue->end_of_input());
            return;
        }
        out.clear();
        if (!carry_on(probe, probe.dialogue->receive({buffer.data(), got.bytes}, out))) return;
        // All there was; what comes next makes the socket ready again.
        if (got.bytes < buffer.size() && !peer_done) return;
    }
}

void NetworkProber::Inside::conclude(Probe& probe, const Finding& finding) {
    finish(probe, {.result = finding.result, .reason = finding.reason, .code = finding.code});
}

void NetworkProber::Inside::watch_deadlines() {
    if (deadlines.empty()) return;
    const SteadyTime first = round_up(deadlines.begin()->first, settings.tick);
    if (first < alarm.when()) alarm.set(first);
}

void NetworkProber::Inside::on_deadlines() {
    // What the kernel has for us already is in time, however late we are ourselves.
    poll_set.poll();
    const SteadyTime now = clock.now();
    while (!deadlines.empty() && deadlines.begin()->first <= now) {
        on_timeout(probes.at(deadlines.begin()->second));
    }
    watch_deadlines();
}

void NetworkProber::Inside::on_timeout(Probe& probe) {
    switch (probe.phase) {
        case Phase::resolving:
            finish(probe, inconclusive(Reason::prober_resolver));
            return;
        case Phase::connecting:
            finish(probe, failure(Reason::l4_timeout));
            return;
        case Phase::replying:
            finish(probe, failure(Reason::l7_timeout, probe.dialogue->code()));
            return;
    }
}

void NetworkProber::Inside::close(Probe& probe) {
    poll_set.remove(probe.ticket);
    probe.socket.close();
}

void NetworkProber::Inside::finish(Probe& probe, ProbeOutcome outcome) {
    outcome.connect = probe.connect;
    outcome.first_byte = probe.first_byte;
    outcome.total = since(probe.started, clock.now());
    close(probe);
    deadlines.erase(probe.deadline);
    Done done = std::move(probe.done);
    probes.erase(probe.serial);
    if (!starting) {
        done(outcome);
        return;
    }
    asio::post(executor, [later = std::move(done), outcome]() mutable { later(outcome); });
}

void NetworkProber::Inside::stop() {
    if (stopped) return;
    stopped = true;
    while (!probes.empty()) {
        finish(probes.begin()->second, inconclusive(Reason::prober_stopped));
    }
    resolver.stop();
    alarm.clear();
}

NetworkProber::NetworkProber(asio::any_io_executor executor,
                             Clock& clock,
                             NetworkProberSettings settings)
    : inside_(std::make_unique<Inside>(std::move(executor), clock, std::move(settings))) {}

NetworkProber::~NetworkProber() {
    stop();
}

void NetworkProber::start(std::shared_ptr<const ProbeRequest> request, Done done) {
    if (inside_->stopped) {
        asio::post(inside_->executor, [later = std::move(done)]() mutable {
            later(inconclusive(Reason::prober_stopped));
        });
        return;
    }
    inside_->starting = true;
    inside_->begin(std::move(request), std::move(done));
    inside_->starting = false;
}

void NetworkProber::stop() {
    inside_->stop();
}

std::size_t NetworkProber::running() const {
    return inside_->probes.size();
}

}  // namespace muster::checker
