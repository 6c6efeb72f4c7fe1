#include "common/base/subprocess.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace muster {

namespace {

struct Plan {
    const char* program;
    char* const* arguments;
    char* const* environment;
    const SpawnWish* wish;
    int input;
    int output;
    int errors;
    pid_t parent;
};

bool limit(int resource, rlim_t most) {
    const rlimit bound{.rlim_cur = most, .rlim_max = most};
    return setrlimit(static_cast<__rlimit_resource>(resource), &bound) == 0;
}

/// The child, in the memory of its parent, which stands still: system calls and nothing else, and
/// of those that have glibc change all threads of the process only the bare ones.
[[noreturn]] void become(const Plan& plan, volatile int& error) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < 32; ++signal) sigaction(signal, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);

    const SpawnWish& wish = *plan.wish;
    bool right = setpgid(0, 0) == 0 && dup2(plan.input, 0) >= 0 && dup2(plan.output, 1) >= 0 &&
                 dup2(plan.errors, 2) >= 0 && close_range(3, ~0U, 0) == 0 && chdir("/") == 0;
    right = right && limit(RLIMIT_CORE, 0);
    if (wish.most_files > 0) right = right && limit(RLIMIT_NOFILE, wish.most_files);
    if (wish.most_file_bytes > 0) right = right && limit(RLIMIT_FSIZE, wish.most_file_bytes);
    if (wish.memory_bytes > 0) right = right && limit(RLIMIT_AS, wish.memory_bytes);
    if (wish.cpu_seconds > 0)
        right = right && limit(RLIMIT_CPU, static_cast<rlim_t>(wish.cpu_seconds));
    if (wish.identity) {
        right = right && syscall(SYS_setgroups, 0, nullptr) == 0 &&
                syscall(SYS_setgid, wish.identity->group) == 0 &&
                syscall(SYS_setuid, wish.identity->user) == 0;
    }
    right = right && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == plan.parent;
    if (right) execve(plan.program, plan.arguments, plan.environment);
    error = errno != 0 ? errno : ESRCH;
    _exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    // exec's signature is older than const; it changes nothing.
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

struct Pipe {
    FileDescriptor read;
    FileDescriptor write;
};

int open_pipe(Pipe& pipe) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    pipe.read = FileDescriptor(ends[0]);
    pipe.write = FileDescriptor(ends[1]);
    return 0;
}

/// Not a pipe: writing to one that nobody reads any more would be a signal.
int open_socket_pair(Pipe& pipe) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    pipe.read = FileDescriptor(ends[0]);
    pipe.write = FileDescriptor(ends[1]);
    return 0;
}

}  // namespace

int spawn(const SpawnWish& wish, Subprocess& child) {
    Pipe input;
    Pipe output;
    if (const int error = open_pipe(output); error != 0) return error;
    Pipe errors;
    if (wish.keep_errors) {
        if (const int error = open_pipe(errors); error != 0) return error;
    }
    if (wish.keep_stdin) {
        if (const int error = open_socket_pair(input); error != 0) return error;
    } else {
        input.read = FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (!input.read.is_open()) return errno;
    }
    std::vector<std::string> arguments{wish.program};
    arguments.insert(arguments.end(), wish.arguments.begin(), wish.arguments.end());
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment = pointers(wish.environment);
    const Plan plan{.program = wish.program.c_str(),
                    .arguments = argument_pointers.data(),
                    .environment = environment.data(),
                    .wish = &wish,
                    .input = input.read.get(),
                    .output = output.write.get(),
                    .errors = wish.keep_errors ? errors.write.get() : output.write.get(),
                    .parent = getpid()};

    // No handler of ours may run in the child.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    volatile int error = 0;
    const pid_t pid = vfork();
    if (pid == 0) become(plan, error);
    const int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return fork_error;

    child.pid = pid;
    child.exit = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    const int no_pidfd = errno;
    if (error != 0 || !child.exit.is_open()) {
        ::kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        child = {};
        return error != 0 ? error : no_pidfd;
    }
    child.output = std::move(output.read);
    fcntl(child.output.get(), F_SETFL, O_NONBLOCK);
    if (wish.keep_errors) {
        child.errors = std::move(errors.read);
        fcntl(child.errors.get(), F_SETFL, O_NONBLOCK);
    }
    if (wish.keep_stdin) {
        child.input = std::move(input.write);
        fcntl(child.input.get(), F_SETFL, O_NONBLOCK);
    }
    return 0;
}

void kill_group(const Subprocess& child) {
    if (child.pid <= 1) return;
    ::kill(-child.pid, SIGKILL);
    // Sanitizers make vfork a fork, after which it may not lead its group yet.
    ::kill(child.pid, SIGKILL);
}

void end_now(Subprocess& child) {
    if (child.pid <= 1) return;
    kill_group(child);
    pollfd end{.fd = child.exit.get(), .events = POLLIN, .revents = 0};
    while (poll(&end, 1, 1000) < 0 && errno == EINTR) {
    }
    (void)reap(child);
}

std::optional<int> reap(Subprocess& child) {
    siginfo_t info{};
    const auto pidfd = static_cast<id_t>(child.exit.get());
    if (waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return std::nullopt;
    // While it is not reaped the number of its group is nobody else's.
    kill_group(child);
    waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
    child = {};
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace muster
