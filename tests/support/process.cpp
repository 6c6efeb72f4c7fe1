#include "tests/support/process.hpp"

#include "tests/support/eventually.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

// glibc before 2.37 forgot the linkage in this header.
extern "C" {
#include <sys/pidfd.h>
}

namespace muster::test {

namespace {

[[noreturn]] void throw_errno(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

/// A descriptor that is closed at the end of its scope.
struct Descriptor {
    explicit Descriptor(int number) : fd(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    int fd;
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& added) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!added.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
    }
    for (const auto& [name, value] : added) result.push_back(name + "=" + value);
    return result;
}

/// The child between fork and exec: only async-signal-safe calls, everything prepared before.
struct Launch {
    std::vector<char*> argv;
    std::vector<char*> env;
    const char* cwd;
    int output;
    int report;
    pid_t parent;

    [[noreturn]] void run() const {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        // The parent may have died before prctl.
        if (::getppid() == parent && (cwd == nullptr || ::chdir(cwd) == 0) &&
            ::dup2(output, STDOUT_FILENO) >= 0 && ::dup2(output, STDERR_FILENO) >= 0) {
            const int nothing = ::open("/dev/null", O_RDONLY);
            ::dup2(nothing, STDIN_FILENO);
            ::execvpe(argv[0], argv.data(), env.data());
        }
        const int error = errno;
        [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
        ::_exit(127);
    }
};

int poll_milliseconds(std::chrono::nanoseconds limit) {
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, std::numeric_limits<int>::max()));
}

/// The state of /proc/<pid>/stat; empty = it has ended.
std::optional<char> state_in(const std::filesystem::path& file) {
    std::ifstream input(file);
    std::ostringstream text;
    text << input.rdbuf();  // one that ends meanwhile leaves nothing, and throws nothing
    const std::string stat = std::move(text).str();
    // The name, in parentheses, may contain anything; the state follows it.
    const std::size_t end_of_name = stat.rfind(") ");
    if (end_of_name == std::string::npos) return std::nullopt;
    return stat[end_of_name + 2];
}

/// Each of its threads; also when it has ended.
bool stands_still(pid_t pid) {
    std::error_code gone;
    return std::ranges::all_of(
        std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone),
        [](const auto& task) {
            const std::optional<char> state = state_in(task.path() / "stat");
            return !state || *state == 'T' || *state == 'Z';
        });
}

}  // namespace

Process::Process(const ProcessSettings& settings) : output_(settings.output) {
    if (settings.argv.empty()) throw std::invalid_argument("a process needs a program");
    std::vector<std::string> argv = settings.argv;
    std::vector<std::string> env = environment(settings.env);
    const std::string output = output_.empty() ? "/dev/null" : output_.string();
    const Descriptor file(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (file.fd < 0) throw_errno(errno, output);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno(errno, "pipe2");
    const Descriptor reader(ends[0]);
    Descriptor writer(ends[1]);

    const Launch launch{.argv = pointers(argv),
                        .env = pointers(env),
                        .cwd = settings.cwd.empty() ? nullptr : settings.cwd.c_str(),
                        .output = file.fd,
                        .report = writer.fd,
                        .parent = ::getpid()};
    const pid_t child = ::fork();
    if (child == 0) launch.run();
    if (child < 0) throw_errno(errno, "fork");
    ::close(std::exchange(writer.fd, -1));

    // The pipe closes by itself at exec; what comes through it is the reason why there was none.
    int error = 0;
    if (::read(reader.fd, &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
        ::waitpid(child, nullptr, 0);
        throw_errno(error, argv.front());
    }
    pidfd_ = ::pidfd_open(child, 0);
    if (pidfd_ < 0) throw_errno(errno, "pidfd_open");
    pid_ = child;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      output_(std::move(other.output_)),
      status_(std::exchange(other.status_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        release();
        pid_ = std::exchange(other.pid_, -1);
        pidfd_ = std::exchange(other.pidfd_, -1);
        output_ = std::move(other.output_);
        status_ = std::exchange(other.status_, std::nullopt);
    }
    return *this;
}

Process::~Process() {
    release();
}

void Process::release() noexcept {
    if (pid_ <= 1) return;
    kill();
    ::waitpid(pid_, nullptr, 0);
    ::close(std::exchange(pidfd_, -1));
    pid_ = -1;
}

void Process::signal(int number) {
    if (pid_ > 1) ::pidfd_send_signal(pidfd_, number, nullptr, 0);
}

void Process::pause() {
    freeze(pid_);
}

void Process::resume() {
    signal(SIGCONT);
}

void Process::signal_group(int number) {
    // The leader is reaped only in release(), so the group's number can't have been reused.
    if (pid_ > 1) ::kill(-pid_, number);
}

std::optional<ExitStatus> Process::wait(std::chrono::nanoseconds limit) {
    if (status_ || pid_ <= 1) return status_;
    pollfd ended{.fd = pidfd_, .events = POLLIN, .revents = 0};
    if (::poll(&ended, 1, poll_milliseconds(limit)) <= 0) return std::nullopt;
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED | WNOWAIT) != 0)
        throw_errno(errno, "waitid");
    status_ = info.si_code == CLD_EXITED
                  ? ExitStatus{.code = info.si_status, .signal = 0}
                  : ExitStatus{.code = 128 + info.si_status, .signal = info.si_status};
    return status_;
}

ExitStatus Process::terminate(std::chrono::nanoseconds limit) {
    signal(SIGTERM);
    signal(SIGCONT);
    if (const auto ended = wait(limit)) return *ended;
    return kill();
}

ExitStatus Process::kill() {
    signal_group(SIGKILL);
    while (!status_) {
        if (pid_ <= 1) return {};
        [[maybe_unused]] const auto ended = wait(std::chrono::seconds(1));
    }
    return *status_;
}

std::string Process::output() const {
    std::ifstream file(output_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool is_alive(pid_t pid) {
    const std::optional<char> state = state_in("/proc/" + std::to_string(pid) + "/stat");
    return state && *state != 'Z';
}

bool freeze(pid_t pid) {
    if (pid <= 1 || ::kill(pid, SIGSTOP) != 0) return false;
    if (!eventually(std::chrono::seconds(10), [pid] { return stands_still(pid); }))
        throw std::runtime_error("process " + std::to_string(pid) + " does not stand still");
    return true;
}

void thaw(pid_t pid) {
    if (pid > 1) ::kill(pid, SIGCONT);
}

std::vector<pid_t> children_of(pid_t pid) {
    const std::string id = std::to_string(pid);
    std::ifstream file("/proc/" + id + "/task/" + id + "/children");
    return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

}  // namespace muster::test
