#include "scaler/machine_supervisor.hpp"

#include "common/base/file_descriptor.hpp"
#include "common/base/files.hpp"
#include "scaler/file_lock.hpp"
#include "scaler/machine_processes.hpp"
#include "scaler/machine_record.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace muster::scaler {

namespace {

using OnStep = std::function<void(std::string_view)>;

constexpr int poll_ms = 100;  ///< between looks for a file that a program waits for
constexpr int cannot_execute = 127;

template <class T>
T or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

FileDescriptor open_or_throw(const std::string& path, int flags) {
    FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0640));
    if (!file.is_open()) throw std::runtime_error(path + ": " + std::strerror(errno));
    return file;
}

/// Tells the caller's process how it begins: one byte 0, or a line.
class Report {
 public:
    explicit Report(FileDescriptor to) : to_(std::move(to)) {}
    void tell(std::string_view text) {
        if (to_.is_open()) [[maybe_unused]]
            const auto _ = ::write(to_.get(), text.data(), text.size());
        to_.close();
    }

 private:
    FileDescriptor to_;
};

class Supervisor {
 public:
    Supervisor(const std::string& directory, const OnStep& on_step)
        : directory_(directory), on_step_(on_step) {}

    /// False: another one has it, or has had it.
    bool take_over() {
        lock_ = or_throw(FileLock::try_take(file(machine_lock_file)));
        if (!lock_) return false;
        on_step_("locked");
        record_ = or_throw(decode_machine_record(or_throw(read_file(file(record_file)))));
        if (record_.stopping) throw std::runtime_error("it is being removed");
        std::optional<MachineRun> before;
        if (const auto text = read_file(file(run_file)))
            before = or_throw(decode_machine_run(*text));
        if (before && before->started) return false;
        end_all(before);
        run_ = {.boot = boot_id(),
                .supervisor = identify(::getpid()).value_or(ProcessId{}),
                .started = false,
                .programs = std::vector<ProgramRun>(record_.programs.size())};
        watch_signals();
        or_throw(replace_file(file(run_file), encode(run_)));
        return true;
    }

    void run() {
        for (std::size_t number = 0; number < record_.programs.size(); ++number) {
            while (!may_start(record_.programs[number])) wait(poll_ms);
            start(number);
        }
        run_.started = true;
        // Without it the next supervisor would begin anew.
        while (!write_run()) wait(poll_ms);
        on_step_("all started");
        while (reap()) wait(-1);
    }

 private:
    [[nodiscard]] std::string file(std::string_view name) const {
        return directory_ + "/" + std::string(name);
    }

    /// False, with a line in the log: the disk is full. What is served goes on.
    [[nodiscard]] bool write_run() const {
        const auto written = replace_file(file(run_file), encode(run_));
        if (!written) tell(written.error().message());
        return written.has_value();
    }

    static void tell(const std::string& what) {
        const std::string line = what + "\n";
        [[maybe_unused]] const auto _ = ::write(STDERR_FILENO, line.data(), line.size());
    }

    /// Of a supervisor that was killed before all had been started: nobody was served yet.
    void end_all(const std::optional<MachineRun>& before) const {
        for (auto left = processes_of(record_, before); !left.empty();
             left = processes_of(record_, before)) {
            for (const ProcessId& process : left) send_signal(process, SIGKILL);
            ::poll(nullptr, 0, 10);
        }
    }

    void watch_signals() {
        sigset_t set;
        sigemptyset(&set);
        for (const int number : {SIGTERM, SIGCHLD}) sigaddset(&set, number);
        ::sigprocmask(SIG_SETMASK, &set, nullptr);
        signals_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!signals_.is_open()) throw std::runtime_error("signalfd");
        for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE})
            (void)std::signal(number, SIG_IGN);
        // What the programs leave behind comes to us, and is part of the machine.
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    }

    static bool may_start(const MachineProgram& program) {
        return program.wait_for.empty() || ::access(program.wait_for.c_str(), F_OK) == 0;
    }

    void start(std::size_t number) {
        const MachineProgram& program = record_.programs[number];
        const FileDescriptor log =
            open_or_throw(file(program.name + ".log"), O_WRONLY | O_CREAT | O_APPEND);
        const FileDescriptor nothing = open_or_throw("/dev/null", O_RDONLY);
        const std::string mark = fmt::format("{}={}", machine_variable, machine_mark(record_));
        const pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
        if (pid == 0) become(program, mark, nothing.get(), log.get());
        // It is in its group before anything is sent to that.
        ::setpgid(pid, pid);
        on_step_("forked");
        run_.programs[number].process = identify(pid).value_or(ProcessId{.pid = pid, .start = 0});
        // If not, its mark tells whose it is.
        (void)write_run();
        on_step_("noted");
    }

    [[noreturn]] static void become(const MachineProgram& program,
                                    const std::string& mark,
                                    int input,
                                    int output) {
        ::setpgid(0, 0);
        for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE})
            (void)std::signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::dup2(input, STDIN_FILENO);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
        std::vector<std::string> environment{
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", mark};
        std::vector<char*> variables;
        for (std::string& one : environment) variables.push_back(one.data());
        variables.push_back(nullptr);
        std::vector<std::string> argv = program.argv;
        std::vector<char*> words;
        for (std::string& word : argv) words.push_back(word.data());
        words.push_back(nullptr);
        ::execve(words[0], words.data(), variables.data());
        const std::string why = fmt::format("{}: {}\n", program.argv[0], std::strerror(errno));
        [[maybe_unused]] const auto _ = ::write(STDERR_FILENO, why.data(), why.size());
        ::_exit(cannot_execute);
    }

    /// Until something happens, or so long.
    void wait(int milliseconds) {
        pollfd news{.fd = signals_.get(), .events = POLLIN, .revents = 0};
        ::poll(&news, 1, milliseconds);
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGTERM) stop_softly();
        }
        (void)reap();
    }

    void stop_softly() const {
        for (std::size_t number = record_.programs.size(); number-- > 0;) {
            const ProgramRun& program = run_.programs[number];
            if (!program.exit) send_signal(program.process, record_.programs[number].stop_signal);
        }
    }

    /// False: there are no children left.
    bool reap() {
        int status = 0;
        bool noted = false;
        pid_t pid = 0;
        while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
            for (ProgramRun& program : run_.programs) {
                if (program.process.pid != pid || program.exit) continue;
                program.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                noted = true;
            }
        }
        const bool any_left = pid == 0 || (pid < 0 && errno != ECHILD);
        if (noted) (void)write_run();
        return any_left;
    }

    std::string directory_;
    const OnStep& on_step_;
    std::optional<FileLock> lock_;
    MachineRecord record_;
    MachineRun run_;
    FileDescriptor signals_;
};

[[noreturn]] void supervise(const std::string& directory, Report report, const OnStep& on_step) {
    int code = EXIT_FAILURE;
    try {
        if (::setsid() < 0) throw std::runtime_error("setsid");
        on_step("in a session of its own");
        const FileDescriptor log =
            open_or_throw(directory + "/supervisor.log", O_WRONLY | O_CREAT | O_APPEND);
        const FileDescriptor nothing = open_or_throw("/dev/null", O_RDONLY);
        Supervisor supervisor(directory, on_step);
        const bool ours = supervisor.take_over();
        report.tell(std::string_view("\0", 1));
        if (ours) {
            // Only now nobody waits for what we say.
            ::dup2(nothing.get(), STDIN_FILENO);
            ::dup2(log.get(), STDOUT_FILENO);
            ::dup2(log.get(), STDERR_FILENO);
            on_step("reported");
            supervisor.run();
        }
        code = EXIT_SUCCESS;
    } catch (const std::exception& error) {
        const std::string line = directory + ": " + error.what() + "\n";
        report.tell(line);
        [[maybe_unused]] const auto _ = ::write(STDERR_FILENO, line.data(), line.size());
    }
    ::_exit(code);
}

}  // namespace

int run_machine(const std::string& directory, const OnStep& on_step) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return EXIT_FAILURE;
    const FileDescriptor from(ends[0]);
    FileDescriptor to(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return EXIT_FAILURE;
    if (pid == 0) supervise(directory, Report(std::move(to)), on_step);
    to.close();
    std::array<char, 512> said{};
    ssize_t size = 0;
    do {
        size = ::read(from.get(), said.data(), said.size());
    } while (size < 0 && errno == EINTR);
    // It has ended without a word: somebody has killed it. What it left behind tells how far it
    // was.
    if (size <= 0) return EXIT_FAILURE;
    return said[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace muster::scaler
