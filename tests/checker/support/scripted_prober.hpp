#pragma once

#include "checker/prober.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace muster::checker {

/// A prober without a network: answers as it is told, after the time it is told, and writes down
/// every start. On the executor of its clock.
class ScriptedProber final : public Prober {
 public:
    struct Reply {
        ProbeOutcome outcome{.result = Result::success, .reason = Reason::l7_ok, .code = 200};
        std::chrono::nanoseconds after = std::chrono::milliseconds(2);
    };
    struct Start {
        SteadyTime time;
        std::string host;
    };

    ScriptedProber(asio::any_io_executor executor, Clock& clock)
        : executor_(std::move(executor)), clock_(clock) {}

    void start(std::shared_ptr<const ProbeRequest> request, Done done) override {
        starts.push_back({.time = clock_.now(), .host = request->host});
        ++running;
        most_running = std::max(most_running, running);
        const auto found = replies.find(request->host);
        asio::co_spawn(executor_,
                       answer(found == replies.end() ? Reply{} : found->second, std::move(done)),
                       [](const std::exception_ptr&) {});
    }

    void stop() override {}

    [[nodiscard]] std::vector<SteadyTime> starts_of(const std::string& host) const {
        std::vector<SteadyTime> times;
        for (const Start& start : starts) {
            if (start.host == host) times.push_back(start.time);
        }
        return times;
    }

    std::map<std::string, Reply> replies;  ///< by host; others succeed after 2 ms
    std::vector<Start> starts;
    std::size_t running = 0;
    std::size_t most_running = 0;

 private:
    asio::awaitable<void> answer(Reply reply, Done done) {
        co_await clock_.sleep_for(reply.after);
        --running;
        done(reply.outcome);
    }

    asio::any_io_executor executor_;
    Clock& clock_;
};

}  // namespace muster::checker
