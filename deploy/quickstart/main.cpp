// example_backend [PORT]: a SwitchableBackend on loopback, until SIGTERM. Prints "listening on
// PORT".

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "deploy/quickstart/switchable_backend.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
using muster::quickstart::SwitchableBackend;

asio::awaitable<muster::http::Reply> answer(SwitchableBackend& backend,
                                            muster::http::Request request) {
    return backend.answer(std::move(request));
}

asio::awaitable<void> wait_for_end(asio::signal_set& signals, muster::TaskGroup& group) {
    co_await signals.async_wait(asio::use_awaitable);
    group.cancel();
}

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    if (argc > 1) {
        const std::string_view text = argv[1];
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
        if (error != std::errc{} || end != text.data() + text.size() || argc > 2) {
            std::fputs("usage: example_backend [PORT]\n", stderr);
            return EXIT_FAILURE;
        }
    }
    asio::io_context context(1);
    muster::AsioClock clock;
    SwitchableBackend backend(clock);
    muster::http::Server server(
        context.get_executor(), clock, {.port = port}, [&backend](muster::http::Request request) {
            return answer(backend, std::move(request));
        });
    if (const auto opened = server.open(); !opened) {
        std::fprintf(stderr, "example_backend: %s\n", opened.error().message().c_str());
        return EXIT_FAILURE;
    }
    std::printf("listening on %d\n", server.port());
    std::fflush(stdout);
    asio::signal_set signals(context, SIGTERM, SIGINT);
    muster::TaskGroup group(context.get_executor());
    group.spawn("server", server.run());
    group.spawn("signals", wait_for_end(signals, group));
    context.run();
    return EXIT_SUCCESS;
}
