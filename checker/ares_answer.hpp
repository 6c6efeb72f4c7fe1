#pragma once

#include "checker/resolver.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <vector>

struct ares_addrinfo;

namespace muster::checker {

/// What one of the two queries (A, AAAA) of a name came to.
struct AresAnswer {
    bool done = false;
    Resolution::Status status = Resolution::Status::unavailable;
    std::vector<boost::asio::ip::address> addresses;
    std::chrono::seconds ttl{0};  ///< the shortest of all
};

/// Copies out of c-ares; `answer` may be null. Only what a server said about the name itself makes
/// it no_such_name.
[[nodiscard]] AresAnswer read_ares_answer(int ares_status,
                                          const ares_addrinfo* answer,
                                          std::chrono::seconds longest_ttl);

/// A name does not exist only when both queries say so.
[[nodiscard]] Resolution::Status combine(const AresAnswer& v4, const AresAnswer& v6);

}  // namespace muster::checker
