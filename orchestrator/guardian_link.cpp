#include "orchestrator/guardian_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace muster::orchestrator {

namespace {

/// More than a stopped guardian can ever be owed in earnest: sessions and effects come and go in
/// seconds.
constexpr std::size_t max_unsent = 1'024;

bool write_packet(int socket, const GuardianMessage& message) {
    while (true) {
        if (::send(socket, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
        if (errno != EINTR) return false;
    }
}

}  // namespace

GuardianLink::GuardianLink(FileDescriptor socket) : socket_(std::move(socket)) {}

bool GuardianLink::session_opened(std::size_t slot, const GuardedSession& session) {
    GuardianMessage message{.kind = GuardianMessageKind::session_opened,
                            .slot = static_cast<std::uint8_t>(slot),
                            .session = session.id,
                            .timeout_ms = static_cast<std::int32_t>(session.timeout.count()),
                            .password = session.password};
    if (slot >= max_sessions || session.servers.size() >= message.servers.size()) return false;
    std::ranges::copy(session.servers, message.servers.begin());
    send(message, IfBusy::keep);
    return true;
}

void GuardianLink::session_closed(std::size_t slot) {
    if (slot >= max_sessions) return;
    send({.kind = GuardianMessageKind::session_closed, .slot = static_cast<std::uint8_t>(slot)},
         IfBusy::keep);
}

void GuardianLink::beat() {
    send({.kind = GuardianMessageKind::beat}, IfBusy::drop);
}

void GuardianLink::effect_started(pid_t group) {
    send({.kind = GuardianMessageKind::effect_started, .group = group}, IfBusy::keep);
}

void GuardianLink::effect_ended(pid_t group) {
    send({.kind = GuardianMessageKind::effect_ended, .group = group}, IfBusy::keep);
}

void GuardianLink::send(const GuardianMessage& message, IfBusy if_busy) {
    const std::scoped_lock lock(mutex_);
    if (!socket_.is_open()) return;
    while (!unsent_.empty() && write_packet(socket_.get(), unsent_.front())) unsent_.pop_front();
    if (unsent_.empty() && write_packet(socket_.get(), message)) return;
    if (if_busy == IfBusy::keep && unsent_.size() < max_unsent) unsent_.push_back(message);
}

}  // namespace muster::orchestrator
