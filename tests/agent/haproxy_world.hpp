#pragma once

#include "agent/haproxy_driver.hpp"
#include "common/base/asio_clock.hpp"
#include "common/http/message.hpp"
#include "tests/agent/haproxy_samples.hpp"
#include "tests/agent/lb_traffic.hpp"
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

/// A HAProxy on loopback, with its driver, in a directory that goes with it. All calls on one
/// thread.
class HaproxyWorld {
 public:
    HaproxyWorld();

    [[nodiscard]] const TempDir& directory() const { return directory_; }
    [[nodiscard]] const agent::HaproxySettings& settings() const { return settings_; }
    agent::HaproxySettings& settings() { return settings_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// A listener on port() to one group of such servers.
    [[nodiscard]] agent::LbState web(std::vector<agent::Server> servers) const;

    /// What the driver says to it; the driver is made by the first call.
    [[nodiscard]] Result<agent::Applied> apply(agent::LbState wanted);
    [[nodiscard]] std::optional<agent::Applied> change_quickly(agent::LbState wanted);
    [[nodiscard]] Result<agent::Applied> confirm();
    [[nodiscard]] Result<void> check();
    /// Another driver: an agent that was started again.
    void forget_driver() { driver_.reset(); }

    /// HAProxy with what the driver has written, until its socket answers.
    void start_process();
    void kill_process();
    /// A file first, then HAProxy, then what the file can't say.
    void start(const agent::LbState& state);

    /// As people do with socat. Throws what goes wrong.
    std::string tell(const std::string& command);
    [[nodiscard]] int worker();
    [[nodiscard]] std::string log() const { return process_->output(); }

    /// The body of the answer.
    [[nodiscard]] http::Response get(const std::string& path,
                                     std::vector<http::Field> fields = {},
                                     const std::string& host = "127.0.0.1");

    template <class T>
    T run(asio::awaitable<T> task) {
        std::optional<T> result;
        asio::co_spawn(io_, keep(std::move(task), result), rethrow);
        io_.run();
        io_.restart();
        return std::move(result.value());
    }
    AsioClock& clock() { return clock_; }

 private:
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& result) {
        result.emplace(co_await std::move(task));
    }
    agent::HaproxyDriver& driver();

    TempDir directory_;
    std::uint16_t port_;
    agent::HaproxySettings settings_;
    AsioClock clock_;
    asio::io_context io_;
    std::unique_ptr<agent::HaproxyDriver> driver_;
    std::optional<Process> process_;
};

}  // namespace muster::test
