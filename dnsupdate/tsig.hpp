#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

// Whether a message is from who has the key (TSIG, RFC 8945, HMAC-SHA256). libldns verifies single
// messages, but looks at no time and knows no stream with unsigned messages in it; zone transfers
// have these. Pure.
namespace muster::dnsupdate {

enum class TsigErrc {
    malformed = 1,  ///< not a DNS message, or not a TSIG record
    not_signed,     ///< nobody has signed it
    unknown_key,    ///< the server says BADKEY, or has signed with another key
    wrong_secret,   ///< the server says BADSIG, or the MAC isn't right
    wrong_time,     ///< the server says BADTIME, or it was signed too long ago
    bad_secret,     ///< of the settings: not base64, or too short
};
const std::error_category& tsig_category();
inline std::error_code make_error_code(TsigErrc code) {
    return {static_cast<int>(code), tsig_category()};
}

struct TsigKey {
    std::string name;    ///< lower case, without the last dot
    std::string base64;  ///< the secret, as in named.conf
    std::string secret;  ///< its bytes
};

/// The secret in base64, of 16 bytes or more.
[[nodiscard]] Result<TsigKey> make_tsig_key(std::string_view name, std::string_view base64);

struct TsigRecord {
    std::string key_name;
    std::string algorithm;
    std::uint64_t time = 0;
    std::uint16_t fudge = 0;
    std::string mac;
    std::uint16_t original_id = 0;
    std::uint16_t error = 0;
    std::string other;
    std::size_t offset = 0;  ///< where it begins in the message
};

/// Nothing: the message has none. Of any bytes.
[[nodiscard]] Result<std::optional<TsigRecord>> find_tsig(std::string_view message);

/// Checks the replies to one request, in their order.
class TsigCheck {
 public:
    TsigCheck(TsigKey key, std::string request_mac);
    /// Of a message that answers none.
    [[nodiscard]] static TsigCheck of_request(TsigKey key);

    /// True: this message and all before it are verified. False: that comes with a later one. After
    /// an error it takes no more.
    [[nodiscard]] Result<bool> next(std::string_view message, WallTime now);

 private:
    TsigKey key_;
    std::string prior_mac_;
    std::string unverified_;  ///< of messages without a signature; at most 99 of these
    int unsigned_messages_ = 0;
    bool first_ = true;
    bool answers_ = true;
};

}  // namespace muster::dnsupdate

template <>
struct std::is_error_code_enum<muster::dnsupdate::TsigErrc> : std::true_type {};
