#include "agent/connection_reporter.hpp"

#include <utility>

namespace muster::agent {

namespace {

using std::chrono::seconds;

constexpr seconds between_counts{30};  ///< of an LB that stays
constexpr seconds repeated{300};
constexpr seconds repeated_leaving{5};

}  // namespace

bool is_news(const std::optional<znodes::OpenConnections>& told,
             std::int64_t open,
             WallTime now,
             bool leaves) {
    // A clock that was set back makes all that was told look young for as long.
    if (!told || now < told->counted) return true;
    const auto age = now - told->counted;
    if (leaves) return open != told->open || age >= repeated_leaving;
    if (age >= repeated) return true;
    const bool other =
        open / 2 > told->open || told->open / 2 > open || (open == 0) != (told->open == 0);
    return other && age >= between_counts;
}

asio::awaitable<std::optional<znodes::OpenConnections>> ConnectionReporter::look(
    std::vector<config::Listener> listeners, bool leaves) {
    const SteadyTime start = clock_.now();
    if (!leaves && counted_ && start - *counted_ < between_counts) co_return std::nullopt;
    counted_ = start;
    // Of before it is asked: who looks at the time wants nothing older.
    const WallTime now = clock_.wall();
    const Result<std::int64_t> open = co_await counters_.count_connections(std::move(listeners));
    if (!open) {
        metrics_.counter_failures.Increment();
        co_return std::nullopt;
    }
    metrics_.connections.Set(static_cast<double>(*open));
    if (!is_news(told_, *open, now, leaves)) co_return std::nullopt;
    told_ = znodes::OpenConnections{.open = *open, .counted = now};
    co_return told_;
}

}  // namespace muster::agent
