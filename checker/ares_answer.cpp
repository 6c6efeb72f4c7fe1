#include "checker/ares_answer.hpp"

#include <ares.h>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace muster::checker {

using Status = Resolution::Status;

namespace {

using boost::asio::ip::address;

Status status_of(int ares_status) {
    switch (ares_status) {
        case ARES_SUCCESS:
            return Status::found;
        case ARES_ENOTFOUND:
        case ARES_ENODATA:
        case ARES_EBADNAME:
            return Status::no_such_name;
        default:
            // Time-outs, refusals, SERVFAIL, no memory, no descriptors: none is about the name.
            return Status::unavailable;
    }
}

address to_address(const sockaddr& from) {
    // Copied out: the list that c-ares hands over promises no alignment.
    if (from.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        return boost::asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return boost::asio::ip::address_v6(bytes, v6.sin6_scope_id);
}

}  // namespace

AresAnswer read_ares_answer(int ares_status,
                            const ares_addrinfo* answer,
                            std::chrono::seconds longest_ttl) {
    AresAnswer result{.done = true, .status = status_of(ares_status), .ttl = longest_ttl};
    if (answer == nullptr) return result;
    for (const ares_addrinfo_node* node = answer->nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
        const auto end_of_v4 = std::ranges::find_if(result.addresses, &address::is_v6);
        result.addresses.insert(node->ai_family == AF_INET ? end_of_v4 : result.addresses.end(),
                                to_address(*node->ai_addr));
        result.ttl = std::min(result.ttl, std::chrono::seconds(node->ai_ttl));
    }
    if (result.status == Status::found && result.addresses.empty())
        result.status = Status::no_such_name;
    return result;
}

Status combine(const AresAnswer& v4, const AresAnswer& v6) {
    if (v4.status == Status::found || v6.status == Status::found) return Status::found;
    if (v4.status == Status::no_such_name && v6.status == Status::no_such_name) {
        return Status::no_such_name;
    }
    return Status::unavailable;
}

}  // namespace muster::checker
