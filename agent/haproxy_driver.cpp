#include "agent/haproxy_driver.hpp"

#include "agent/haproxy_check.hpp"
#include "agent/haproxy_commands.hpp"
#include "agent/haproxy_config.hpp"
#include "agent/haproxy_errc.hpp"
#include "agent/haproxy_names.hpp"
#include "agent/haproxy_values.hpp"
#include "agent/lb_listeners.hpp"
#include "common/base/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;

/// Between two looks at a worker that is on its way.
constexpr auto glance = 20ms;
/// For what the master knows and may not say.
constexpr auto master_patience = 500ms;
/// To the plan and its answers. A server that is added or leaves while HAProxy counts its
/// connections may need a second look; more means that someone works against us.
constexpr int most_rounds = 3;
constexpr std::string_view no_servers = "1\n";

bool any_limits(const LbState& wanted) {
    return std::ranges::any_of(wanted.pools, has_limits);
}

}  // namespace

HaproxyDriver::HaproxyDriver(HaproxySettings settings, Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      runtime_(settings_.stats_socket, settings_.master_socket, settings_.answer_timeout, clock_) {
    if (const auto right = check_settings(settings_); !right)
        throw std::invalid_argument(right.error().message());
}

asio::awaitable<Result<Applied>> HaproxyDriver::apply(LbState wanted) {
    known_.reset();
    std::string files = certificates_.stamp();
    const auto rendered = render_haproxy(wanted, settings_, files);
    if (!rendered) co_return tl::unexpected(rendered.error());
    listeners_ = wanted.listeners;
    Applied applied{.notes = rendered->notes};

    auto seen = co_await look(any_limits(wanted));
    if (!seen) {
        if (seen.error().code != HaproxyErrc::no_process) co_return tl::unexpected(seen.error());
        const auto placed = co_await place_config(*rendered);
        co_return tl::unexpected(placed ? seen.error() : placed.error());
    }
    const int pid = seen->info.pid;
    const bool same = seen->info.structure == rendered->structure;
    std::string reason;
    auto settled = co_await settle(wanted, *seen, applied, reason);
    if (same && reason.empty()) {
        if (!settled) co_return tl::unexpected(settled.error());
        const auto brought =
            co_await certificates_.follow(runtime_, pid, wanted.listeners, applied.notes);
        // The structure is another one now: by a reload, then.
        if (!brought && certificates_.must_reload()) co_return co_await apply(std::move(wanted));
        if (!brought) co_return tl::unexpected(brought.error());
        applied.certificates = *brought;
        settled = follow_config(*rendered);
        if (!settled) co_return tl::unexpected(settled.error());
        remember(std::move(wanted), std::move(files), std::move(*seen));
        co_return applied;
    }

    if (const auto done = co_await reload(*rendered, pid); !done)
        co_return tl::unexpected(done.error());
    applied.reloaded = true;
    seen = co_await look(any_limits(wanted));
    if (!seen) co_return tl::unexpected(seen.error());
    settled = co_await settle(wanted, *seen, applied, reason);
    if (!settled) co_return tl::unexpected(settled.error());
    if (reason.empty()) {
        remember(std::move(wanted), std::move(files), std::move(*seen));
        co_return applied;
    }
    refuse(*rendered, {.code = HaproxyErrc::not_applied, .context = "after a reload: " + reason});
    co_return tl::unexpected(refusal_);
}

void HaproxyDriver::remember(LbState wanted, std::string files, Seen seen) {
    for (const auto& [server, since] : leaving_) {
        const std::size_t slash = server.find('/');
        const auto backend = seen.backends.find(server.substr(0, slash));
        if (backend != seen.backends.end()) backend->second.erase(server.substr(slash + 1));
    }
    known_ = Known{.wanted = std::move(wanted), .files = std::move(files), .seen = std::move(seen)};
}

asio::awaitable<std::optional<Applied>> HaproxyDriver::change_quickly(LbState wanted) {
    if (!known_) co_return std::nullopt;
    const auto part = changes(known_->wanted, wanted);
    if (!part || structure_of(wanted, settings_, known_->files) != known_->seen.info.structure)
        co_return std::nullopt;
    const auto made = plan_commands(*part, seen_of(*part, known_->seen.backends), settings_);
    if (!made || !made->reload.empty()) co_return std::nullopt;
    const auto sent = co_await carry_out(*made);
    if (!sent) {
        known_.reset();
        co_return std::nullopt;
    }
    expect(*part, settings_, known_->seen.backends);
    for (const Pool& pool : part->pools) known_->touched.insert(pool.group);
    stale_file_ = true;
    known_->wanted = std::move(wanted);
    co_return Applied{.commands = *sent};
}

asio::awaitable<Result<Applied>> HaproxyDriver::confirm() {
    if (!known_) co_return Applied{};
    const auto held = co_await is_as_known();
    if (!held || !*held) co_return co_await apply(known_->wanted);
    if (stale_file_ && clock_.now() >= next_file_) {
        const auto rendered = render_haproxy(known_->wanted, settings_, known_->files);
        if (!rendered) co_return tl::unexpected(rendered.error());
        if (const auto done = follow_config(*rendered); !done)
            co_return tl::unexpected(done.error());
    }
    co_return Applied{};
}

/// Removals wait for the next apply().
asio::awaitable<Result<bool>> HaproxyDriver::is_as_known() {
    LbState part{
        .listeners = known_->wanted.listeners, .pools = {}, .leaving = known_->wanted.leaving};
    std::ranges::copy_if(known_->wanted.pools,
                         std::back_inserter(part.pools),
                         [&](const Pool& pool) { return known_->touched.contains(pool.group); });
    auto now = co_await look_at(part);
    if (!now) co_return tl::unexpected(now.error());
    if (now->info != known_->seen.info) co_return false;
    for (auto& [name, servers] : now->backends) known_->seen.backends[name] = std::move(servers);
    const auto made = plan(part, known_->seen);
    if (!made) co_return tl::unexpected(made.error());
    if (!made->only_removals || !made->reload.empty()) co_return false;
    for (const std::string& server : made->leaving) {
        const std::size_t slash = server.find('/');
        known_->seen.backends[server.substr(0, slash)].erase(server.substr(slash + 1));
    }
    known_->touched.clear();
    co_return true;
}

asio::awaitable<Result<HaproxyDriver::Seen>> HaproxyDriver::look_at(const LbState& part) {
    Seen seen;
    std::vector<std::string> questions = {"show info"};
    for (const auto& [group, mode] : uses_of(part.listeners)) {
        const auto pool = std::ranges::find(part.pools, group, &Pool::group);
        if (pool == part.pools.end()) continue;
        const std::string name = backend_name(group, mode);
        seen.backends.emplace(name, ObservedServers());
        questions.push_back("show servers state " + name);
        if (has_limits(*pool)) questions.push_back(fmt::format("show stat {} 4 -1", name));
    }
    const auto answers = co_await runtime_.ask(questions);
    if (!answers) co_return tl::unexpected(answers.error());
    auto info = parse_info(answers->front());
    if (!info) co_return tl::unexpected(info.error());
    seen.info = std::move(*info);
    for (std::size_t i = 1; i < questions.size(); ++i) {
        const bool limits = questions[i].starts_with("show stat ");
        const auto read = limits ? parse_limits((*answers)[i], seen.backends)
                                 : parse_servers((*answers)[i], seen.backends);
        if (!read) co_return tl::unexpected(read.error());
    }
    co_return seen;
}

asio::awaitable<Result<HaproxyDriver::Seen>> HaproxyDriver::look(bool with_limits) {
    std::vector<std::string> questions = {"show info", "show backend", "show servers state"};
    if (with_limits) questions.emplace_back("show stat -1 4 -1");
    const auto answers = co_await runtime_.ask(std::move(questions));
    if (!answers) co_return tl::unexpected(answers.error());
    auto info = parse_info((*answers)[0]);
    if (!info) co_return tl::unexpected(info.error());
    auto backends = parse_backends((*answers)[1]);
    if (!backends) co_return tl::unexpected(backends.error());
    if (const auto read = parse_servers((*answers)[2], *backends); !read)
        co_return tl::unexpected(read.error());
    if (with_limits) {
        if (const auto read = parse_limits((*answers)[3], *backends); !read)
            co_return tl::unexpected(read.error());
    }
    co_return Seen{.info = std::move(*info), .backends = std::move(*backends)};
}

Result<HaproxyPlan> HaproxyDriver::plan(const LbState& wanted, const Seen& seen) {
    std::set<std::string> overdue;
    for (const auto& [server, since] : leaving_) {
        if (clock_.now() - since >= settings_.removal_timeout) overdue.insert(server);
    }
    return plan_commands(wanted, seen.backends, settings_, overdue);
}

/// Until HAProxy shows what is wanted, as far as that needs no reload (`reason`: why it does).
asio::awaitable<Result<void>> HaproxyDriver::settle(const LbState& wanted,
                                                    Seen& seen,
                                                    Applied& applied,
                                                    std::string& reason) {
    for (int round = 0;; ++round) {
        const auto made = plan(wanted, seen);
        if (!made) co_return tl::unexpected(made.error());
        reason = made->reload.empty() ? "" : made->reload.front();
        std::erase_if(leaving_,
                      [&](const auto& entry) { return !made->leaving.contains(entry.first); });
        for (const std::string& server : made->leaving) leaving_.emplace(server, clock_.now());
        // What is left then waits for connections to end.
        if (made->commands.empty() || (made->only_removals && round > 0)) break;
        if (round == most_rounds) {
            co_return fail(HaproxyErrc::not_applied,
                           fmt::format("after {} rounds still: {}", round, made->commands.front()));
        }
        const auto sent = co_await carry_out(*made);
        if (!sent) co_return tl::unexpected(sent.error());
        applied.commands += *sent;
        auto now = co_await look(any_limits(wanted));
        if (!now) co_return tl::unexpected(now.error());
        seen = std::move(*now);
    }
    for (const auto& [server, since] : leaving_)
        applied.notes.push_back(
            fmt::format("{} is removed once its connections have ended", server));
    co_return Result<void>();
}

asio::awaitable<Result<int>> HaproxyDriver::carry_out(const HaproxyPlan& plan) {
    const auto answers = co_await runtime_.ask(plan.commands);
    if (!answers) co_return tl::unexpected(answers.error());
    // All have been carried out by now, one's failure or not: the first that failed is told.
    for (std::size_t i = 0; i < answers->size(); ++i) {
        if (judge(plan.commands[i], (*answers)[i]) != Verdict::failed) continue;
        co_return fail(HaproxyErrc::command_failed,
                       fmt::format("'{}': '{:.500}'", plan.commands[i], (*answers)[i]));
    }
    co_return static_cast<int>(answers->size());
}

asio::awaitable<Result<void>> HaproxyDriver::place_config(const RenderedHaproxy& rendered) {
    if (read_file(settings_.config_file) == rendered.text) co_return Result<void>();
    const std::string candidate = settings_.config_file + ".candidate";
    if (auto written = replace_file(candidate, rendered.text); !written) co_return written;
    auto right =
        co_await check_config(clock_, settings_.program, candidate, settings_.check_timeout);
    if (!right) co_return right;
    std::error_code error;
    std::filesystem::rename(candidate, settings_.config_file, error);
    if (error) co_return fail(error, settings_.config_file);
    co_return Result<void>();
}

/// What the running worker does anyway needs no check, and the disk no write for each flip.
Result<void> HaproxyDriver::follow_config(const RenderedHaproxy& rendered) {
    stale_file_ = clock_.now() < next_file_;
    if (stale_file_ || read_file(settings_.config_file) == rendered.text) return {};
    next_file_ = clock_.now() + settings_.file_interval;
    return replace_file(settings_.config_file, rendered.text);
}

asio::awaitable<Result<void>> HaproxyDriver::reload(const RenderedHaproxy& rendered, int old_pid) {
    if (rendered.structure == refused_ && clock_.now() < retry_) co_return tl::unexpected(refusal_);
    const auto before = read_file(settings_.config_file);
    auto done = co_await place_config(rendered);
    if (done) {
        done = co_await restart_worker(rendered, old_pid);
        // The file is what HAProxy starts from, so it must be one that it did start from.
        if (!done && before) (void)replace_file(settings_.config_file, *before);
    }
    if (done) {
        refused_.clear();
    } else {
        refuse(rendered, done.error());
    }
    co_return done;
}

/// The next reload for it is not before its time.
void HaproxyDriver::refuse(const RenderedHaproxy& rendered, Error why) {
    refused_ = rendered.structure;
    retry_ = clock_.now() + settings_.reload_retry;
    refusal_ = std::move(why);
}

/// A master on its way to a new worker may be silent, which says nothing.
asio::awaitable<int> HaproxyDriver::count_failed_reloads() {
    const auto answer = co_await runtime_.ask_master("show proc", master_patience);
    co_return answer ? failed_reloads(*answer).value_or(0) : 0;
}

asio::awaitable<Result<void>> HaproxyDriver::restart_worker(const RenderedHaproxy& rendered,
                                                            int old_pid) {
    const auto state = co_await runtime_.ask({"show servers state"});
    if (!state) co_return tl::unexpected(state.error());
    if (auto written = replace_file(settings_.state_file, state->front() + "\n"); !written)
        co_return written;
    const int failures = co_await count_failed_reloads();
    const SteadyTime deadline = clock_.now() + settings_.reload_timeout;
    if (const auto told = co_await runtime_.ask_master("reload", settings_.answer_timeout); !told)
        co_return tl::unexpected(told.error());
    Result<void> done =
        fail(HaproxyErrc::reload_failed, "no new worker answered in time; the old one goes on");
    while (clock_.now() < deadline) {
        const auto answer = co_await runtime_.ask({"show info"});
        const auto info = answer ? parse_info(answer->front()) : tl::unexpected(answer.error());
        if (info && info->pid != old_pid && info->structure == rendered.structure) {
            done = {};
            break;
        }
        if (co_await count_failed_reloads() > failures) {
            done = fail(HaproxyErrc::reload_failed,
                        "the new worker could not start (a port in use?); the old one goes on");
            break;
        }
        co_await clock_.sleep_for(glance);
    }
    // It served its purpose: who starts later begins with the states in the configuration.
    (void)replace_file(settings_.state_file, no_servers);
    co_return done;
}

asio::awaitable<Result<void>> HaproxyDriver::check() {
    const auto answer = co_await runtime_.ask({"show info"});
    if (!answer) co_return tl::unexpected(answer.error());
    if (const auto info = parse_info(answer->front()); !info)
        co_return tl::unexpected(info.error());
    co_return co_await accept_connections(clock_, listeners_, settings_.answer_timeout);
}

}  // namespace muster::agent
