#include "checker/network_prober.hpp"

#include "checker/alarm.hpp"
#include "checker/make_dialogue.hpp"
#include "checker/poll_set.hpp"
#include "checker/probe_socket.hpp"
#include "checker/proxy_header.hpp"
#include "checker/schedule.hpp"
#include "checker/secrets.hpp"
#include "checker/socket_errors.hpp"
#include "checker/tls_client.hpp"
#include "checker/tls_contexts.hpp"

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

enum class Phase : std::uint8_t { resolving, connecting, securing, replying };

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

/// TLS on the way, which the dialogue asks for.
bool starts_tls_itself(const config::ProbeKind& kind) {
    const auto* const smtp = std::get_if<config::SmtpCheck>(&kind);
    const auto* const ldap = std::get_if<config::LdapCheck>(&kind);
    const bool always = std::holds_alternative<config::PostgresCheck>(kind) ||
                        std::holds_alternative<config::MysqlCheck>(kind);
    return always || (smtp != nullptr && smtp->start_tls) || (ldap != nullptr && ldap->start_tls);
}

std::string_view alpn_of(const config::ProbeKind& kind) {
    const auto* const http = std::get_if<config::HttpCheck>(&kind);
    const bool h2 = std::holds_alternative<config::GrpcCheck>(kind) ||
                    (http != nullptr && http->version == config::HttpVersion::http2);
    return h2 ? "h2" : "";
}

const config::TlsSettings& tls_settings_of(const config::ProbeSpec& probe) {
    static const config::TlsSettings standard;
    return probe.tls ? *probe.tls : standard;
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
        Transport transport = Transport::stream;
        ProbeSocket socket;
        PollSet::Ticket ticket;
        std::unique_ptr<Dialogue> dialogue;
        bool begun = false;  ///< the dialogue is
        std::unique_ptr<TlsClient> tls;
        std::optional<Finding> expiry;  ///< what makes a success a degraded one
        std::string unsent;             ///< what didn't fit at once
        std::chrono::microseconds resolve{0};
        std::chrono::microseconds connect{0};
        std::chrono::microseconds secured{0};
        std::chrono::microseconds first_byte{0};
    };

    Inside(asio::any_io_executor the_executor, Clock& the_clock, NetworkProberSettings the_settings)
        : executor(std::move(the_executor)),
          clock(the_clock),
          settings(std::move(the_settings)),
          poll_set(executor),
          resolver(executor, the_clock, poll_set, settings.resolver),
          tls_contexts(settings.tls_dir),
          secrets(settings.secrets_dir, the_clock),
          alarm(executor, the_clock, [this] { on_deadlines(); }) {
        if (!settings.dialogue.patterns)
            settings.dialogue.patterns = std::make_shared<PatternCache>();
        if (settings.dialogue.user_agent.empty())
            settings.dialogue.user_agent = "muster/" MUSTER_VERSION;
        settings.dialogue.secret = [this](const std::string& name) { return secrets.find(name); };
    }

    void begin(std::shared_ptr<const ProbeRequest> request, Done done);
    void resolve(Probe& probe);
    void on_resolved(Probe& probe, const Resolution& resolution);
    void connect_next(Probe& probe);
    void on_connect_error(Probe& probe, int error);
    void on_connected(Probe& probe);
    void on_ready(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool transmit(Probe& probe);
    [[nodiscard]] bool send(Probe& probe, std::string_view data);
    void receive(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool take(Probe& probe, std::string_view bytes);
    void on_end_of_input(Probe& probe);
    [[nodiscard]] bool secure(Probe& probe);
    [[nodiscard]] bool on_secured(Probe& probe);
    [[nodiscard]] bool carry_on(Probe& probe, const Dialogue::Turn& turn);
    void put_into_wire(Probe& probe);
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
    TlsContexts tls_contexts;
    Secrets secrets;
    std::unordered_map<std::uint64_t, Probe> probes;
    Deadlines deadlines;
    Alarm alarm;
    std::uint64_t last_serial = 0;
    bool starting = false;  ///< inside start(), where nothing may be called back
    bool stopped = false;
    // Kept for their memory:
    std::string out;    ///< what a dialogue has to say
    std::string wire;   ///< what is to go into the socket
    std::string plain;  ///< what TLS has for the dialogue
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
    auto dialogue = make_dialogue(*probe.request, settings.dialogue);
    if (!dialogue) {
        finish(probe, inconclusive(dialogue.error()));
        return;
    }
    probe.dialogue = std::move(*dialogue);
    probe.transport = transport_of(probe.request->probe.kind);
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
            probe.resolve = since(probe.started, clock.now());
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
    const int error = probe.socket.connect(
        probe.addresses[probe.next_address++], probe.request->port, probe.transport);
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
    probe.connect = since(probe.started, clock.now());
    const config::ProbeSpec& spec = probe.request->probe;
    wire = proxy_header(spec.proxy);
    if (spec.tls && !starts_tls_itself(spec.kind)) {
        (void)secure(probe);
        return;
    }
    probe.phase = Phase::replying;
    probe.begun = true;
    out.clear();
    (void)carry_on(probe, probe.dialogue->begin(out));
}

// The functions from here to receive() answer false when the probe is over.

/// Sends its first flight behind what is in `wire`.
bool NetworkProber::Inside::secure(Probe& probe) {
    const config::TlsSettings& tls = tls_settings_of(probe.request->probe);
    const TlsContexts::Context& context = tls_contexts.of(tls, clock.now());
    if (!context.ssl) {
        finish(probe, inconclusive(Reason::prober_config));
        return false;
    }
    probe.phase = Phase::securing;
    probe.tls = std::make_unique<TlsClient>(
        *context.ssl, tls, probe.request->host, alpn_of(probe.request->probe.kind));
    (void)probe.tls->start(wire);
    return transmit(probe);
}

bool NetworkProber::Inside::on_secured(Probe& probe) {
    probe.secured = since(probe.started, clock.now());
    probe.phase = Phase::replying;
    probe.expiry = probe.tls->expiry(clock.wall());
    if (probe.expiry && probe.expiry->result == Result::failure) {
        conclude(probe, *probe.expiry);
        return false;
    }
    out.clear();
    wire.clear();
    if (probe.begun) return carry_on(probe, probe.dialogue->secured(out));
    probe.begun = true;
    return carry_on(probe, probe.dialogue->begin(out));
}

/// What the dialogue wants, with its words in `out`, and what goes before them in `wire`.
bool NetworkProber::Inside::carry_on(Probe& probe, const Dialogue::Turn& turn) {
    if (turn.finding) {
        // Last words, if they go now: nobody waits for what becomes of them.
        put_into_wire(probe);
        if (!wire.empty() && probe.unsent.empty()) (void)probe.socket.send(wire);
        conclude(probe, *turn.finding);
        return false;
    }
    put_into_wire(probe);
    if (!transmit(probe)) return false;
    if (!turn.start_tls) return true;
    wire.clear();
    return secure(probe);
}

void NetworkProber::Inside::put_into_wire(Probe& probe) {
    if (!probe.tls) {
        wire += out;
    } else {
        probe.tls->send(out, wire);
    }
}

bool NetworkProber::Inside::transmit(Probe& probe) {
    if (wire.empty()) return true;
    if (probe.unsent.empty()) return send(probe, wire);
    probe.unsent += wire;
    return true;
}

bool NetworkProber::Inside::send(Probe& probe, std::string_view data) {
    const ProbeSocket::Transfer sent = probe.socket.send(data);
    if (probe.transport != Transport::stream && sent.error != 0) {
        finish(probe, outcome_of_connect_error(sent.error));
        return false;
    }
    if (sent.error == EPIPE || sent.error == ECONNRESET) {
        finish(probe,
               probe.phase == Phase::securing ? failure(Reason::l6_handshake)
                                              : failure(Reason::l7_closed, sent.error));
        return false;
    }
    if (sent.bytes < data.size()) probe.unsent = data.substr(sent.bytes);
    return true;
}

bool NetworkProber::Inside::take(Probe& probe, std::string_view bytes) {
    wire.clear();
    if (!probe.tls) {
        out.clear();
        return carry_on(probe, probe.dialogue->receive(bytes, out));
    }
    plain.clear();
    const TlsClient::State state = probe.tls->receive(bytes, plain, wire);
    if (!transmit(probe)) return false;
    if (state == TlsClient::State::failed) {
        conclude(probe, probe.tls->failure());
        return false;
    }
    if (state == TlsClient::State::handshaking) return true;
    if (probe.phase == Phase::securing && !on_secured(probe)) return false;
    if (!plain.empty()) {
        if (probe.first_byte.count() == 0) probe.first_byte = since(probe.started, clock.now());
        wire.clear();
        out.clear();
        if (!carry_on(probe, probe.dialogue->receive(plain, out))) return false;
    }
    if (state != TlsClient::State::closed) return true;
    on_end_of_input(probe);
    return false;
}

void NetworkProber::Inside::on_end_of_input(Probe& probe) {
    if (probe.phase == Phase::securing) {
        finish(probe, failure(Reason::l6_handshake));
    } else {
        conclude(probe, probe.dialogue->end_of_input());
    }
}

void NetworkProber::Inside::receive(Probe& probe, std::uint32_t epoll_events) {
    const bool peer_done = (epoll_events & peer_is_done) != 0;
    for (;;) {
        const ProbeSocket::Transfer got = probe.socket.receive(buffer);
        if (got.error == EINTR) continue;
        if (got.error == EAGAIN) return;
        if (got.error != 0 && probe.transport != Transport::stream) {
            finish(probe, outcome_of_connect_error(got.error));
            return;
        }
        if (got.error != 0) {
            finish(probe,
                   probe.phase == Phase::securing ? failure(Reason::l6_handshake)
                                                  : failure(Reason::l7_closed, got.error));
            return;
        }
        if (got.bytes == 0 && probe.transport == Transport::stream) {
            on_end_of_input(probe);
            return;
        }
        if (!probe.tls && probe.first_byte.count() == 0)
            probe.first_byte = since(probe.started, clock.now());
        if (!take(probe, {buffer.data(), got.bytes})) return;
        // All there was; what comes next makes the socket ready again.
        if (got.bytes < buffer.size() && !peer_done && probe.transport == Transport::stream) return;
    }
}

void NetworkProber::Inside::conclude(Probe& probe, const Finding& finding) {
    ProbeOutcome outcome{.result = finding.result, .reason = finding.reason, .code = finding.code};
    if (probe.tls && outcome.reason == Reason::l4_ok) outcome.reason = Reason::l6_ok;
    if (probe.expiry && outcome.result == Result::success) {
        outcome.result = probe.expiry->result;
        outcome.reason = probe.expiry->reason;
        outcome.code = probe.expiry->code;
    }
    finish(probe, outcome);
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
        case Phase::securing:
            finish(probe, failure(Reason::l6_timeout));
            return;
        case Phase::replying:
            if (const auto silence = probe.dialogue->on_silence()) {
                conclude(probe, *silence);
                return;
            }
            finish(probe,
                   failure(probe.transport == Transport::stream ? Reason::l7_timeout
                                                                : Reason::l4_timeout,
                           probe.dialogue->code()));
            return;
    }
}

void NetworkProber::Inside::close(Probe& probe) {
    poll_set.remove(probe.ticket);
    if (probe.begun && probe.dialogue->leaves_in_order()) {
        probe.socket.close_in_order();
    } else {
        probe.socket.close();
    }
}

void NetworkProber::Inside::finish(Probe& probe, ProbeOutcome outcome) {
    outcome.resolve = probe.resolve;
    outcome.connect = probe.connect;
    outcome.tls = probe.secured;
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
