#pragma once

#include "checker/prober.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace muster::checker {

/// Starts every request by `start` (on whatever executor its prober has) and waits for all of them
/// on `home`, the executor of the awaiting coroutine. Can't be cancelled; each probe has its own
/// deadline.
[[nodiscard]] inline asio::awaitable<std::vector<ProbeOutcome>> await_probes(
    asio::any_io_executor home,
    std::vector<std::shared_ptr<const ProbeRequest>> requests,
    std::function<void(std::shared_ptr<const ProbeRequest>, Prober::Done)> start) {
    if (requests.empty()) co_return std::vector<ProbeOutcome>{};
    struct Wait {
        std::vector<ProbeOutcome> outcomes;
        std::size_t awaited = 0;
        std::move_only_function<void(std::vector<ProbeOutcome>)> done;
    };
    auto initiate = [&](auto handler) {
        auto wait = std::make_shared<Wait>();
        wait->outcomes.resize(requests.size());
        wait->awaited = requests.size();
        wait->done = [handler = std::move(handler)](std::vector<ProbeOutcome> all) mutable {
            handler(std::move(all));
        };
        for (std::size_t i = 0; i < requests.size(); ++i) {
            start(requests[i], [wait, home, i](ProbeOutcome outcome) {
                asio::post(home, [wait, i, outcome = std::move(outcome)]() mutable {
                    wait->outcomes[i] = std::move(outcome);
                    if (--wait->awaited == 0) wait->done(std::move(wait->outcomes));
                });
            });
        }
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                            void(std::vector<ProbeOutcome>)>(std::move(initiate),
                                                                             asio::use_awaitable);
}

}  // namespace muster::checker
