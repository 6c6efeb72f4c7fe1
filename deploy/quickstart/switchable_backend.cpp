#include "deploy/quickstart/switchable_backend.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace muster::quickstart {

namespace {

/// Longer than any sensible probe timeout; then the connection is given up.
constexpr std::chrono::seconds hang_limit{60};

double seconds(std::chrono::nanoseconds span) {
    return std::chrono::duration<double>(span).count();
}

/// Empty when it is neither.
std::optional<bool> truth(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

}  // namespace

asio::awaitable<http::Reply> SwitchableBackend::answer(http::Request request) {
    if (request.path == "/health") co_return co_await health();
    if (request.path == "/switch" && request.method == "POST") co_return switch_to(request);
    if (request.path == "/seen") {
        if (request.method == "POST") {
            health_requests_ = 0;
            last_request_ = clock_.now();
            longest_gap_ = {};
        }
        co_return seen();
    }
    co_return http::Response::text(404, "GET /health, POST /switch?healthy=...&hang=..., /seen\n");
}

asio::awaitable<http::Reply> SwitchableBackend::health() {
    const SteadyTime now = clock_.now();
    ++health_requests_;
    if (last_request_) longest_gap_ = std::max(longest_gap_, now - *last_request_);
    last_request_ = now;
    while (hanging_ && clock_.now() < now + hang_limit)
        co_await clock_.sleep_for(std::chrono::milliseconds(50));
    co_return healthy_ ? http::Response::text(200, "healthy\n")
                       : http::Response::text(503, "switched to unhealthy\n");
}

http::Response SwitchableBackend::switch_to(const http::Request& request) {
    bool healthy = healthy_;
    bool hanging = hanging_;
    for (const auto& [name, value] : request.query) {
        const std::optional<bool> wanted = truth(value);
        if (!wanted || (name != "healthy" && name != "hang"))
            return http::Response::text(400, "healthy or hang, true or false\n");
        (name == "healthy" ? healthy : hanging) = *wanted;
    }
    healthy_ = healthy;
    hanging_ = hanging;
    return seen();
}

http::Response SwitchableBackend::seen() const {
    // A gap that still goes on counts, too.
    const std::chrono::nanoseconds since =
        last_request_ ? clock_.now() - *last_request_ : std::chrono::nanoseconds::zero();
    return http::Response::json(200,
                                boost::json::serialize(boost::json::object{
                                    {"healthy", healthy_},
                                    {"hang", hanging_},
                                    {"health_requests", health_requests_},
                                    {"longest_gap_seconds", seconds(std::max(longest_gap_, since))},
                                    {"since_last_seconds", seconds(since)},
                                }));
}

}  // namespace muster::quickstart
