#include "ctl/api.hpp"

#include <utility>

namespace muster::ctl {

http::ClientRequest Api::request(const std::string& url, ApiCall call) const {
    http::ClientRequest request{.method = std::move(call.method),
                                .url = url + call.target,
                                .fields = std::move(call.fields),
                                .body = std::move(call.body),
                                .timeout = settings_.timeout};
    if (!settings_.token.empty()) {
        request.fields.push_back({.name = "authorization", .value = "Bearer " + settings_.token});
    }
    if (!settings_.author.empty()) {
        request.fields.push_back({.name = "muster-author", .value = settings_.author});
    }
    return request;
}

asio::awaitable<Result<http::Response>> Api::call(ApiCall call) {
    Result<http::Response> last = fail(http::Errc::bad_url, "no URL given");
    for (std::size_t tried = 0; tried < settings_.urls.size(); ++tried) {
        last = co_await http::fetch(clock_, request(url(), call));
        if (last && last->status != 503) co_return last;
        const bool harmless =
            last || call.method == "GET" || http::surely_not_sent(last.error().code);
        if (!harmless) co_return last;
        current_ = (current_ + 1) % settings_.urls.size();
    }
    co_return last;
}

asio::awaitable<Result<http::Response>> Api::call_at(std::string url, ApiCall call) {
    co_return co_await http::fetch(clock_, request(url, std::move(call)));
}

asio::awaitable<Result<void>> Api::follow(ApiCall call, http::OnEvent on_event) {
    // The API sends a comment every 10 s.
    constexpr auto idle = std::chrono::seconds(30);
    bool heard = false;
    const auto hear = [&](std::string_view event, std::string_view data) {
        heard = true;
        on_event(event, data);
    };
    Result<void> last = fail(http::Errc::bad_url, "no URL given");
    for (std::size_t tried = 0; tried < settings_.urls.size(); ++tried) {
        last = co_await http::follow(clock_, request(url(), call), idle, hear);
        if (last || heard) co_return last;
        current_ = (current_ + 1) % settings_.urls.size();
    }
    co_return last;
}

}  // namespace muster::ctl
