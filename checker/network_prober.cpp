#include "checker/network_prober.hpp"

#include "checker/make_dialogue.hpp"
#include "checker/network_prober_inside.hpp"
#include "checker/socket_errors.hpp"
#include "checker/tls_wish.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace muster::checker {

namespace {

bool needs_stream(const config::ProbeSpec& probe) {
    return probe.tls || probe.proxy != config::ProxyProtocol::none;
}

}  // namespace

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
    probe.end = probe.started + probe.request->timeout;
    probe.deadline = deadlines.add(probe.end, serial);
    auto dialogue = make_dialogue(*probe.request, settings.dialogue);
    if (!dialogue) {
        finish(probe, inconclusive(dialogue.error()));
        return;
    }
    probe.dialogue = std::move(*dialogue);
    probe.transport = transport_of(probe.request->probe->kind);
    if (probe.transport != Transport::stream && needs_stream(*probe.request->probe)) {
        finish(probe, inconclusive(Reason::prober_config));
        return;
    }
    if (probe.request->probe->reuse && take_idle(probe)) return;
    resolve(probe);
}

void NetworkProber::Inside::resolve(Probe& probe) {
    boost::system::error_code not_numeric;
    const auto address = asio::ip::make_address(probe.request->host, not_numeric);
    if (!not_numeric) {
        probe.addresses.assign(1, address);
        connect_next(probe);
        return;
    }
    if (const auto known = resolver.cached(probe.request->host)) {
        on_resolved(probe, *known);
        return;
    }
    probe.phase = Phase::resolving;
    limit(probe, timeouts_of(probe).resolve);
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
            probe.resolve = age(probe);
            probe.addresses.assign(resolution.addresses.begin(), resolution.addresses.end());
            probe.expired = resolution.expired;
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

/// The phase that begins now may take this long.
void NetworkProber::Inside::limit(Probe& probe, std::optional<std::chrono::nanoseconds> span) {
    SteadyTime end = probe.started + probe.request->timeout;
    if (span) end = std::min(end, clock.now() + *span);
    wait_until(probe, end);
}

/// What comes too early is put off when its time has come: most probes are over by then.
void NetworkProber::Inside::wait_until(Probe& probe, SteadyTime end) {
    probe.end = end;
    if (end < probe.deadline->first) deadlines.move(probe.deadline, end);
}

void NetworkProber::Inside::connect_next(Probe& probe) {
    ++probe.next_address;
    connect(probe);
}

/// To the address before the next one, from the next of our own that has a port left.
int NetworkProber::Inside::open(Probe& probe, ProbeSocket& socket) {
    const asio::ip::address& to = probe.addresses[probe.next_address - 1];
    const std::size_t sources = settings.source_addresses.size();
    std::optional<int> error;
    for (std::size_t i = 0; i < sources; ++i) {
        const asio::ip::address& from = settings.source_addresses[next_source++ % sources];
        if (from.is_v4() != to.is_v4()) continue;
        error = socket.connect(to, probe.request->port, probe.transport, &from);
        if (*error != EADDRNOTAVAIL) return *error;
        socket.close();
    }
    return error ? *error : socket.connect(to, probe.request->port, probe.transport);
}

SteadyTime NetworkProber::Inside::connect_end(const Probe& probe) const {
    const SteadyTime end = probe.started + probe.request->timeout;
    const auto& limit = timeouts_of(probe).connect;
    return limit ? std::min(end, probe.connect_began + *limit) : end;
}

/// Until the phase ends, or until another connection is to be tried beside this one.
void NetworkProber::Inside::wait_for_connection(Probe& probe, SteadyTime now) {
    SteadyTime end = connect_end(probe);
    if (probe.transport == Transport::stream && probe.hedges < most_hedges)
        end = std::min(end, now + settings.hedge_after);
    wait_until(probe, end);
}

void NetworkProber::Inside::connect(Probe& probe) {
    probe.phase = Phase::connecting;
    probe.connect_began = clock.now();
    probe.hedges = 0;
    wait_for_connection(probe, probe.connect_began);
    if (probe.transport == Transport::stream && uses_spares()) {
        const bool is_v4 = probe.addresses[probe.next_address - 1].is_v4();
        spares.take(is_v4, probe.socket, probe.ticket, probe);
    }
    const int error = open(probe, probe.socket);
    if (error != 0 && error != EINPROGRESS) {
        on_connect_error(probe, error);
        return;
    }
    if (!probe.ticket) {
        const std::error_code full =
            poll_set.add(probe.socket.descriptor(), events_wanted, probe, probe.ticket);
        if (full) {
            finish(probe, outcome_of_connect_error(full.value()));
            return;
        }
    }
    if (error == 0) on_connected(probe);
}

void NetworkProber::Inside::on_connect_error(Probe& probe, int error) {
    const ProbeOutcome outcome = outcome_of_connect_error(error);
    const bool is_ours = outcome.result == Result::inconclusive;
    // Without a route to one family the other one may do; without descriptors nothing will.
    const bool try_another = (!is_ours || outcome.reason == Reason::prober_ports) &&
                             !probe.request->probe->all_addresses;
    if (!try_another || probe.next_address == probe.addresses.size()) {
        finish(probe, outcome);
        return;
    }
    close(probe);
    connect_next(probe);
}

/// Whatever stands in its way, the first connection is still there. An earlier one beside it is
/// given up: had it got through, it would stand.
void NetworkProber::Inside::hedge(Probe& probe) {
    ++probe.hedges;
    probe.hedge.reset();
    wait_for_connection(probe, clock.now());
    auto hedge = std::make_unique<Hedge>(*this, probe);
    const int error = open(probe, hedge->socket);
    if (error != 0 && error != EINPROGRESS) return;
    if (poll_set.add(hedge->socket.descriptor(), events_wanted, *hedge, hedge->ticket)) return;
    probe.hedge = std::move(hedge);
}

/// The second connection stands or is refused: from here on it is the probe's.
void NetworkProber::Inside::on_hedge_ready(Probe& probe, std::uint32_t epoll_events) {
    const std::unique_ptr<Hedge> hedge = std::move(probe.hedge);
    std::swap(probe.socket, hedge->socket);
    std::swap(probe.ticket, hedge->ticket);
    poll_set.hand_over(probe.ticket, probe);
    on_ready(probe, epoll_events);
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
        if (!probes.contains(serial) || probe.phase == Phase::connecting) return;
    } else if (!probe.unsent.empty() && (epoll_events & EPOLLOUT) != 0) {
        if (!send(probe, std::exchange(probe.unsent, {}))) return;
    }
    if ((epoll_events & (EPOLLIN | peer_is_done)) != 0) receive(probe, epoll_events);
}

void NetworkProber::Inside::on_deadlines() {
    // What the kernel has for us already is in time, however late we are ourselves.
    poll_set.poll();
    const SteadyTime now = clock.now();
    while (const auto serial = deadlines.due(now)) {
        Probe& probe = probes.at(*serial);
        if (now < probe.end) {
            deadlines.move(probe.deadline, probe.end);
        } else {
            on_timeout(probe);
        }
    }
    deadlines.watch();
    if (now >= next_sweep) sweep();
}

void NetworkProber::Inside::on_timeout(Probe& probe) {
    const SteadyTime now = clock.now();
    if (probe.phase == Phase::connecting && now < connect_end(probe)) {
        hedge(probe);
        return;
    }
    const bool phase_only = now < probe.started + probe.request->timeout;
    if (phase_only && probe.phase == Phase::connecting) {
        on_connect_error(probe, ETIMEDOUT);
        return;
    }
    if (phase_only && probe.reused && renew(probe)) {
        resolve(probe);
        return;
    }
    if (probe.phase == Phase::replying) {
        if (const auto silence = probe.dialogue->on_silence()) {
            conclude(probe, *silence);
            return;
        }
    }
    finish(probe, timeout_in(probe.phase, probe.transport, probe.dialogue->code()));
}

void NetworkProber::Inside::close(Probe& probe) {
    probe.hedge.reset();
    const config::CloseMode mode = probe.request->probe->close;
    const bool in_order =
        mode == config::CloseMode::fin ||
        (mode == config::CloseMode::automatic && probe.begun && probe.dialogue->leaves_in_order());
    if (!in_order && uses_spares() && spares.keep(probe.socket, probe.ticket)) return;
    poll_set.remove(probe.ticket);
    if (in_order) {
        probe.socket.close_in_order();
    } else {
        probe.socket.close();
    }
}

/// For another connection of the same probe. False, and the probe is over, when there can't be one.
bool NetworkProber::Inside::renew(Probe& probe) {
    close(probe);
    probe.tls.reset();
    probe.unsent.clear();
    probe.expiry.reset();
    probe.begun = false;
    probe.reused = false;
    probe.sent = {};
    limit(probe, std::nullopt);
    auto dialogue = make_dialogue(*probe.request, settings.dialogue);
    if (!dialogue) {
        finish(probe, inconclusive(dialogue.error()));
        return false;
    }
    probe.dialogue = std::move(*dialogue);
    return true;
}

bool NetworkProber::Inside::take_idle(Probe& probe) {
    const auto found = idle.find(probe.request.get());
    if (found == idle.end()) return false;
    Idle& kept = found->second;
    if (kept.request.lock() != probe.request) {
        idle.erase(found);
        return false;
    }
    if (!kept.ticket) return false;
    probe.socket = std::move(kept.socket);
    probe.ticket = std::exchange(kept.ticket, {});
    probe.tls = std::move(kept.tls);
    poll_set.hand_over(probe.ticket, probe);
    probe.reused = true;
    probe.begun = true;
    probe.phase = Phase::replying;
    if (probe.tls) probe.expiry = probe.tls->expiry(clock.wall());
    // A backend that has forgotten the connection and says nothing must not cost the whole time.
    limit(probe, probe.request->timeout / 2);
    out.clear();
    wire.clear();
    (void)carry_on(probe, probe.dialogue->begin(out));
    return true;
}

void NetworkProber::Inside::park(Probe& probe) {
    const ProbeRequest* const key = probe.request.get();
    Idle& kept = idle.try_emplace(key, *this, key).first->second;
    poll_set.remove(kept.ticket);
    kept.request = probe.request;
    kept.socket = std::move(probe.socket);
    kept.ticket = std::exchange(probe.ticket, {});
    kept.tls = std::move(probe.tls);
    poll_set.hand_over(kept.ticket, kept);
}

/// Those of requests that nobody has any more.
void NetworkProber::Inside::sweep() {
    next_sweep = clock.now() + std::chrono::seconds(1);
    std::erase_if(idle, [](const auto& item) { return item.second.request.expired(); });
    std::erase_if(sessions, [](const auto& item) { return item.second.request.expired(); });
    spares.trim();
}

/// Null: a whole handshake.
SSL_SESSION* NetworkProber::Inside::session_for(const Probe& probe) {
    const auto known = sessions.find(probe.request.get());
    if (known == sessions.end()) return nullptr;
    Resumable& kept = known->second;
    if (kept.request.lock() != probe.request || ++kept.in_a_row > most_resumptions) {
        sessions.erase(known);
        return nullptr;
    }
    return kept.session.get();
}

void NetworkProber::Inside::keep_session(const Probe& probe, bool success) {
    if (!tls_settings_of(*probe.request->probe).resume) return;
    const ProbeRequest* const key = probe.request.get();
    if (!success) {
        sessions.erase(key);
        return;
    }
    if (TlsClient::Session session = probe.tls->session()) {
        Resumable& kept = sessions[key];
        kept.request = probe.request;
        kept.session = std::move(session);
    }
}

void NetworkProber::Inside::finish(Probe& probe, ProbeOutcome outcome) {
    const bool success = outcome.result == Result::success || outcome.result == Result::degraded;
    const bool heard = probe.first_byte.count() > 0;
    if (!stopped && probe.reused && !heard && outcome.result == Result::failure) {
        // It had closed, or lost, what an earlier probe left: that says nothing of the backend.
        if (renew(probe)) resolve(probe);
        return;
    }
    if (probe.expired && outcome.result == Result::failure)
        outcome = inconclusive(Reason::prober_resolver);
    if (success && probe.request->probe->all_addresses &&
        probe.next_address < probe.addresses.size()) {
        if (renew(probe)) connect_next(probe);
        return;
    }
    if (probe.tls) keep_session(probe, success);
    if (probe.dialogue && probe.begun && probe.ticket && probe.dialogue->leaves_open()) park(probe);
    outcome.resolve = probe.resolve;
    outcome.connect = probe.connect;
    outcome.tls = probe.secured;
    outcome.sent = probe.sent;
    outcome.first_byte = probe.first_byte;
    outcome.total = age(probe);
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
    deadlines.stop();
    idle.clear();
    spares.clear();
    sessions.clear();
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
