#include "tests/agent/lb_traffic.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/client.hpp"
#include "common/http/server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr int clients = 4;

using OnAnswer = std::function<bool(const Result<http::Response>&)>;

asio::awaitable<void> ask(Clock& clock, std::string url, OnAnswer on_answer) {
    while (on_answer(co_await http::fetch(clock, {.url = url}))) {
    }
}

}  // namespace

struct Sites::Inside {
    AsioClock clock;
    asio::io_context io;
    std::vector<std::unique_ptr<http::Server>> servers;
    TaskGroup tasks{io.get_executor()};
};

Sites::Sites(std::size_t count) : inside_(std::make_unique<Inside>()) {
    for (std::size_t number = 0; number < count; ++number) {
        const auto answer = [number](http::Request) -> asio::awaitable<http::Reply> {
            co_return http::Response::text(200, std::to_string(number));
        };
        inside_->servers.push_back(std::make_unique<http::Server>(
            inside_->io.get_executor(), inside_->clock, http::ServerSettings(), answer));
        http::Server& server = *inside_->servers.back();
        if (const auto opened = server.open(); !opened)
            throw std::runtime_error(opened.error().message());
        ports_.push_back(server.port());
        inside_->tasks.spawn("site", server.run());
    }
    thread_ = std::jthread([this] { inside_->io.run(); });
}

Sites::~Sites() {
    asio::co_spawn(inside_->io, inside_->tasks.stop(), rethrow);
    thread_.join();
}

agent::Server Sites::server(std::size_t number) const {
    return {.id = BackendId(fmt::format("s{}", number)),
            .address = "127.0.0.1",
            .port = ports_[number]};
}

std::vector<agent::Server> Sites::servers(std::size_t count) const {
    std::vector<agent::Server> all;
    for (std::size_t number = 0; number < count; ++number) all.push_back(server(number));
    return all;
}

Load::Load(std::uint16_t port) : finished_(clients) {
    const auto count = [this](int client, const Result<http::Response>& answer) {
        const std::scoped_lock lock(mutex_);
        ++finished_[client];
        ++counts_.sent;
        if (answer && answer->status == 200) {
            ++counts_.answered[answer->body];
        } else if (counts_.failed++ == 0) {
            counts_.first_failure = answer ? fmt::format("{} {}", answer->status, answer->body)
                                           : answer.error().message();
        }
        return !stopping_;
    };
    thread_ = std::jthread([count, url = fmt::format("http://127.0.0.1:{}/", port)] {
        AsioClock clock;
        asio::io_context io;
        for (int client = 0; client < clients; ++client)
            asio::co_spawn(io, ask(clock, url, std::bind_front(count, client)), rethrow);
        io.run();
    });
}

Load::~Load() {
    stopping_ = true;
}

Load::Counts Load::counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

std::vector<int> Load::finished() const {
    const std::scoped_lock lock(mutex_);
    return finished_;
}

/// Until nothing is under way any more that is now.
void Load::wait_for_each_client() const {
    const std::vector<int> before = finished();
    const auto moved_on = [&] {
        return std::ranges::equal(finished(), before, std::ranges::greater());
    };
    if (!eventually(30s, moved_on)) throw std::runtime_error("the load has stopped");
}

std::vector<std::string> Load::answering(int requests) const {
    wait_for_each_client();
    const Counts before = counts();
    const auto enough = [&] { return counts().sent >= before.sent + requests; };
    if (!eventually(30s, enough)) throw std::runtime_error("the load has stopped");
    std::vector<std::string> names;
    for (const auto& [name, count] : counts().answered) {
        const auto known = before.answered.find(name);
        if (known == before.answered.end() || count > known->second) names.push_back(name);
    }
    return names;
}

void Load::wait_for(int requests) const {
    const int before = counts().sent;
    if (!eventually(30s, [&] { return counts().sent >= before + requests; }))
        throw std::runtime_error("the load has stopped");
}

}  // namespace muster::test
