#pragma once

#include "common/base/file_descriptor.hpp"
#include "orchestrator/guardian_message.hpp"

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace muster::orchestrator {

/// What it takes to adopt a ZooKeeper session. The password is a bearer secret: it goes through the
/// link and nowhere else.
struct GuardedSession {
    std::int64_t id = 0;
    std::array<char, 16> password{};
    std::chrono::milliseconds timeout{};  ///< as negotiated
    std::string servers;  ///< "127.0.0.1:2181,[::1]:2182": literal addresses, resolved already
};

/// The child's end of the line to its guardian. All calls return at once: what the socket does not
/// take is kept and goes out before the next message (a beat is not kept). Any thread.
class GuardianLink {
 public:
    /// No guardian: every call does nothing (musterd dev, tests).
    GuardianLink() = default;
    explicit GuardianLink(FileDescriptor socket);

    /// A session that is to be closed if we die. One for each slot (< max_sessions); a new one
    /// replaces the slot's old one. Returns false when it can't be guarded: a slot that doesn't
    /// exist, or a server list that is too long for a message.
    bool session_opened(std::size_t slot, const GuardedSession& session);
    /// The slot's session is closed or expired: nothing to adopt.
    void session_closed(std::size_t slot);

    /// "I am alive": from the loop whose hang must be noticed, several times within hang_after. The
    /// first one starts the watch.
    void beat();

    /// A process group whose processes act on the outside world for us and must be gone before a
    /// successor acts. Call `started` before the group's leader executes anything, `ended` before
    /// the leader is reaped (after that its number may belong to somebody else).
    void effect_started(pid_t group);
    void effect_ended(pid_t group);

 private:
    enum class IfBusy { keep, drop };
    void send(const GuardianMessage& message, IfBusy if_busy);

    std::mutex mutex_;
    FileDescriptor socket_;
    std::deque<GuardianMessage> unsent_;
};

}  // namespace muster::orchestrator
