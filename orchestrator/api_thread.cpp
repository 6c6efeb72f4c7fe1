#include "orchestrator/api_thread.hpp"

#include "common/base/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace muster::orchestrator {

struct ApiThread::Inside {
    explicit Inside(Clock& the_clock) : clock(the_clock) {}

    Clock& clock;
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    TaskGroup tasks{context.get_executor()};
    std::optional<http::Server> server;
    std::thread thread;
};

namespace {

asio::awaitable<void> end(TaskGroup& tasks) {
    co_await tasks.stop();
}

}  // namespace

ApiThread::ApiThread(Clock& clock, http::ServerSettings settings, const MakeHandler& make_handler)
    : inside_(std::make_unique<Inside>(clock)) {
    inside_->server.emplace(inside_->context.get_executor(),
                            clock,
                            std::move(settings),
                            make_handler(inside_->context.get_executor()));
}

ApiThread::~ApiThread() {
    stop();
}

Result<void> ApiThread::open() {
    return inside_->server->open();
}

std::uint16_t ApiThread::port() const {
    return inside_->server->port();
}

void ApiThread::start() {
    inside_->tasks.spawn("api server", inside_->server->run());
    inside_->thread = std::thread([this] { inside_->context.run(); });
}

void ApiThread::stop() {
    if (!inside_->thread.joinable()) return;
    asio::co_spawn(inside_->context, end(inside_->tasks), [this](const std::exception_ptr&) {
        inside_->work.reset();
        inside_->context.stop();
    });
    inside_->thread.join();
}

}  // namespace muster::orchestrator
