#pragma once

#include "agent/nginx_driver.hpp"
#include "common/base/asio_clock.hpp"
#include "common/http/message.hpp"
#include "tests/support/process.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// Debian has it in a package of its own, libnginx-mod-stream.
[[nodiscard]] bool has_stream_module();

/// A nginx on loopback, with its driver, in a directory that goes with it. All calls on one thread.
class NginxWorld {
 public:
    NginxWorld();

    [[nodiscard]] const TempDir& directory() const { return directory_; }
    /// To be changed before the first apply().
    agent::NginxSettings& settings() { return settings_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// A listener on port() to one group of such servers.
    [[nodiscard]] agent::LbState web(std::vector<agent::Server> servers) const;

    [[nodiscard]] Result<agent::Applied> apply(const agent::LbState& wanted);
    [[nodiscard]] Result<void> check() { return run(driver().check()); }
    agent::NginxDriver& driver();
    /// Another one comes: an agent that was started again.
    void forget_driver() { driver_.reset(); }

    /// nginx with what the driver has written, until it accepts.
    void start_process();
    void kill_process();
    /// Files first, then nginx.
    void start(const agent::LbState& state);
    [[nodiscard]] Process& process() { return *process_; }

    /// How often it has been told to, and did or did not.
    [[nodiscard]] int reloads() const;
    [[nodiscard]] std::string http_file() const { return read_file(settings_.http_file); }

    [[nodiscard]] http::Response get(const std::string& path, const std::string& host = "a.org");

    template <class T>
    T run(asio::awaitable<T> task) {
        std::optional<T> result;
        asio::co_spawn(io_, keep(std::move(task), result), rethrow);
        io_.run();
        io_.restart();
        return std::move(result.value());
    }
    AsioClock& clock() { return clock_; }
    asio::io_context& io() { return io_; }

 private:
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& result) {
        result.emplace(co_await std::move(task));
    }

    TempDir directory_;
    std::uint16_t port_;
    agent::NginxSettings settings_;
    AsioClock clock_;
    asio::io_context io_;
    std::unique_ptr<agent::NginxDriver> driver_;
    std::optional<Process> process_;
};

}  // namespace muster::test
