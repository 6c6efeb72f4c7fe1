#include "common/base/signal.hpp"
#include "ctl/commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <ostream>

namespace muster::ctl {

namespace {

/// Notices changes, as the dashboard does: the stream says when, the command asks what.
asio::awaitable<Exit> notice_changes(Context& context, Signal& changed) {
    constexpr auto pause = std::chrono::seconds(1);
    const ApiCall call{.target = "/api/v1/stream?limit=1"};
    for (;;) {
        // A stream that ends (its node has gone, say) is news in itself; either way, ask again.
        (void)co_await context.api.follow(call, [&](auto, auto) { changed.notify(); });
        changed.notify();
        co_await context.clock.sleep_for(pause);
    }
}

asio::awaitable<Exit> show_changes(Context& context, const Command& command, Signal& changed) {
    for (bool first = true;; first = false) {
        // A terminal shows the newest only; a file or a pipe gets one after the other.
        if (context.colours == Colours::on) {
            context.out << "\x1b[H\x1b[2J";
        } else if (!first) {
            context.out << '\n';
        }
        (void)co_await command(context);
        context.out.flush();
        co_await changed.wait();
    }
}

}  // namespace

asio::awaitable<Exit> watch(Context& context, Command command) {
    const auto executor = co_await asio::this_coro::executor;
    Signal changed(executor);
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, notice_changes(context, changed), asio::deferred),
        asio::co_spawn(executor, show_changes(context, command, changed), asio::deferred));
    // Neither ends by itself: this is over when it is cancelled, or by an exception.
    auto [order, noticing, exit_one, showing, exit_two] =
        co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (noticing && order[0] == 0) std::rethrow_exception(noticing);
    if (showing) std::rethrow_exception(showing);
    co_return exit_two;
}

}  // namespace muster::ctl
