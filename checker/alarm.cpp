#include "checker/alarm.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace muster::checker {

/// Shared with the completion of the sleep, which outlives the alarm by one turn of the executor.
struct Alarm::Sleep {
    Alarm* owner = nullptr;  ///< none: cancelled
    SteadyTime when{};
    asio::cancellation_signal cancel;
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
    sleep->cancel.emit(asio::cancellation_type::all);
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
                   clock_.sleep_until(when),
                   asio::bind_cancellation_slot(sleep_->cancel.slot(), std::move(on_end)));
}

}  // namespace muster::checker
