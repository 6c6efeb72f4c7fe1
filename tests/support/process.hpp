#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// How a process ended: by exit (`signal` is 0) or by a signal (`code` is then 128 + signal, as in
/// a shell).
struct ExitStatus {
    int code = 0;
    int signal = 0;
    bool operator==(const ExitStatus&) const = default;
};

struct ProcessSettings {
    std::vector<std::string> argv;           ///< argv[0] is searched in PATH
    std::map<std::string, std::string> env;  ///< added to our own environment
    std::filesystem::path cwd;               ///< empty = ours
    std::filesystem::path output;  ///< stdout and stderr are appended here; empty = /dev/null
};

/// A child process of a test, in a process group of its own. It never outlives its owner: the
/// destructor kills its group and reaps it, and the kernel kills it when the thread that started it
/// ends (PR_SET_PDEATHSIG), so start it on a thread that lives as long. Signals go through a pidfd
/// and therefore can't hit a recycled pid. Blocking; one thread at a time.
class Process {
 public:
    /// Throws std::system_error, also when the program can't be executed.
    explicit Process(const ProcessSettings& settings);
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running() { return !wait(std::chrono::nanoseconds::zero()); }

    /// To the process alone; does nothing when it has ended.
    void signal(int number);
    /// To the process and all it started: whatever is still in its group.
    void signal_group(int number);

    /// SIGSTOP to the process alone, and waits until it stands still (freeze()).
    void pause();
    void resume();

    /// Waits for the end, `limit` at most; empty = still running.
    [[nodiscard]] std::optional<ExitStatus> wait(std::chrono::nanoseconds limit);

    /// SIGTERM, and after `limit` SIGKILL to the whole group. Returns how it ended.
    ExitStatus terminate(std::chrono::nanoseconds limit = std::chrono::seconds(5));
    /// SIGKILL to the whole group.
    ExitStatus kill();

    /// What it has written so far.
    [[nodiscard]] std::string output() const;

 private:
    void release() noexcept;

    pid_t pid_ = -1;
    int pidfd_ = -1;
    std::filesystem::path output_;
    std::optional<ExitStatus> status_;
};

/// For processes that we did not start ourselves. A zombie is not alive any more.
[[nodiscard]] bool is_alive(pid_t pid);
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);

/// SIGSTOP, and waits until each thread stands still: the kernel stops them one after the other,
/// after kill() has come back, and until then a server of several threads goes on answering. false:
/// there is no such process. Throws std::runtime_error when it doesn't stand still.
bool freeze(pid_t pid);
void thaw(pid_t pid);

}  // namespace muster::test
