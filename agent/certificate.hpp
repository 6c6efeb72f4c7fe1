#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace muster::agent {

inline constexpr std::size_t max_certificate_bytes = 128UZ << 10U;  ///< of a file
inline constexpr std::size_t max_chain = 16;

/// A certificate that a TLS server can start with: it has been parsed, its key is its own, and
/// OpenSSL takes both for a server.
struct Certificate {
    std::string pem;          ///< leaf, chain and key, written anew: nothing else is in it
    std::string fingerprint;  ///< SHA-1 of the leaf in capital hex, as HAProxy tells it
    std::string subject;      ///< for people
    WallTime not_before{};
    WallTime not_after{};

    [[nodiscard]] bool is_valid_at(WallTime now) const {
        return not_before <= now && now < not_after;
    }
    bool operator==(const Certificate&) const = default;
};

/// From bytes that may be anything: `chain` begins with the leaf, `key` may be the same text. The
/// error says what is wrong with it. What it says of time is for the caller to judge. Pure.
[[nodiscard]] Result<Certificate> read_certificate(std::string_view chain, std::string_view key);

}  // namespace muster::agent
