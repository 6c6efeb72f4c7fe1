#include "common/coordination/background_closer.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace muster::coordination {

BackgroundCloser::BackgroundCloser(asio::any_io_executor executor)
    : executor_(std::move(executor)), ended_(std::make_shared<Signal>(executor_)) {}

BackgroundCloser::~BackgroundCloser() {
    for (Running& running : running_) running.thread.join();
}

void BackgroundCloser::run(std::function<void()> function) {
    reap();
    auto ended = std::make_shared<std::atomic<bool>>(false);
    // The signal is shared: what is posted may run after we have gone.
    std::thread thread(
        [function = std::move(function), ended, signal = ended_, executor = executor_]() mutable {
            function();
            function = nullptr;
            ended->store(true);
            asio::post(executor, [signal = std::move(signal)] { signal->notify(); });
        });
    running_.push_back({.ended = std::move(ended), .thread = std::move(thread)});
}

asio::awaitable<void> BackgroundCloser::wait() {
    for (reap(); !running_.empty(); reap()) co_await ended_->wait();
}

void BackgroundCloser::reap() {
    std::erase_if(running_, [](Running& running) {
        if (!running.ended->load()) return false;
        running.thread.join();
        return true;
    });
}

}  // namespace muster::coordination
