#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

namespace muster {

/// Runs `op`, which returns Result<T>, and cancels it when `limit` has passed: then the result is
/// std::errc::timed_out. The first of the two to end decides, success or not, so an error is never
/// held back until the timer fires. `op` must honour cancellation.
template <class T>
[[nodiscard]] asio::awaitable<Result<T>> with_timeout(Clock& clock,
                                                      std::chrono::nanoseconds limit,
                                                      asio::awaitable<Result<T>> op) {
    const auto executor = co_await asio::this_coro::executor;
    auto race = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, std::move(op), asio::deferred),
        asio::co_spawn(executor, clock.sleep_for(limit), asio::deferred));
    auto [order, op_error, result, timer_error] =
        co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (order[0] == 0) {
        if (op_error) std::rethrow_exception(op_error);
        co_return std::move(result);
    }
    co_return fail(std::make_error_code(std::errc::timed_out));
}

}  // namespace muster
