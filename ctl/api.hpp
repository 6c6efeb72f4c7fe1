#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace muster::ctl {

struct ApiSettings {
    std::vector<std::string>
        urls;            ///< "http://host:port", tried in order; without a slash at the end
    std::string token;   ///< empty = none
    std::string author;  ///< who is named in history and audit; empty = nobody
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);
};

struct ApiCall {
    std::string method = "GET";
    std::string target;  ///< "/api/v1/groups?x=y", encoded
    std::string body;
    std::vector<http::Field> fields;
};

/// The API of a cluster, behind any of its nodes: one that can't be reached or answers 503 (which
/// says that nothing was done) is passed over for the next. A call that changes something is not
/// repeated once it may have arrived. Executor: the awaiting coroutine's.
class Api {
 public:
    Api(Clock& clock, ApiSettings settings) : clock_(clock), settings_(std::move(settings)) {}

    /// Any HTTP status is a Response.
    [[nodiscard]] asio::awaitable<Result<http::Response>> call(ApiCall call);
    /// To one node that isn't in the list (the master, for what only it can do).
    [[nodiscard]] asio::awaitable<Result<http::Response>> call_at(std::string url, ApiCall call);

    /// The server-sent events of `target`, until the node that sends them goes away; the node that
    /// worked last is asked first.
    [[nodiscard]] asio::awaitable<Result<void>> follow(ApiCall call, http::OnEvent on_event);

    /// The node that answered last.
    [[nodiscard]] const std::string& url() const { return settings_.urls[current_]; }

 private:
    [[nodiscard]] http::ClientRequest request(const std::string& url, ApiCall call) const;

    Clock& clock_;
    ApiSettings settings_;
    std::size_t current_ = 0;
};

}  // namespace muster::ctl
