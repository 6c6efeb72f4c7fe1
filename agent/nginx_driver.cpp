#include "agent/nginx_driver.hpp"

#include "agent/lb_listeners.hpp"
#include "agent/lb_program.hpp"
#include "agent/nginx_errc.hpp"
#include "common/base/with_timeout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;

/// How often to look whether new workers have taken over; it takes some tens of milliseconds.
constexpr auto look_again = 5ms;
constexpr std::size_t most_words = 4096;

/// The lines that say why, in one.
std::string complaints(std::string_view output) {
    std::string words;
    for (std::string_view rest = output; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.empty() || line.contains("[warn]") || line.contains("[notice]")) continue;
        words += fmt::format("{}{}", words.empty() ? "" : "; ", line);
    }
    if (words.size() > most_words) words.resize(most_words);
    return words.empty() ? "it says nothing" : words;
}

}  // namespace

NginxDriver::NginxDriver(NginxSettings settings, Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      files_(settings_),
      addresses_(clock, settings_.lookup_timeout) {}

asio::awaitable<Result<Applied>> NginxDriver::apply(LbState wanted) {
    co_await addresses_.look_up(wanted);
    auto made = render_nginx(
        wanted,
        settings_,
        {.addresses = addresses_.known(), .certificates = stamp_of_certificates(wanted.listeners)});
    if (!made) co_return tl::unexpected(made.error());
    listeners_ = std::move(wanted.listeners);
    if (settings_.stream_file.empty()) {
        std::erase_if(listeners_, [](const config::Listener& listener) {
            return listener.mode == config::ListenMode::tcp;
        });
    }
    Applied applied{.notes = std::move(made->notes)};
    NginxTexts texts{.http = std::move(made->http), .stream = std::move(made->stream)};
    const auto running = NginxMaster::find(settings_.pid_file);
    if (files_.hold(texts)) {
        if (!running) co_return tl::unexpected(running.error());
        co_return applied;
    }
    if (texts == refused_ && clock_.now() < retry_) co_return tl::unexpected(refusal_);
    if (running && clock_.now() < next_reload_) co_await clock_.sleep_until(next_reload_);
    if (const auto done = co_await change(std::move(texts)); !done)
        co_return tl::unexpected(done.error());
    applied.reloaded = true;
    co_return applied;
}

asio::awaitable<Result<void>> NginxDriver::change(NginxTexts wanted) {
    if (auto done = files_.change(wanted); !done) co_return done;
    auto done = co_await test();
    if (done) done = co_await load();
    if (done || done.error().code == NginxErrc::no_process) {
        if (const auto confirmed = files_.confirm(); !confirmed) co_return confirmed;
        co_return done;
    }
    refused_ = std::move(wanted);
    refusal_ = done.error();
    retry_ = clock_.now() + settings_.refused_retry;
    if (const auto back = files_.roll_back(); !back) co_return back;
    co_return done;
}

asio::awaitable<Result<void>> NginxDriver::test() {
    std::vector<std::string> argv = {settings_.program, "-t", "-q", "-c", settings_.config_file};
    if (!settings_.error_log.empty()) argv.insert(argv.end(), {"-e", settings_.error_log});
    const auto ended = co_await run_program(clock_, std::move(argv), settings_.test_timeout);
    if (!ended) co_return tl::unexpected(ended.error());
    if (ended->code == 0) co_return Result<void>();
    co_return fail(NginxErrc::bad_config, complaints(ended->output));
}

asio::awaitable<Result<void>> NginxDriver::load() {
    const auto master = NginxMaster::find(settings_.pid_file);
    if (!master) co_return tl::unexpected(master.error());
    std::set<pid_t> old = master->workers();
    next_reload_ = clock_.now() + settings_.reload_interval;
    if (auto told = master->reload(); !told) co_return told;
    auto done = co_await with_timeout(
        clock_, settings_.reload_timeout, taken_over(*master, std::move(old)));
    if (done || done.error().code != std::errc::timed_out) co_return done;
    co_return fail(NginxErrc::reload_failed,
                   "its old workers go on; its error log says why (a port that is taken?)");
}

/// New workers are there, and none of the old ones takes connections any more.
asio::awaitable<Result<void>> NginxDriver::taken_over(const NginxMaster& master,
                                                      std::set<pid_t> old) {
    for (;;) {
        if (!NginxMaster::find(settings_.pid_file))
            co_return fail(NginxErrc::no_process, "it ended at the reload");
        const std::set<pid_t> now = master.workers();
        const bool some_old =
            std::ranges::any_of(now, [&](pid_t worker) { return old.contains(worker); });
        if (!now.empty() && !some_old) co_return Result<void>();
        co_await clock_.sleep_for(look_again);
    }
}

asio::awaitable<Result<void>> NginxDriver::check() {
    if (const auto master = NginxMaster::find(settings_.pid_file); !master)
        co_return tl::unexpected(master.error());
    co_return co_await accept_connections(clock_, listeners_, settings_.answer_timeout);
}

}  // namespace muster::agent
