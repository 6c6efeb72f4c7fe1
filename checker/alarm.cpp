#include "checker/alarm.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

namespace muster::checker {

/// Shared with the completion of the sleep, which outlives the alarm by one turn of the executor.
struct Alarm::Sleep {
    Alarm* owner = nullptr;  ///< none: cancelled
    SteadyTime when{};
    bool asleep = false;
    asio::cancellation_signal cancel;

    static asio::awaitable<void> run(std::shared_ptr<Sleep> self, Clock& clock) {
        if (self->owner == nullptr) co_return;
        self->asleep = true;
        co_await clock.sleep_until(self->when);
    }
};

Alarm::Alarm(asio::any_io_executor executor, Clock& clock, std::function<void()> ring)
    : executor_(std::move(executor)), clock_(clock), ring_(std::move(ring)) {}

Alarm::~Alarm() {
    clear();
}

void Alarm::clear() {
    if (!sleep_) return;
    const std::shared_ptr<Sleep> sleep = std::exchange(sleep_, nullptr);
    sleep->owner = nullptr;
    // A coroutine that is cancelled before its first suspension makes Boost 1.81 throw out of
    // run().
    if (!sleep->asleep) return;
    sleep->cancel.emit(asio::cancellation_type::all);
    // From outside the executor's thread emit() leaves a message behind that points into `sleep`.
    asio::post(executor_, [sleep] {});
}

SteadyTime Alarm::when() const {
    return sleep_ ? sleep_->when : SteadyTime::max();
}

void Alarm::set(SteadyTime when) {
    if (sleep_ && sleep_->when == when) return;
    clear();
    if (when == SteadyTime::max()) return;
    sleep_ = std::make_shared<Sleep>();
    sleep_->owner = this;
    sleep_->when = when;
    auto on_end = [sleep = sleep_](const std::exception_ptr&) {
        Alarm* const owner = sleep->owner;
        if (owner == nullptr) return;
        owner->sleep_ = nullptr;
        owner->ring_();
    };
    asio::co_spawn(executor_,
                   Sleep::run(sleep_, clock_),
                   asio::bind_cancellation_slot(sleep_->cancel.slot(), std::move(on_end)));
}

}  // namespace muster::checker
