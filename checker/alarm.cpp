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
    SteadyTime until{};  ///< of the sleep under way; at most `when`
    bool asleep = false;
    bool over = false;  ///< its end is on its way to the owner
    asio::cancellation_signal cancel;

    static asio::awaitable<void> run(std::shared_ptr<Sleep> self, Clock& clock) {
        while (self->owner != nullptr && self->until < self->when) {
            self->asleep = true;
            self->until = self->when;
            co_await clock.sleep_until(self->until);
        }
        self->over = true;
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
    // A sleep that would end too early is gone on with. To cancel it costs an exception, and an
    // engine moves its alarm with every probe.
    if (sleep_ && !sleep_->over && when != SteadyTime::max() && when >= sleep_->until) {
        sleep_->when = when;
        return;
    }
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
