#include "scaler/program_call.hpp"

#include "common/base/with_timeout.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace muster::scaler {

namespace {

/// A child that goes with its owner.
class Child {
 public:
    Child(Subprocess process, ProgramEffects effects)
        : process_(std::move(process)), effects_(std::move(effects)), group_(process_.pid) {
        effects_.started(group_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (process_.pid <= 1) return;
        kill_group(process_);
        effects_.ended(group_);
        end_now(process_);
    }

    [[nodiscard]] Subprocess& process() { return process_; }

    /// Once `exit` is readable.
    int reap_it() {
        // Its number may be another's as soon as it is reaped.
        kill_group(process_);
        effects_.ended(group_);
        return reap(process_).value_or(255);
    }

 private:
    Subprocess process_;
    ProgramEffects effects_;
    pid_t group_;
};

enum class Taken : std::uint8_t { all, closed, too_much };

/// What is there without waiting; `too_much`: there was more than `most` in all.
Taken take(int from, std::size_t most, std::string& text) {
    std::array<char, 4096> block{};
    for (;;) {
        const ssize_t size = ::read(from, block.data(), block.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return Taken::all;
        if (size == 0) return Taken::closed;
        const std::size_t room = most - text.size();
        text.append(block.data(), std::min(static_cast<std::size_t>(size), room));
        if (static_cast<std::size_t>(size) > room) return Taken::too_much;
    }
}

/// The same, dropping what is too much.
Taken take_some(int from, std::size_t most, std::string& text) {
    Taken taken = Taken::too_much;
    while (taken == Taken::too_much) taken = take(from, most, text);
    return taken;
}

bool has_ended(const Subprocess& process) {
    pollfd end{.fd = process.exit.get(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, 0) > 0;
}

asio::awaitable<Result<ProgramCall::End>> follow(const Subprocess& process,
                                                 const ProgramLimits& limits,
                                                 ProgramCall& call) {
    using asio::posix::stream_descriptor;
    const auto executor = co_await asio::this_coro::executor;
    // The descriptors are the child's: what watches them here has numbers of its own.
    stream_descriptor exit(executor);
    stream_descriptor output(executor);
    stream_descriptor errors(executor);
    const auto copy = [](const FileDescriptor& from, stream_descriptor& to) {
        boost::system::error_code error;
        const int number = ::dup(from.get());
        to.assign(number, error);
        if (error && number >= 0) ::close(number);
        return error;
    };
    for (const auto& error :
         {copy(process.exit, exit), copy(process.output, output), copy(process.errors, errors)})
        if (error) co_return fail(error, "a descriptor");
    bool output_open = true;
    bool errors_open = true;
    for (;;) {
        const bool ended = has_ended(process);
        if (output_open) {
            const Taken taken = take(process.output.get(), limits.output_bytes, call.output);
            if (taken == Taken::too_much) co_return ProgramCall::End::too_much_output;
            output_open = taken != Taken::closed;
        }
        if (errors_open) {
            errors_open =
                take_some(process.errors.get(), limits.error_bytes, call.errors) != Taken::closed;
        }
        if (ended) co_return ProgramCall::End::exited;
        // A closed one is readable for ever: it is left out.
        constexpr auto readable = stream_descriptor::wait_read;
        auto news = asio::experimental::make_parallel_group(
            exit.async_wait(readable, asio::deferred),
            (output_open ? output : exit).async_wait(readable, asio::deferred),
            (errors_open ? errors : exit).async_wait(readable, asio::deferred));
        co_await news.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    }
}

}  // namespace

asio::awaitable<ProgramCall> call_program(Clock& clock,
                                          SpawnWish wish,
                                          ProgramLimits limits,
                                          ProgramEffects effects) {
    wish.keep_errors = true;
    ProgramCall call;
    Subprocess started;
    if (call.code = spawn(wish, started); call.code != 0) co_return call;
    Child child(std::move(started), std::move(effects));
    const auto end =
        co_await with_timeout(clock, limits.time, follow(child.process(), limits, call));
    call.end = end ? *end : ProgramCall::End::timed_out;
    if (call.end == ProgramCall::End::exited) call.code = child.reap_it();
    co_return call;
}

}  // namespace muster::scaler
