#pragma once

#include "common/base/file_descriptor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <vector>

namespace muster::checker {

/// Many short-lived descriptors on an Asio executor, at the price of one: an epoll set of our own
/// that Asio sees as a single descriptor. Asio's sockets cost some six system calls more for each
/// probe (two for the reactor, FIONBIO, poll and SO_ERROR after connect) and a handler allocation
/// for each operation; here it is one epoll_ctl, and one epoll_wait for all that is ready.
///
/// Asio watches it only when nothing happens: into a set that another one watches, the kernel adds
/// nothing without looking for a ring of sets, under a lock that all processes share. From an add()
/// on the set asks for itself, once in a turn of the executor, until there is no news.
///
/// Descriptors stay the caller's. Executor: all calls, and the callbacks, on the one given. While
/// nobody waits nothing is outstanding on the executor.
class PollSet {
 public:
    /// Whoever waits for a descriptor. May add and remove, itself included.
    class Waiter {
     public:
        virtual void on_ready(int descriptor, std::uint32_t epoll_events) = 0;

     protected:
        ~Waiter() = default;
    };

    /// Throws std::system_error when the process can't have one more descriptor.
    explicit PollSet(const boost::asio::any_io_executor& executor);
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;
    ~PollSet();

    /// A descriptor's place in the set.
    struct Ticket {
        std::uint32_t slot = 0;
        std::uint32_t generation = 0;  ///< 0: none
        explicit operator bool() const { return generation != 0; }
    };

    /// `waiter` must live until remove(). `events` as for epoll_ctl (EPOLLIN | EPOLLET ...).
    [[nodiscard]] std::error_code add(int descriptor,
                                      std::uint32_t events,
                                      Waiter& waiter,
                                      Ticket& ticket);
    void change(const Ticket& ticket, std::uint32_t events);

    /// From now on somebody else waits for it.
    void hand_over(const Ticket& ticket, Waiter& to) { entries_[ticket.slot].waiter = &to; }

    /// Nobody waits for it, but it keeps its place for wake(): what happens to it is dropped.
    void rest(const Ticket& ticket);
    /// As after add(), without its price. What was on the way to those before is dropped.
    void wake(const Ticket& ticket, Waiter& waiter);

    /// Forgets the descriptor, which is about to be closed: events still under way are dropped. To
    /// keep it open, call change() with no events before.
    void remove(Ticket& ticket);

    /// Hands out what is ready now, without waiting; whether anything was.
    bool poll();

 private:
    struct Entry {
        Waiter* waiter = nullptr;
        int descriptor = -1;
        std::uint32_t generation = 0;
        std::uint64_t since = 0;  ///< the round in which it was woken
    };

    [[nodiscard]] bool nobody_waits() const {
        return free_slots_.size() + resting_ == entries_.size();
    }
    void settle();
    void watch();
    void wait(std::uint64_t watch);

    boost::asio::any_io_executor executor_;
    /// Asio's handlers outlive the set by one turn of the executor.
    std::shared_ptr<PollSet*> self_;
    FileDescriptor epoll_;
    /// Has the number of `epoll_` while Asio watches it.
    boost::asio::posix::stream_descriptor watched_;
    std::uint64_t last_watch_ = 0;
    bool settling_ = false;  ///< settle() will be called
    bool was_added_ = false;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> free_slots_;
    std::size_t resting_ = 0;
    std::uint64_t last_round_ = 0;  ///< of asking what is ready
    std::uint32_t last_generation_ = 0;
};

}  // namespace muster::checker
