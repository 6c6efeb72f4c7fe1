#include "agent/envoy_driver.hpp"

#include "agent/lb_listeners.hpp"
#include "common/base/files.hpp"
#include "common/http/client.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace muster::agent {
namespace {

namespace fs = std::filesystem;

/// 1 when the file is another now.
Result<int> replace_if_changed(const std::string& path, std::string_view text) {
    if (const auto now = read_file(path); now && *now == text) return 0;
    if (auto done = replace_file(path, text); !done) return tl::unexpected(done.error());
    return 1;
}

}  // namespace

EnvoyDriver::EnvoyDriver(EnvoySettings settings, Clock& clock)
    : settings_(std::move(settings)), clock_(clock), addresses_(clock, settings_.lookup_timeout) {}

asio::awaitable<Result<Applied>> EnvoyDriver::apply(LbState wanted) {
    co_await addresses_.look_up(wanted);
    auto made = render_envoy(wanted, settings_, addresses_.known());
    if (!made) co_return tl::unexpected(made.error());
    listeners_ = std::move(wanted.listeners);
    const Result<int> changed = follow(*made);
    if (!changed) co_return tl::unexpected(changed.error());
    co_return Applied{.commands = *changed, .notes = std::move(made->notes)};
}

Result<int> EnvoyDriver::follow(const RenderedEnvoy& made) {
    const fs::path directory = settings_.directory;
    std::error_code error;
    fs::create_directories(directory / "endpoints", error);
    if (error) return fail(error, settings_.directory);
    int changed = 0;
    for (const auto& [name, text] : made.endpoints) {
        const auto done = replace_if_changed(directory / name, text);
        if (!done) return done;
        changed += *done;
    }
    const auto done = replace_if_changed(directory / "clusters.json", made.clusters);
    if (!done) return done;
    changed += *done;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(directory / "endpoints", error)) {
        const std::string name = fmt::format("endpoints/{}", entry.path().filename().string());
        if (name.ends_with(".json") && !made.endpoints.contains(name) &&
            fs::remove(entry.path(), error))
            ++changed;
    }
    if (error) return fail(error, settings_.directory);
    return changed;
}

asio::awaitable<Result<void>> EnvoyDriver::ready() {
    const auto answer =
        co_await http::fetch(clock_,
                             {.url = fmt::format("http://{}/ready", settings_.admin),
                              .timeout = settings_.answer_timeout});
    if (!answer) co_return tl::unexpected(answer.error());
    if (answer->status == 200) co_return Result<void>();
    co_return fail(EnvoyErrc::not_ready, fmt::format("{} {}", answer->status, answer->body));
}

asio::awaitable<Result<void>> EnvoyDriver::check() {
    if (!settings_.admin.empty()) {
        if (auto done = co_await ready(); !done) co_return done;
    }
    co_return co_await accept_connections(clock_, listeners_, settings_.answer_timeout);
}

}  // namespace muster::agent
