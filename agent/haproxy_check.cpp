#include "agent/haproxy_check.hpp"

#include "agent/haproxy_errc.hpp"
#include "agent/lb_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace muster::agent {
namespace {

constexpr std::size_t most_words = 4096;

/// Its alerts alone; everything, when it ended without any.
std::string complaints(std::string_view output) {
    std::string alerts;
    for (std::string_view rest = output; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const bool noise = line.starts_with("[NOTICE]") || line.starts_with("[WARNING]");
        if (!noise && !line.empty())
            alerts += fmt::format("{}{}", alerts.empty() ? "" : "; ", line);
    }
    if (alerts.size() > most_words) alerts.resize(most_words);
    return alerts.empty() ? "it says nothing" : alerts;
}

}  // namespace

asio::awaitable<Result<void>> check_config(Clock& clock,
                                           std::string program,
                                           std::string file,
                                           std::chrono::nanoseconds timeout) {
    auto ended = co_await run_program(clock, {program, "-c", "-f", std::move(file)}, timeout);
    if (!ended) co_return tl::unexpected(ended.error());
    if (ended->code != 0) co_return fail(HaproxyErrc::bad_config, complaints(ended->output));
    co_return Result<void>();
}

}  // namespace muster::agent
