#include "agent/lb_program.hpp"

#include "common/base/file_descriptor.hpp"
#include "common/base/with_timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace muster::agent {
namespace {

constexpr std::size_t most_output = 64UZ << 10U;

tl::unexpected<Error> failed(int error, std::string what) {
    return fail(std::error_code(error, std::generic_category()), std::move(what));
}

/// A child that leads a group of its own, which goes with its owner.
class Child {
 public:
    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 1) (void)reap();
    }

    /// An errno, or 0. `output` becomes its standard output and error.
    [[nodiscard]] int start(std::vector<std::string> argv, int output) {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes, &signals);
        sigfillset(&signals);
        posix_spawnattr_setsigdefault(&attributes, &signals);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        std::vector<char*> words;
        for (std::string& word : argv) words.push_back(word.data());
        words.push_back(nullptr);
        char* no_environment = nullptr;
        pid_t pid = -1;
        const int error =
            posix_spawn(&pid, words[0], &actions, &attributes, words.data(), &no_environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (error == 0) pid_ = pid;
        return error;
    }

    /// Readable when it has ended. glibc's header has pidfd_open() for C alone.
    [[nodiscard]] int open_exit() const {
        return static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    }

    /// How it ended; if it hasn't, it does now.
    int reap() {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

 private:
    pid_t pid_ = -1;
};

asio::awaitable<Result<ProgramEnd>> run(std::vector<std::string> argv) {
    const auto executor = co_await asio::this_coro::executor;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) co_return failed(errno, "a pipe");
    asio::posix::stream_descriptor from(executor, ends[0]);
    FileDescriptor to(ends[1]);
    Child child;
    const std::string program = argv.at(0);
    if (const int error = child.start(std::move(argv), to.get()); error != 0)
        co_return failed(error, program);
    to.close();
    const int exit = child.open_exit();
    if (exit < 0) co_return failed(errno, program);
    asio::posix::stream_descriptor ended(executor, exit);

    ProgramEnd end;
    std::array<char, 4096> block{};
    for (;;) {
        const auto [error, size] =
            co_await from.async_read_some(asio::buffer(block), asio::as_tuple(asio::use_awaitable));
        if (error) break;
        end.output.append(block.data(), std::min(size, most_output - end.output.size()));
    }
    co_await ended.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    end.code = child.reap();
    co_return end;
}

}  // namespace

asio::awaitable<Result<ProgramEnd>> run_program(Clock& clock,
                                                std::vector<std::string> argv,
                                                std::chrono::nanoseconds limit) {
    const std::string program = argv.at(0);
    auto ended = co_await with_timeout(clock, limit, run(std::move(argv)));
    if (!ended && ended.error().context.empty()) ended.error().context = program;
    co_return ended;
}

}  // namespace muster::agent
