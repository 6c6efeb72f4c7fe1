#include "checker/socket_errors.hpp"

#include <cerrno>

namespace muster::checker {

namespace {

Reason reason_of(int error) {
    switch (error) {
        case EMFILE:
        case ENFILE:
            return Reason::prober_files;
        case ENOBUFS:
        case ENOMEM:
        case ENOSPC:  // too many descriptors in epoll sets
            return Reason::prober_memory;
        case EADDRNOTAVAIL:  // no free local port, or no local address of that family
        case EADDRINUSE:
        case EAGAIN:
        case EACCES:  // our own packet filter, or an address that can't be connected to
        case EPERM:
        case EAFNOSUPPORT:
            return Reason::prober_ports;
        case ETIMEDOUT:
            return Reason::l4_timeout;
        default:
            return Reason::l4_refused;
    }
}

}  // namespace

ProbeOutcome outcome_of_connect_error(int error) {
    const Reason reason = reason_of(error);
    return {.result = reason >= Reason::prober_late ? Result::inconclusive : Result::failure,
            .reason = reason,
            .code = static_cast<std::uint16_t>(error)};
}

}  // namespace muster::checker
