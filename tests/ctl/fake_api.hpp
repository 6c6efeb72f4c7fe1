#pragma once

#include "common/http/server.hpp"
#include "common/http/url.hpp"

#include <map>
#include <string>
#include <vector>

namespace muster::test {

/// A musterd that answers what it is told to, and remembers what it was asked.
struct FakeApi {
    std::map<std::string, http::Response> replies;  ///< by "GET /api/v1/groups"
    std::map<std::string, std::string> streams;     ///< events that are sent once, then the end
    std::vector<http::Request> requests;
    int down = 0;  ///< answer 503 to so many first

    void on(const std::string& request, std::string json, int status = 200) {
        replies[request] = http::Response::json(status, std::move(json));
    }

    [[nodiscard]] asio::awaitable<http::Reply> answer(http::Request request) {
        requests.push_back(request);
        const std::string key = request.method + " " + request.path;
        if (down > 0) {
            --down;
            co_return http::Response::problem(503, "Unavailable", "starting");
        }
        if (const auto stream = streams.find(key); stream != streams.end()) {
            co_return http::EventStream{.next = [text = stream->second, sent = false]() mutable {
                const bool first = !std::exchange(sent, true);
                return once(first ? std::optional(text) : std::nullopt);
            }};
        }
        const auto reply = replies.find(key);
        if (reply == replies.end()) co_return http::Response::problem(404, "Not Found", key);
        co_return reply->second;
    }

 private:
    static asio::awaitable<std::optional<std::string>> once(std::optional<std::string> text) {
        co_return text;
    }
};

}  // namespace muster::test
