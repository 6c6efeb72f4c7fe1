#include "tests/support/virtual_clock.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace muster::test {

using boost::system::error_code;

// Not a steady_timer that is never meant to fire: the first timer on an io_context brings in the
// reactor, and then every poll() costs a system call.
struct VirtualClock::Sleeper {
    Sleeper() = default;
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    virtual ~Sleeper() = default;
    virtual void wake(error_code error) = 0;
};

VirtualClock::VirtualClock(asio::io_context& context, SteadyTime start, WallTime wall)
    : context_(context), start_(start), now_(start), wall_at_start_(wall) {}

VirtualClock::~VirtualClock() {
    // A frame that is destroyed may hold the last reference to things with sleepers of their own.
    while (!sleepers_.empty()) sleepers_.extract(sleepers_.begin());
}

WallTime VirtualClock::wall() const {
    return wall_at_start_ + std::chrono::floor<std::chrono::milliseconds>(now_ - start_);
}

template <class Handler>
void VirtualClock::add_sleeper(SteadyTime when, Handler handler) {
    struct Waiting final : Sleeper {
        explicit Waiting(Handler&& h) : handler(std::move(h)) {}

        void wake(error_code error) override {
            auto slot = asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) slot.clear();
            const auto executor = asio::get_associated_executor(handler);
            asio::post(executor, [resume = std::move(handler), error]() mutable { resume(error); });
        }

        Handler handler;
    };

    const Key key{.when = std::max(when, now_), .sequence = sequence_++};
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign([this, key](asio::cancellation_type /*all end it*/) { abort_sleeper(key); });
    sleepers_.emplace(key, std::make_unique<Waiting>(std::move(handler)));
}

void VirtualClock::abort_sleeper(Key key) {
    const auto found = sleepers_.find(key);
    if (found == sleepers_.end()) return;
    // Kept alive past wake(), which clears the slot that is calling us: `key` is a copy for that.
    const auto node = sleepers_.extract(found);
    node.mapped()->wake(asio::error::operation_aborted);
}

asio::awaitable<void> VirtualClock::sleep_until(SteadyTime when) {
    auto initiate = [this, when](auto handler) { add_sleeper(when, std::move(handler)); };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(error_code)>(
        std::move(initiate), asio::use_awaitable);
}

void VirtualClock::poll() {
    // A context that ran out of work has stopped, and would ignore what has been posted since.
    if (context_.stopped()) context_.restart();
    context_.poll();
}

bool VirtualClock::wake_next(SteadyTime limit) {
    if (sleepers_.empty() || sleepers_.begin()->first.when > limit) return false;
    const auto node = sleepers_.extract(sleepers_.begin());
    now_ = std::max(now_, node.key().when);
    node.mapped()->wake(error_code{});
    return true;
}

void VirtualClock::run_until(SteadyTime when) {
    do {
        poll();
    } while (wake_next(when));
    now_ = std::max(now_, when);
}

bool VirtualClock::run_until(SteadyTime limit, const std::function<bool()>& done) {
    for (;;) {
        if (done()) return true;
        if (context_.stopped()) context_.restart();
        if (context_.poll_one() > 0) continue;
        if (!wake_next(limit)) break;
    }
    now_ = std::max(now_, limit);
    return done();
}

void VirtualClock::advance_to(SteadyTime when) {
    now_ = std::max(now_, when);
}

std::optional<SteadyTime> VirtualClock::next_wake_up() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.begin()->first.when;
}

}  // namespace muster::test
