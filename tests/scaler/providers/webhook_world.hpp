#pragma once

#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "scaler/webhook_provider.hpp"
#include "tests/scaler/providers/provider_world.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// A service as docs/providers.md asks for it, on a thread of its own, with its machines in memory.
/// Any thread.
class MachineService {
 public:
    MachineService();
    MachineService(const MachineService&) = delete;
    MachineService& operator=(const MachineService&) = delete;
    ~MachineService();

    [[nodiscard]] std::string url() const;
    [[nodiscard]] bool has(const std::string& fleet, const std::string& id) const;

    /// The next request is answered so, and nothing is done; status 0: the connection is closed.
    void answer_next(http::Response response);
    /// The next PUT is carried out, and then not answered.
    void lose_next_answer();
    /// The last request.
    [[nodiscard]] http::Request last() const;

 private:
    struct Record {
        std::string token;
        std::string host;
        std::string cluster;
    };
    asio::awaitable<http::Reply> answer(http::Request request);
    http::Response act(const http::Request& request);

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, Record> machines_;
    scaler::ProviderFence fence_;
    std::optional<http::Response> next_;
    bool lose_ = false;
    http::Request last_;

    asio::io_context context_{1};
    AsioClock clock_;
    http::Server server_;
    TaskGroup tasks_;
    std::thread thread_;
};

[[nodiscard]] std::unique_ptr<ProviderWorld> make_webhook_world();

}  // namespace muster::test
