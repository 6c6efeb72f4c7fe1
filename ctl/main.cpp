#include "common/base/asio_clock.hpp"
#include "ctl/command_line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace muster;

/// https://no-color.org, and nothing but terminals gets colours.
ctl::Colours wanted_colours() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
    const bool refused = no_color != nullptr && *no_color != '\0';
    return isatty(STDOUT_FILENO) == 1 && !dumb && !refused ? ctl::Colours::on : ctl::Colours::off;
}

int terminal_width() {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : ctl::Context::usual_width;
}

int run(std::vector<std::string> arguments) {
    ctl::Invocation invocation = ctl::parse_command_line(std::move(arguments), std::cin);
    if (!invocation.command) {
        (invocation.exit == ctl::Exit::ok ? std::cout : std::cerr) << invocation.text;
        return static_cast<int>(invocation.exit);
    }
    asio::io_context io(1);
    AsioClock clock;
    ctl::Api api(clock, std::move(invocation.api));
    ctl::Context context{.clock = clock,
                         .api = api,
                         .out = std::cout,
                         .err = std::cerr,
                         .format = invocation.format,
                         .colours = wanted_colours(),
                         .width = terminal_width()};
    ctl::Exit exit = ctl::Exit::failed;
    std::exception_ptr failure;
    asio::co_spawn(io, invocation.command(context), [&](std::exception_ptr error, ctl::Exit code) {
        failure = error;
        exit = code;
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
    std::cout.flush();
    if (!std::cout) throw std::runtime_error("can't write the output");
    return static_cast<int>(exit);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "musterctl: %s\n", error.what());
        return static_cast<int>(ctl::Exit::failed);
    }
}
