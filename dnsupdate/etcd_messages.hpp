#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

// What we say to etcd's v3 JSON gateway, and what it answers (etcd 3.4 and later). Pure. The
// gateway ignores fields that it doesn't know, and a compare with a misspelt one compares with 0:
// so requests are made here alone, from these types.
namespace muster::dnsupdate::etcd {

enum class Errc {
    unavailable = 1,  ///< nobody answered; nothing was written
    outcome_unknown,  ///< a write was sent, and perhaps carried out
    refused,          ///< etcd says no: rights, a limit, a bad request
    unauthenticated,  ///< the token is no longer taken, or there is none
    bad_reply,        ///< not etcd, or not what it should be
    other_cluster,    ///< an etcd, but not the one we wrote to before
    fenced,           ///< a later master has claimed the store
    conflict,         ///< someone else changed what the write was based on
};
const std::error_category& category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), category()};
}

struct KeyValue {
    std::string key;
    std::string value;
    std::int64_t mod_revision = 0;
    std::int64_t version = 0;
    std::int64_t lease = 0;
    bool operator==(const KeyValue&) const = default;
};

/// Of every reply. A store that was restored from a snapshot has a smaller revision than before.
struct Header {
    std::string cluster_id;
    std::int64_t revision = 0;
    std::int64_t raft_term = 0;
    bool operator==(const Header&) const = default;
};

/// `key` alone, or the keys from it to before `end`. Linearizable.
struct Range {
    std::string key;
    std::string end{};
    std::int64_t limit = 0;     ///< 0: all
    std::int64_t revision = 0;  ///< 0: the newest
};
struct Put {
    std::string key;
    std::string value;
};
struct Delete {
    std::string key;
};
using Op = std::variant<Put, Delete, Range>;

/// Holds when the key is as it is said here. `mod_revision` 0: it isn't there.
struct Compare {
    std::string key;
    std::int64_t mod_revision = 0;
    std::optional<std::string> value{};  ///< compared, too
};

/// Carried out as a whole if all compares hold, else `otherwise`. No key twice in `ops`.
struct Txn {
    std::vector<Compare> compares;
    std::vector<Op> ops;
    std::vector<Range> otherwise;
};

/// etcd's default limit, of compares and of ops.
inline constexpr std::size_t max_txn_ops = 128;

struct RangeReply {
    Header header;
    std::vector<KeyValue> entries;
    bool more = false;
};
struct TxnReply {
    Header header;
    bool succeeded = false;
    std::vector<std::vector<KeyValue>> ranges;  ///< of the Range ops of the branch taken
};

[[nodiscard]] std::string encode(const Range& range);
[[nodiscard]] std::string encode(const Txn& txn);
[[nodiscard]] std::string encode_login(std::string_view user, std::string_view password);

/// Errc::bad_reply. Bounded by the reply's size.
[[nodiscard]] Result<RangeReply> decode_range(std::string_view body);
[[nodiscard]] Result<TxnReply> decode_txn(std::string_view body);
/// The token.
[[nodiscard]] Result<std::string> decode_login(std::string_view body);

/// What a reply with another status than 200 means, with etcd's own words, cleaned.
[[nodiscard]] Error decode_error(int status, std::string_view body);

/// The key behind all that begin with `prefix`.
[[nodiscard]] std::string range_end(std::string_view prefix);

}  // namespace muster::dnsupdate::etcd

template <>
struct std::is_error_code_enum<muster::dnsupdate::etcd::Errc> : std::true_type {};
