#include "checker/poll_set.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

namespace muster::checker {

namespace {

namespace asio = boost::asio;

constexpr std::size_t batch = 256;

int new_epoll() {
    const int descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return descriptor;
}

std::uint64_t pack(const PollSet::Ticket& ticket) {
    return (std::uint64_t{ticket.generation} << 32U) | ticket.slot;
}

}  // namespace

PollSet::PollSet(const asio::any_io_executor& executor)
    : executor_(executor),
      self_(std::make_shared<PollSet*>(this)),
      epoll_(new_epoll()),
      watched_(executor) {}

PollSet::~PollSet() {
    *self_ = nullptr;
    if (watched_.is_open()) watched_.release();
}

std::error_code PollSet::add(int descriptor, std::uint32_t events, Waiter& waiter, Ticket& ticket) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(entries_.size()));
        entries_.emplace_back();
    }
    const std::uint32_t slot = free_slots_.back();
    if (++last_generation_ == 0) ++last_generation_;
    if (watched_.is_open()) watched_.release();
    const Ticket wanted{.slot = slot, .generation = last_generation_};
    epoll_event event{.events = events, .data = {.u64 = pack(wanted)}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return {errno, std::generic_category()};
    }
    free_slots_.pop_back();
    entries_[slot] = {.waiter = &waiter, .descriptor = descriptor, .generation = wanted.generation};
    ticket = wanted;
    was_added_ = true;
    settle();
    return {};
}

void PollSet::change(const Ticket& ticket, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = pack(ticket)}};
    // Can only fail for a descriptor that is not in the set, and then there is nothing to change.
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, entries_[ticket.slot].descriptor, &event);
}

void PollSet::remove(Ticket& ticket) {
    if (!ticket) return;
    if (entries_[ticket.slot].waiter == nullptr) --resting_;
    entries_[ticket.slot] = {};
    free_slots_.push_back(ticket.slot);
    ticket = {};
    if (nobody_waits() && watched_.is_open()) watched_.release();
}

void PollSet::rest(const Ticket& ticket) {
    entries_[ticket.slot].waiter = nullptr;
    ++resting_;
    if (nobody_waits() && watched_.is_open()) watched_.release();
}

void PollSet::wake(const Ticket& ticket, Waiter& waiter) {
    if (watched_.is_open()) watched_.release();
    Entry& entry = entries_[ticket.slot];
    entry.waiter = &waiter;
    entry.since = last_round_;
    --resting_;
    was_added_ = true;
    settle();
}

/// In the next turn of the executor.
void PollSet::settle() {
    if (settling_) return;
    settling_ = true;
    asio::post(executor_, [self = self_] {
        PollSet* const set = *self;
        if (set == nullptr) return;
        set->settling_ = false;
        set->was_added_ = false;
        const bool had_news = set->poll();
        // A waiter may have destroyed the set.
        if (*self == nullptr || set->nobody_waits()) return;
        if (had_news || set->was_added_) {
            set->settle();
        } else if (!set->watched_.is_open()) {
            set->watch();
        }
    });
}

void PollSet::watch() {
    watched_.assign(epoll_.get());
    wait(++last_watch_);
}

void PollSet::wait(std::uint64_t watch) {
    watched_.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [self = self_, watch](const boost::system::error_code& /*seen by `watch`*/) {
            const auto goes_on = [&] {
                return *self != nullptr && (*self)->watched_.is_open() &&
                       (*self)->last_watch_ == watch;
            };
            if (!goes_on()) return;
            (*self)->poll();
            if (goes_on()) (*self)->wait(watch);
        });
}

bool PollSet::poll() {
    const std::shared_ptr<PollSet*> self = self_;
    std::array<epoll_event, batch> events;
    int ready = 0;
    bool had_news = false;
    do {
        ready = epoll_wait(epoll_.get(), events.data(), batch, 0);
        const std::uint64_t round = ++last_round_;
        had_news = had_news || ready > 0;
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            const auto slot = static_cast<std::uint32_t>(event.data.u64);
            const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32U);
            if (slot >= entries_.size() || entries_[slot].generation != generation) continue;
            const Entry entry = entries_[slot];
            if (entry.waiter == nullptr || entry.since >= round) continue;
            entry.waiter->on_ready(entry.descriptor, event.events);
            if (*self == nullptr) return true;
        }
    } while (ready == static_cast<int>(batch));
    return had_news;
}

}  // namespace muster::checker
