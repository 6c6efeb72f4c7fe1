#include "checker/command_prober.hpp"

#include "checker/phase_outcome.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace muster::checker {

namespace {

constexpr std::size_t longest_said = 512;
constexpr int most_reads = 32;  ///< before others have their turn: more than a pipe holds
constexpr std::uint32_t arrivals = EPOLLIN | EPOLLET;

ProbeOutcome outcome_of_spawn_error(int error) {
    switch (error) {
        case EMFILE:
        case ENFILE:
            return inconclusive(Reason::prober_files);
        case EAGAIN:
        case ENOMEM:
            return inconclusive(Reason::prober_memory);
        default:
            return {.result = Result::inconclusive,
                    .reason = Reason::prober_config,
                    .code = static_cast<std::uint16_t>(error)};
    }
}

}  // namespace

ProbeOutcome outcome_of_exit(int code, std::string_view output) {
    ProbeOutcome outcome{.result = Result::inconclusive,
                         .reason = Reason::prober_custom,
                         .code = static_cast<std::uint16_t>(code)};
    if (code == 0) {
        outcome.result = Result::success;
        outcome.reason = Reason::l7_ok;
    } else if (code == 1 || code == 2) {
        outcome.result = code == 1 ? Result::degraded : Result::failure;
        outcome.reason = Reason::l7_status;
    }
    const std::string_view line = output.substr(0, std::min(output.find('\n'), longest_said));
    if (!line.empty()) outcome.said = std::string(line);
    return outcome;
}

struct CommandProber::Run final : PollSet::Waiter {
    Run(CommandProber& the_prober, std::uint64_t the_serial)
        : prober(the_prober), serial(the_serial) {}
    void on_ready(int descriptor, std::uint32_t /*epoll_events*/) override {
        prober.on_ready(*this, descriptor);
    }

    CommandProber& prober;
    std::uint64_t serial;
    std::shared_ptr<const ProbeRequest> request;
    Done done;  ///< empty once it has been told
    SteadyTime started{};
    std::optional<Deadlines::Entry> deadline;
    Subprocess child;
    PollSet::Ticket exit;
    PollSet::Ticket output_ready;
    std::string output;
};

CommandProber::CommandProber(asio::any_io_executor executor, Clock& clock, CommandSettings settings)
    : executor_(std::move(executor)),
      clock_(clock),
      settings_(std::move(settings)),
      poll_set_(executor_),
      deadlines_(executor_, clock, settings_.tick, [this] { on_deadlines(); }) {}

CommandProber::~CommandProber() {
    stop();
}

void CommandProber::later(Done done, ProbeOutcome outcome) {
    asio::post(executor_, [done = std::move(done), outcome = std::move(outcome)]() mutable {
        done(std::move(outcome));
    });
}

void CommandProber::start(std::shared_ptr<const ProbeRequest> request, Done done) {
    if (stopped_) {
        later(std::move(done), inconclusive(Reason::prober_stopped));
    } else if (runs_.size() >= settings_.max_processes) {
        waiting_.push_back({.request = std::move(request), .done = std::move(done)});
    } else {
        launch(std::move(request), std::move(done));
    }
}

void CommandProber::launch(std::shared_ptr<const ProbeRequest> request, Done done) {
    const auto& command = std::get<config::CommandCheck>(request->probe->kind);
    const auto program = settings_.programs.find(command.name);
    if (program == settings_.programs.end()) {
        later(std::move(done), inconclusive(Reason::prober_no_kind));
        return;
    }
    auto arguments = fill_arguments(
        program->second.program.arguments, command.arguments, request->host, request->port);
    if (!arguments) {
        later(std::move(done), inconclusive(Reason::prober_config));
        return;
    }
    const std::uint64_t serial = ++last_serial_;
    auto run = std::make_unique<Run>(*this, serial);
    const int error = spawn(wish_for(program->second, std::move(*arguments)), run->child);
    if (error != 0) {
        later(std::move(done), outcome_of_spawn_error(error));
        return;
    }
    run->started = clock_.now();
    const bool watched = !poll_set_.add(run->child.exit.get(), EPOLLIN, *run, run->exit) &&
                         !poll_set_.add(run->child.output.get(), arrivals, *run, run->output_ready);
    if (!watched) {
        // Nobody would see it end.
        poll_set_.remove(run->exit);
        end_now(run->child);
        later(std::move(done), inconclusive(Reason::prober_files));
        return;
    }
    run->deadline = deadlines_.add(run->started + request->timeout, serial);
    run->request = std::move(request);
    run->done = std::move(done);
    runs_.emplace(serial, std::move(run));
}

void CommandProber::on_ready(Run& run, int descriptor) {
    std::array<char, 4096> buffer;
    for (int i = 0;; ++i) {
        if (i == most_reads) {
            poll_set_.change(run.output_ready, arrivals);
            break;
        }
        const ssize_t got = ::read(run.child.output.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        // What nobody will read is still taken, so that it can end.
        if (!run.done) continue;
        run.output.append(buffer.data(), static_cast<std::size_t>(got));
        if (run.output.size() > output_limit) {
            kill_group(run.child);
            end(run,
                {.result = Result::inconclusive,
                 .reason = Reason::prober_custom,
                 .said = std::string("more output than 64 KiB")});
            break;
        }
    }
    if (descriptor != run.child.exit.get()) return;
    poll_set_.remove(run.exit);
    poll_set_.remove(run.output_ready);
    const auto code = reap(run.child);
    if (run.done) end(run, outcome_of_exit(code.value_or(255), run.output));
    forget(run.serial);
}

/// Tells the result; the process may still have to end.
void CommandProber::end(Run& run, const ProbeOutcome& outcome) {
    if (run.deadline) deadlines_.erase(*run.deadline);
    run.deadline.reset();
    run.output.clear();
    ProbeOutcome told = outcome;
    told.total = std::chrono::ceil<std::chrono::microseconds>(clock_.now() - run.started);
    Done done = std::exchange(run.done, nullptr);
    later(std::move(done), std::move(told));
}

void CommandProber::forget(std::uint64_t serial) {
    runs_.erase(serial);
    while (!stopped_ && !waiting_.empty() && runs_.size() < settings_.max_processes) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        launch(std::move(next.request), std::move(next.done));
    }
}

void CommandProber::on_deadlines() {
    const SteadyTime now = clock_.now();
    while (const auto serial = deadlines_.due(now)) {
        Run& run = *runs_.at(*serial);
        kill_group(run.child);
        end(run, inconclusive(Reason::prober_custom_timeout));
    }
    deadlines_.watch();
}

void CommandProber::stop() {
    if (std::exchange(stopped_, true)) return;
    for (Waiting& one : waiting_) later(std::move(one.done), inconclusive(Reason::prober_stopped));
    waiting_.clear();
    for (auto& [serial, run] : runs_) kill_group(run->child);
    // Killed, they end at once.
    for (auto& [serial, run] : runs_) {
        if (run->done) end(*run, inconclusive(Reason::prober_stopped));
        poll_set_.remove(run->exit);
        poll_set_.remove(run->output_ready);
        end_now(run->child);
    }
    runs_.clear();
    deadlines_.stop();
}

}  // namespace muster::checker
