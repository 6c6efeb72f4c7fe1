#include "checker/network_prober.hpp"

#include "checker/make_dialogue.hpp"
#include "checker/network_prober_inside.hpp"
#include "checker/socket_errors.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace muster::checker {

namespace {

constexpr std::uint32_t events_wanted = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
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
    probe.deadline = deadlines.add(probe.started + probe.request->timeout, serial);
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
            probe.resolve = age(probe);
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

void NetworkProber::Inside::on_deadlines() {
    // What the kernel has for us already is in time, however late we are ourselves.
    poll_set.poll();
    const SteadyTime now = clock.now();
    while (const auto serial = deadlines.due(now)) on_timeout(probes.at(*serial));
    deadlines.watch();
}

void NetworkProber::Inside::on_timeout(Probe& probe) {
    if (probe.phase == Phase::replying) {
        if (const auto silence = probe.dialogue->on_silence()) {
            conclude(probe, *silence);
            return;
        }
    }
    finish(probe, timeout_in(probe.phase, probe.transport, probe.dialogue->code()));
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
