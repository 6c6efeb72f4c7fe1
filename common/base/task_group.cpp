#include "common/base/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace muster {

namespace {

std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of an unknown type";
    }
}

void end_process(const std::string& task, const std::string& what) {
    std::fprintf(stderr, "muster: task '%s' failed: %s\n", task.c_str(), what.c_str());
    std::abort();
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : executor_(std::move(executor)),
      on_failure_(on_failure ? std::move(on_failure) : OnFailure(end_process)),
      ended_(executor_) {}

TaskGroup::~TaskGroup() {
    if (!tasks_.empty())
        end_process(tasks_.front().name, "still running when its group was destroyed");
}

void TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
    if (stopping_) return;
    const auto entry = tasks_.emplace(tasks_.end());
    entry->name = std::move(name);
    auto on_end = [this, entry](const std::exception_ptr& error) {
        const std::string name_of_task = std::move(entry->name);
        tasks_.erase(entry);
        // Whatever a cancelled task throws is the cancellation coming out (it has several
        // disguises).
        if (error && !stopping_) on_failure_(name_of_task, describe(error));
        if (tasks_.empty()) ended_.notify();
    };
    asio::co_spawn(executor_,
                   std::move(task),
                   asio::bind_cancellation_slot(entry->cancel.slot(), std::move(on_end)));
}

void TaskGroup::cancel() {
    stopping_ = true;
    for (auto task = tasks_.begin(); task != tasks_.end();) {
        // A task may end, and leave the list, inside emit().
        const auto current = task++;
        current->cancel.emit(asio::cancellation_type::all);
    }
}

asio::awaitable<void> TaskGroup::stop() {
    cancel();
    while (!tasks_.empty()) co_await ended_.wait();
}

}  // namespace muster
