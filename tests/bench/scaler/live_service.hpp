#pragma once

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace muster::test {

/// A service that makes machines (docs/providers.md, webhook), which are backends of somebody else,
/// and an exporter of the load that they share. On a thread of its own. Any thread.
class LiveService {
 public:
    /// `address_of`: of the machine that has this place, from 0 on.
    LiveService(std::size_t places,
                std::function<std::string(std::size_t)> address_of,
                std::function<double(double seconds)> load);
    LiveService(const LiveService&) = delete;
    LiveService& operator=(const LiveService&) = delete;
    ~LiveService();

    [[nodiscard]] std::string address() const;  ///< host:port of both
    [[nodiscard]] std::size_t machines() const;

 private:
    struct Machine {
        std::string token;
        std::size_t place = 0;
    };
    [[nodiscard]] http::Response answer(const http::Request& request);
    [[nodiscard]] http::Response make(const http::Request& request, const std::string& id);
    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] std::string describe(const std::string& id) const;

    std::size_t places_;
    std::function<std::string(std::size_t)> address_of_;
    std::function<double(double)> load_;
    mutable std::mutex mutex_;
    std::map<std::string, Machine> machines_;
    asio::io_context context_{1};
    AsioClock clock_;
    SteadyTime started_;
    http::Server server_;
    TaskGroup tasks_;
    std::thread thread_;
};

}  // namespace muster::test
