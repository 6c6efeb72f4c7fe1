#include "checker/network_prober_inside.hpp"
#include "checker/proxy_header.hpp"
#include "checker/tls_wish.hpp"

#include <sys/epoll.h>

#include <cerrno>

namespace muster::checker {

void NetworkProber::Inside::on_connected(Probe& probe) {
    probe.hedge.reset();
    if (probe.connect.count() == 0) probe.connect = age(probe);
    const config::ProbeSpec& spec = *probe.request->probe;
    wire = proxy_header(spec.proxy);
    if (spec.tls && !starts_tls_itself(spec.kind)) {
        (void)secure(probe);
        return;
    }
    probe.phase = Phase::replying;
    probe.begun = true;
    limit(probe, timeouts_of(probe).first_byte);
    out.clear();
    const Dialogue::Turn turn = probe.dialogue->begin(out);
    const bool listens = !turn.finding && out.empty() && wire.empty();
    if (listens) probe.socket.acknowledge();
    (void)carry_on(probe, turn);
}

// The functions from here to receive() answer false when the probe is over.

/// Sends its first flight behind what is in `wire`.
bool NetworkProber::Inside::secure(Probe& probe) {
    const config::TlsSettings& tls = tls_settings_of(*probe.request->probe);
    const TlsContexts::Context& context = tls_contexts.of(tls, clock.now());
    if (!context.ssl) {
        finish(probe, inconclusive(Reason::prober_config));
        return false;
    }
    probe.phase = Phase::securing;
    limit(probe, timeouts_of(probe).tls);
    probe.tls = std::make_unique<TlsClient>(
        *context.ssl, tls, probe.request->host, alpn_of(probe.request->probe->kind));
    if (tls.resume) probe.tls->resume(session_for(probe));
    (void)probe.tls->start(wire);
    return transmit(probe);
}

bool NetworkProber::Inside::on_secured(Probe& probe) {
    probe.secured = age(probe);
    probe.phase = Phase::replying;
    const config::PhaseTimeouts& timeouts = timeouts_of(probe);
    // Where TLS began on the way the first byte has been here already.
    limit(probe, probe.first_byte.count() == 0 ? timeouts.first_byte : timeouts.reply);
    probe.expiry = probe.tls->expiry(clock.wall());
    if (probe.expiry && probe.expiry->result == Result::failure) {
        conclude(probe, *probe.expiry);
        return false;
    }
    // HTTP/2 over TLS only where both have agreed on it (RFC 9113, 3.2).
    const std::string_view protocol = alpn_of(probe.request->probe->kind);
    if (!protocol.empty() && probe.tls->protocol() != protocol) {
        conclude(probe, {.reason = Reason::l6_handshake});
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
    if (turn.reconnect) {
        close(probe);
        probe.tls.reset();
        probe.unsent.clear();
        probe.begun = false;
        probe.reused = false;
        connect(probe);
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
    if (sent.error != 0 && sent.error != EAGAIN) {
        finish(probe, broken_in(probe.phase, probe.transport, sent.error));
        return false;
    }
    if (sent.bytes < data.size()) {
        probe.unsent = data.substr(sent.bytes);
    } else if (probe.begun && probe.sent.count() == 0) {
        probe.sent = age(probe);
    }
    return true;
}

void NetworkProber::Inside::on_first_byte(Probe& probe) {
    probe.first_byte = age(probe);
    limit(probe, timeouts_of(probe).reply);
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
        if (probe.first_byte.count() == 0) on_first_byte(probe);
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
    for (int i = 0; i < most_reads; ++i) {
        const ProbeSocket::Transfer got = probe.socket.receive(buffer);
        if (got.error == EINTR) continue;
        if (got.error == EAGAIN) return;
        if (got.error != 0) {
            finish(probe, broken_in(probe.phase, probe.transport, got.error));
            return;
        }
        if (got.bytes == 0 && probe.transport == Transport::stream) {
            on_end_of_input(probe);
            return;
        }
        if (!probe.tls && probe.first_byte.count() == 0) on_first_byte(probe);
        if (!take(probe, {buffer.data(), got.bytes})) return;
        // All there was; what comes next makes the socket ready again.
        if (got.bytes < buffer.size() && !peer_done && probe.transport == Transport::stream) return;
    }
    // Who sends faster than we read must not keep us from the others, nor from the time: the set
    // tells us of the rest when it is this one's turn again.
    poll_set.change(probe.ticket, events_wanted);
}

void NetworkProber::Inside::conclude(Probe& probe, const Finding& finding) {
    ProbeOutcome outcome{.result = finding.result, .reason = finding.reason, .code = finding.code};
    if (probe.tls && outcome.reason == Reason::l4_ok) outcome.reason = Reason::l6_ok;
    if (probe.expiry && outcome.result == Result::success) {
        outcome.result = probe.expiry->result;
        outcome.reason = probe.expiry->reason;
        outcome.code = probe.expiry->code;
    }
    if (auto words = probe.dialogue->intent()) outcome.intent = std::move(*words);
    finish(probe, std::move(outcome));
}

}  // namespace muster::checker
