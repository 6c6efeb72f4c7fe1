// A program under a guardian whose child does what the test asks for:
//   guarded_program HANG_AFTER_MS exit CODE        ends at once
//   guarded_program HANG_AFTER_MS run              beats until SIGTERM, then exits 5
//   guarded_program HANG_AFTER_MS silent           never beats
//   guarded_program HANG_AFTER_MS effect           starts a registered effect process, then as run
//   guarded_program HANG_AFTER_MS session SERVERS TIMEOUT_MS PATH...
//       opens a session with an ephemeral node for each path, then as run; on SIGTERM closes them
//       first
// The child writes "child PID" when it starts and "ready" when all is in place.

#include "orchestrator/guardian.hpp"
#include "tests/guardian/raw_session.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace {

using muster::orchestrator::GuardianLink;
using muster::test::RawSession;

void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

int termination() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return ::signalfd(-1, &set, SFD_CLOEXEC);
}

/// Sleeps in a process group of its own, with a child of its own.
void start_effect(GuardianLink& link) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setpgid(0, 0);
        ::execlp("sh", "sh", "-c", "trap '' TERM; sleep 600 & wait", nullptr);
        ::_exit(127);
    }
    ::setpgid(pid, pid);
    link.effect_started(pid);
    say("effect " + std::to_string(pid));
}

int run(GuardianLink& link, std::deque<RawSession>& sessions) {
    pollfd signals{.fd = termination(), .events = POLLIN, .revents = 0};
    link.beat();
    say("ready");
    while (true) {
        link.beat();
        if (::poll(&signals, 1, 20) > 0) {
            signalfd_siginfo info{};
            if (::read(signals.fd, &info, sizeof info) != sizeof info) return 1;
            say("signal " + std::to_string(info.ssi_signo));
            if (info.ssi_signo == SIGTERM) break;
        }
        for (RawSession& session : sessions) session.step(std::chrono::milliseconds(0));
    }
    for (std::size_t slot = 0; slot < sessions.size(); ++slot) {
        sessions[slot].close();
        link.session_closed(slot);
    }
    return 5;
}

int child_main(std::span<const std::string> arguments, GuardianLink& link) {
    say("child " + std::to_string(::getpid()));
    say("dumpable " + std::to_string(::prctl(PR_GET_DUMPABLE)));
    const std::string& mode = arguments[0];
    if (mode == "exit") return std::stoi(arguments[1]);
    if (mode == "silent") {
        const int signals = termination();
        say("ready");
        pollfd wait{.fd = signals, .events = POLLIN, .revents = 0};
        ::poll(&wait, 1, -1);
        return 5;
    }
    if (mode == "effect") start_effect(link);
    std::deque<RawSession> sessions;
    if (mode == "session") {
        const std::chrono::milliseconds timeout(std::stoi(arguments[2]));
        for (const std::string& path : arguments.subspan(3)) {
            RawSession& session = sessions.emplace_back(arguments[1], timeout);
            link.session_opened(sessions.size() - 1, session.credentials());
            session.create_ephemeral(path);
            say("server " + session.server());
        }
    }
    return run(link, sessions);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        return muster::orchestrator::run_guarded(
            {.hang_after = std::chrono::milliseconds(std::stoi(arguments.at(0)))},
            [&](GuardianLink& link) { return child_main(std::span(arguments).subspan(1), link); });
    } catch (const std::exception& error) {
        say(std::string("failed: ") + error.what());
        return 1;
    }
}
