#include "checker/plugin_process.hpp"

#include "checker/phase_outcome.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace muster::checker {

namespace {

constexpr std::uint64_t hello_id = 0;  ///< its deadline's; probes begin with 1
constexpr std::size_t longest_said = 400;
constexpr std::size_t most_error_bytes = 1024;
/// Of what it wrote, before others have their turn: more than a pipe holds.
constexpr int most_reads = 8;
constexpr int most_error_reads = 32;
constexpr std::uint32_t arrivals = EPOLLIN | EPOLLET;
constexpr std::size_t most_unread_bytes = 1UZ << 20U;  ///< that a plug-in may leave us with

}  // namespace

PluginProcess::PluginProcess(asio::any_io_executor executor,
                             Clock& clock,
                             std::string name,
                             CustomProgram program,
                             PluginSettings settings)
    : executor_(std::move(executor)),
      clock_(clock),
      name_(std::move(name)),
      program_(std::move(program)),
      settings_(settings),
      poll_set_(executor_),
      deadlines_(executor_, clock, settings.tick, [this] { on_deadlines(); }),
      pause_(settings.first_pause) {
    // It lives for as long as we do: a bound on its processor time would only restart it.
    program_.program.cpu_seconds = 0;
}

PluginProcess::~PluginProcess() {
    stop();
}

void PluginProcess::later(Prober::Done done, ProbeOutcome outcome) {
    asio::post(executor_, [done = std::move(done), outcome = std::move(outcome)]() mutable {
        done(std::move(outcome));
    });
}

void PluginProcess::start(std::shared_ptr<const ProbeRequest> request, Prober::Done done) {
    const SteadyTime now = clock_.now();
    if (stopped_ || pending_.size() >= settings_.most_waiting) {
        later(std::move(done),
              inconclusive(stopped_ ? Reason::prober_stopped : Reason::prober_custom));
        return;
    }
    if (child_.pid <= 1) {
        if (now < not_before_) {
            later(std::move(done), in_trouble(Reason::prober_custom));
            return;
        }
        launch();
        if (child_.pid <= 1) {
            later(std::move(done), in_trouble(Reason::prober_custom));
            return;
        }
    }
    const std::uint64_t id = ++last_id_;
    const SteadyTime end = now + request->timeout;
    pending_.emplace(id,
                     Pending{.request = std::move(request),
                             .done = std::move(done),
                             .started = now,
                             .deadline = deadlines_.add(end, id)});
    waiting_.push_back(id);
    send_waiting();
}

void PluginProcess::launch() {
    ++starts_;
    launched_ = clock_.now();
    auto arguments = fill_arguments(program_.program.arguments, {}, "", 0);
    if (!arguments) {
        trouble_ = "its arguments have placeholders; a plug-in gets what it needs in its requests";
        not_before_ = launched_ + settings_.longest_pause;
        return;
    }
    SpawnWish wish = wish_for(program_, std::move(*arguments));
    wish.keep_stdin = true;
    wish.keep_errors = true;
    const int error = spawn(wish, child_);
    const bool watched =
        error == 0 && !poll_set_.add(child_.exit.get(), EPOLLIN, watch_, exit_ready_) &&
        !poll_set_.add(child_.output.get(), arrivals, watch_, output_ready_) &&
        !poll_set_.add(child_.errors.get(), arrivals, watch_, errors_ready_) &&
        !poll_set_.add(child_.input.get(), EPOLLOUT | EPOLLET, watch_, input_ready_);
    if (!watched) {
        trouble_ = fmt::format("can't be started (errno {})", error);
        unwatch();
        end_now(child_);
        child_ = {};
        not_before_ = launched_ + pause_;
        pause_ = std::min(2 * pause_, settings_.longest_pause);
        return;
    }
    killed_ = false;
    hello_.reset();
    output_.clear();
    wrong_lines_ = 0;
    timeouts_ = 0;
    unanswered_ = 0;
    in_flight_ = 0;
    hello_deadline_ = deadlines_.add(launched_ + settings_.hello_timeout, hello_id);
    input_ = write_hello();
    write_out();
}

/// As many as it takes at once.
void PluginProcess::send_waiting() {
    if (!hello_ || killed_) return;
    while (!waiting_.empty() && in_flight_ < hello_->max_in_flight &&
           input_.size() < most_unread_bytes) {
        const std::uint64_t id = waiting_.front();
        waiting_.pop_front();
        const auto found = pending_.find(id);
        if (found == pending_.end()) continue;
        found->second.sent = true;
        ++in_flight_;
        const ProbeRequest& request = *found->second.request;
        input_ += write_probe(id, request, std::get<config::PluginCheck>(request.probe->kind));
    }
    write_out();
}

void PluginProcess::write_out() {
    while (!input_.empty() && child_.input.is_open()) {
        const ssize_t wrote =
            ::send(child_.input.get(), input_.data(), input_.size(), MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR) continue;
        // Full: it is ready again when the plug-in has read. Broken: it ends, or closed its input.
        if (wrote <= 0) return;
        input_.erase(0, static_cast<std::size_t>(wrote));
    }
}

void PluginProcess::on_ready(int descriptor, std::uint32_t /*epoll_events*/) {
    if (descriptor == child_.input.get()) {
        write_out();
        send_waiting();
        return;
    }
    if (descriptor == child_.errors.get()) {
        read_errors();
        return;
    }
    read_output();
    read_errors();
    if (descriptor != child_.exit.get()) return;
    unwatch();
    on_exit(reap(child_).value_or(255));
}

void PluginProcess::unwatch() {
    poll_set_.remove(exit_ready_);
    poll_set_.remove(output_ready_);
    poll_set_.remove(errors_ready_);
    poll_set_.remove(input_ready_);
}

void PluginProcess::read_errors() {
    std::array<char, 4096> buffer;
    for (int i = 0; i < most_error_reads; ++i) {
        const ssize_t got = ::read(child_.errors.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        errors_.append(buffer.data(), static_cast<std::size_t>(got));
        if (errors_.size() > most_error_bytes) errors_.erase(0, errors_.size() - most_error_bytes);
    }
    poll_set_.change(errors_ready_, arrivals);
}

void PluginProcess::read_output() {
    std::array<char, 16UZ * 1024UZ> buffer;
    // Of one that was killed nothing counts any more; somebody may have its output and write on.
    for (int i = 0; i < most_reads && !killed_; ++i) {
        const ssize_t got = ::read(child_.output.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        output_.append(buffer.data(), static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = output_.find('\n'); end != std::string::npos && !killed_;
             end = output_.find('\n', begin)) {
            on_line(std::string_view(output_).substr(begin, end - begin));
            begin = end + 1;
        }
        output_.erase(0, begin);
        if (output_.size() > longest_plugin_line) kill("wrote a line of more than 64 KiB");
    }
    if (!killed_) poll_set_.change(output_ready_, arrivals);
}

void PluginProcess::on_line(std::string_view line) {
    auto read = read_plugin_line(line);
    if (!read) {
        on_wrong_line(read.error());
        return;
    }
    if (const auto* const hello = std::get_if<PluginHello>(&*read)) {
        if (hello_) {
            on_wrong_line("said hello twice");
            return;
        }
        hello_ = *hello;
        if (hello_deadline_) deadlines_.erase(*hello_deadline_);
        hello_deadline_.reset();
        trouble_.clear();
        send_waiting();
        return;
    }
    if (!hello_) {
        kill("answered before it said hello");
        return;
    }
    on_answer(std::get<PluginAnswer>(std::move(*read)));
}

void PluginProcess::on_answer(PluginAnswer answer) {
    const auto found = pending_.find(answer.id);
    const bool asked = found != pending_.end() && found->second.sent;
    if (!asked) {
        // The answer to one that has timed out is late, not wrong.
        const bool late = answer.id > 0 && answer.id <= last_id_ && unanswered_ > 0;
        if (late) {
            --unanswered_;
        } else {
            on_wrong_line(fmt::format("answered {}, which was not asked", answer.id));
        }
        return;
    }
    timeouts_ = 0;
    finish(answer.id, std::move(answer.outcome));
    send_waiting();
}

void PluginProcess::on_wrong_line(const std::string& what) {
    trouble_ = fmt::format("wrote a line that {}", what);
    if (!hello_ || ++wrong_lines_ > settings_.most_wrong_lines) kill(trouble_);
}

void PluginProcess::on_deadlines() {
    const SteadyTime now = clock_.now();
    while (const auto id = deadlines_.due(now)) {
        if (*id == hello_id) {
            kill("did not say hello in time");
            continue;
        }
        const bool sent = pending_.at(*id).sent;
        finish(*id, inconclusive(Reason::prober_custom_timeout));
        if (!sent) continue;
        ++unanswered_;
        input_ += write_cancel(*id);
        if (++timeouts_ > settings_.most_timeouts) kill("has answered nothing for long");
    }
    send_waiting();
    deadlines_.watch();
}

void PluginProcess::kill(std::string why) {
    if (killed_) return;
    killed_ = true;
    trouble_ = std::move(why);
    if (hello_deadline_) deadlines_.erase(*hello_deadline_);
    hello_deadline_.reset();
    kill_group(child_);
    fail_all(Reason::prober_custom);
}

void PluginProcess::on_exit(int code) {
    if (!killed_) trouble_ = fmt::format("has ended with code {}", code);
    if (hello_deadline_) deadlines_.erase(*hello_deadline_);
    hello_deadline_.reset();
    if (!errors_.empty()) trouble_ += ": " + errors_;
    hello_.reset();
    input_.clear();
    output_.clear();
    errors_.clear();
    const SteadyTime now = clock_.now();
    if (now - launched_ >= settings_.healthy_after) pause_ = settings_.first_pause;
    not_before_ = now + pause_;
    pause_ = std::min(2 * pause_, settings_.longest_pause);
    fail_all(Reason::prober_custom);
}

void PluginProcess::finish(std::uint64_t id, ProbeOutcome outcome) {
    const auto found = pending_.find(id);
    Pending pending = std::move(found->second);
    pending_.erase(found);
    if (pending.sent) --in_flight_;
    deadlines_.erase(pending.deadline);
    outcome.total = std::chrono::ceil<std::chrono::microseconds>(clock_.now() - pending.started);
    later(std::move(pending.done), std::move(outcome));
}

ProbeOutcome PluginProcess::in_trouble(Reason reason) const {
    ProbeOutcome outcome = inconclusive(reason);
    if (!trouble_.empty()) outcome.said = "the plug-in " + trouble_.substr(0, longest_said);
    return outcome;
}

void PluginProcess::fail_all(Reason reason) {
    while (!pending_.empty()) finish(pending_.begin()->first, in_trouble(reason));
    waiting_.clear();
    in_flight_ = 0;
}

void PluginProcess::stop() {
    if (std::exchange(stopped_, true)) return;
    fail_all(Reason::prober_stopped);
    unwatch();
    end_now(child_);
    deadlines_.stop();
}

}  // namespace muster::checker
