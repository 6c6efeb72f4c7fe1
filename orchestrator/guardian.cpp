#include "orchestrator/guardian.hpp"

#include "common/base/file_descriptor.hpp"
#include "orchestrator/guardian_adoption.hpp"
#include "orchestrator/guardian_message.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// glibc before 2.37 forgot the linkage in this header.
extern "C" {
#include <sys/pidfd.h>
}

namespace muster::orchestrator {

namespace {

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// The guardian has no logger (that has a thread): one line, one write.
template <class... Arguments>
void log_line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    const std::string line =
        fmt::format("guardian pid={} {}\n",
                    ::getpid(),
                    fmt::format(format, std::forward<Arguments>(arguments)...));
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

sigset_t signals_of_guardian() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
    return set;
}

FileDescriptor timer(std::chrono::milliseconds first, std::chrono::milliseconds every) {
    FileDescriptor fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd.is_open()) throw_errno("timerfd_create");
    const auto spec = [](std::chrono::milliseconds span) {
        return timespec{.tv_sec = span.count() / 1'000,
                        .tv_nsec = span.count() % 1'000 * 1'000'000};
    };
    const itimerspec when{.it_interval = spec(every), .it_value = spec(first)};
    if (::timerfd_settime(fd.get(), 0, &when, nullptr) != 0) throw_errno("timerfd_settime");
    return fd;
}

/// A group that may be killed: never "all processes" (kill(-1)), never our own.
bool is_killable(pid_t group) {
    return group > 1 && group != ::getpgrp();
}

class Guardian {
 public:
    Guardian(const GuardianSettings& settings, pid_t child, FileDescriptor link)
        : settings_(settings),
          child_(child),
          link_(std::move(link)),
          pidfd_(::pidfd_open(child, 0)),
          ticks_(
              timer(settings.hang_after / ticks_of_a_hang, settings.hang_after / ticks_of_a_hang)) {
        const sigset_t set = signals_of_guardian();
        signals_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!pidfd_.is_open() || !signals_.is_open()) throw_errno("pidfd_open or signalfd");
    }

    int run() {
        watch_child();
        const int code = reap_child();
        // What it sent before it died is still in the socket.
        read_messages();
        const FileDescriptor limit =
            timer(settings_.adoption_limit, std::chrono::milliseconds::zero());
        kill_effects(limit.get());
        close_sessions(limit.get());
        return code;
    }

 private:
    static constexpr int ticks_of_a_hang = 12;

    void watch_child() {
        enum : std::size_t { ended, link, signals, ticks };
        std::array<pollfd, 4> files{};
        files[ended] = {.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        files[link] = {.fd = link_.get(), .events = POLLIN, .revents = 0};
        files[signals] = {.fd = signals_.get(), .events = POLLIN, .revents = 0};
        files[ticks] = {.fd = ticks_.get(), .events = POLLIN, .revents = 0};
        while (true) {
            if (::poll(files.data(), files.size(), -1) < 0 && errno != EINTR) throw_errno("poll");
            if (files[ended].revents != 0) return;
            if (files[signals].revents != 0) read_signals();
            if (files[link].revents != 0 && !read_messages()) files[link].fd = -1;
            if (files[ticks].revents != 0) count_tick();
        }
    }

    void read_signals() {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGCHLD) {
                reap_orphans();
            } else {
                log_line("event=signal_forwarded signal={} child={}", info.ssi_signo, child_);
                ::pidfd_send_signal(pidfd_.get(), static_cast<int>(info.ssi_signo), nullptr, 0);
            }
        }
    }

    /// Orphans of the child come to us. The child itself is left for reap_child().
    void reap_orphans() const {
        siginfo_t info{};
        while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 1 &&
               info.si_pid != child_) {
            ::waitpid(info.si_pid, nullptr, WNOHANG);
            info = {};
        }
    }

    /// Takes all that is there. False when the child has closed its end.
    bool read_messages() {
        while (true) {
            GuardianMessage message;
            const ssize_t size = ::recv(link_.get(), &message, sizeof message, MSG_DONTWAIT);
            if (size == sizeof message) {
                apply(message);
            } else if (size == 0) {
                return false;
            } else if (size < 0 && errno != EINTR) {
                return errno == EAGAIN;
            }
        }
    }

    void apply(const GuardianMessage& message) {
        switch (message.kind) {
            case GuardianMessageKind::beat:
                silent_ticks_ = 0;
                return;
            case GuardianMessageKind::session_opened:
                sessions_.at(message.slot) =
                    GuardedSession{.id = message.session,
                                   .password = message.password,
                                   .timeout = std::chrono::milliseconds(message.timeout_ms),
                                   .servers = message.servers.data()};
                return;
            case GuardianMessageKind::session_closed:
                sessions_.at(message.slot).reset();
                return;
            case GuardianMessageKind::effect_started:
                if (is_killable(message.group) && effects_.size() < max_effects) {
                    effects_.push_back(message.group);
                } else {
                    log_line("event=effect_refused group={}", message.group);
                }
                return;
            case GuardianMessageKind::effect_ended:
                std::erase(effects_, message.group);
                return;
        }
    }

    /// Several expirations at once mean that we were not running either; they count as one.
    void count_tick() {
        std::uint64_t expirations = 0;
        if (::read(ticks_.get(), &expirations, sizeof expirations) < 0 || !silent_ticks_) return;
        if (++*silent_ticks_ < ticks_of_a_hang) return;
        log_line("event=child_hangs child={} silent_ms={}", child_, settings_.hang_after.count());
        ::pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
        silent_ticks_.reset();
    }

    /// After this no thread of the child can act any more.
    [[nodiscard]] int reap_child() const {
        siginfo_t info{};
        while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0)
            if (errno != EINTR) throw_errno("waitid");
        if (info.si_code == CLD_EXITED) {
            if (info.si_status != 0)
                log_line("event=child_exited child={} code={}", child_, info.si_status);
            return info.si_status;
        }
        log_line("event=child_killed child={} signal={}", child_, info.si_status);
        return 128 + info.si_status;
    }

    void kill_effects(int limit) {
        for (const pid_t group : effects_) {
            log_line("event=effect_killed group={}", group);
            ::kill(-group, SIGKILL);
        }
        // A successor must not act while one of them still does.
        const auto gone = [](pid_t group) {
            while (::waitpid(-group, nullptr, WNOHANG) > 0) {
            }
            return ::kill(-group, 0) != 0 && errno == ESRCH;
        };
        pollfd over{.fd = limit, .events = POLLIN, .revents = 0};
        while (!std::ranges::all_of(effects_, gone))
            if (::poll(&over, 1, 1) > 0) return;
    }

    void close_sessions(int limit) {
        for (auto& session : sessions_) {
            if (!session) continue;
            const Adoption adoption = adopt_and_close(*session, limit);
            log_line("event=session_adopted session={:#x} result={}",
                     static_cast<std::uint64_t>(session->id),
                     to_string(adoption));
            ::explicit_bzero(session->password.data(), session->password.size());
        }
    }

    GuardianSettings settings_;
    pid_t child_;
    FileDescriptor link_;
    FileDescriptor pidfd_;
    FileDescriptor ticks_;
    FileDescriptor signals_;
    std::array<std::optional<GuardedSession>, max_sessions> sessions_;
    std::vector<pid_t> effects_;
    std::optional<int> silent_ticks_;  ///< empty: no beat yet, or killed already
};

/// A fork copies only the calling thread, with whatever locks the others hold. (The thread
/// sanitizer has a thread of its own that copes.)
void require_single_thread() {
#if !__has_feature(thread_sanitizer)
    using std::filesystem::directory_iterator;
    if (std::distance(directory_iterator("/proc/self/task"), directory_iterator()) != 1)
        throw std::logic_error("run_guarded() must be called before any thread is started");
#endif
}

}  // namespace

int run_guarded(const GuardianSettings& settings,
                const std::function<int(GuardianLink&)>& child_main) {
    require_single_thread();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw_errno("socketpair");
    FileDescriptor guardians_end(ends[0]);
    FileDescriptor childs_end(ends[1]);
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) throw_errno("prctl");

    // Blocked before the fork, so that no signal falls between it and the guardian's loop.
    const sigset_t set = signals_of_guardian();
    sigset_t before;
    if (::sigprocmask(SIG_BLOCK, &set, &before) != 0) throw_errno("sigprocmask");
    const pid_t guardian = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw_errno("fork");
    if (child == 0) {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != guardian) return 128 + SIGKILL;
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        guardians_end.close();
        GuardianLink link(std::move(childs_end));
        return child_main(link);
    }
    ::setpgid(child, child);
    childs_end.close();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Seldom awake, but then in a hurry. Without the right to, it stays as it is.
    ::setpriority(PRIO_PROCESS, 0, -10);
    return Guardian(settings, child, std::move(guardians_end)).run();
}

}  // namespace muster::orchestrator
