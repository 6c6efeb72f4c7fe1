#pragma once

#include "agent/haproxy_settings.hpp"
#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace muster::agent {

/// Client of HAProxy's Runtime API: a connection of its own for each batch. Executor: the awaiting
/// coroutine's. Every exchange has a deadline, and answers are bounded.
class HaproxyRuntime {
 public:
    HaproxyRuntime(std::string stats_socket,
                   std::string master_socket,
                   std::chrono::nanoseconds timeout,
                   Clock& clock);

    /// Sends the commands in order, several in a line and the first without waiting for a prompt,
    /// and gives the answer of each, without its final newlines. HaproxyErrc::no_process when
    /// nobody listens, std::errc::timed_out, or bad_answer when there is no prompt or an answer is
    /// longer than any of HAProxy's.
    [[nodiscard]] asio::awaitable<Result<std::vector<std::string>>> ask(
        std::vector<std::string> commands);

    /// One command to the master, which closes after its answer (2.6 has none for `reload`).
    [[nodiscard]] asio::awaitable<Result<std::string>> ask_master(std::string command,
                                                                  std::chrono::nanoseconds timeout);

 private:
    std::string stats_socket_;
    std::string master_socket_;
    std::chrono::nanoseconds timeout_;
    Clock& clock_;
};

}  // namespace muster::agent
