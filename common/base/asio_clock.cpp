#include "common/base/asio_clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <ctime>

namespace muster {

namespace {

std::chrono::nanoseconds read_clock(clockid_t which) {
    timespec time{};
    clock_gettime(which, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

SteadyTime AsioClock::now() const {
    return SteadyTime(read_clock(CLOCK_BOOTTIME));
}

WallTime AsioClock::wall() const {
    return WallTime(std::chrono::floor<std::chrono::milliseconds>(read_clock(CLOCK_REALTIME)));
}

asio::awaitable<void> AsioClock::sleep_until(SteadyTime when) {
    // Asio's timer counts CLOCK_MONOTONIC, which stands still in a suspend: after one, the sleep
    // ends late by its rest, and whoever slept re-reads now().
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(when - now());
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace muster
