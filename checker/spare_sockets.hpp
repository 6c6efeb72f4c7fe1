#pragma once

#include "checker/poll_set.hpp"
#include "checker/probe_socket.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace muster::checker {

/// Sockets of TCP probes that are over, disconnected and with their places in the poll set, for the
/// next probes: it saves the kernel a sixth of a probe (socket, file and place in the set are made
/// and given back each time), and what goes over the wire is the same. Executor: the poll set's.
///
/// The kernel derives the first sequence number of a socket's next connection from its last one if
/// both go to one address, or the last backend sent no timestamps (tcp_v4_connect). Who would say
/// something in another backend's name still needs that one's own numbers and the port.
class SpareSockets {
 public:
    explicit SpareSockets(PollSet& poll_set) : poll_set_(poll_set) {}
    SpareSockets(const SpareSockets&) = delete;
    SpareSockets& operator=(const SpareSockets&) = delete;
    ~SpareSockets() { clear(); }

    /// Ends a connection. False, and both are as before: it can't be kept, or there are enough.
    [[nodiscard]] bool keep(ProbeSocket& socket, PollSet::Ticket& ticket) {
        Shelf& shelf = shelves_.at(socket.is_v4() ? 0 : 1);
        if (!ticket || shelf.spares.size() == most || !socket.disconnect()) return false;
        poll_set_.rest(ticket);
        shelf.spares.push_back(
            {.socket = std::move(socket), .ticket = std::exchange(ticket, PollSet::Ticket{})});
        return true;
    }

    /// `socket` and `ticket` stay empty where there is none.
    void take(bool is_v4, ProbeSocket& socket, PollSet::Ticket& ticket, PollSet::Waiter& waiter) {
        Shelf& shelf = shelves_.at(is_v4 ? 0 : 1);
        if (shelf.spares.empty()) return;
        socket = std::move(shelf.spares.back().socket);
        ticket = shelf.spares.back().ticket;
        shelf.spares.pop_back();
        shelf.unused = std::min(shelf.unused, shelf.spares.size());
        poll_set_.wake(ticket, waiter);
    }

    /// Closes those that nobody has needed since the last call.
    void trim() {
        for (Shelf& shelf : shelves_) {
            drop(shelf, std::min(shelf.unused, shelf.spares.size()));
            shelf.unused = shelf.spares.size();
        }
    }

    void clear() {
        for (Shelf& shelf : shelves_) drop(shelf, shelf.spares.size());
    }

    [[nodiscard]] std::size_t size() const {
        return shelves_[0].spares.size() + shelves_[1].spares.size();
    }

    static constexpr std::size_t most = 128;  ///< of each family

 private:
    struct Spare {
        ProbeSocket socket;
        PollSet::Ticket ticket;
    };
    struct Shelf {
        std::vector<Spare> spares;
        std::size_t unused = 0;  ///< the fewest there were since trim()
    };

    void drop(Shelf& shelf, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) poll_set_.remove(shelf.spares[i].ticket);
        shelf.spares.erase(shelf.spares.begin(),
                           shelf.spares.begin() + static_cast<std::ptrdiff_t>(count));
    }

    PollSet& poll_set_;
    std::array<Shelf, 2> shelves_;
};

}  // namespace muster::checker
