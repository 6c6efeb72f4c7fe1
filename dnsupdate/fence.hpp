#pragma once

#include "dnsupdate/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Who may write to a DNS store. The store itself compares the fence in the transaction that writes,
// so a master that was deposed while its request was on its way changes nothing. Pure.
namespace muster::dnsupdate {

/// What a master puts into the store when it takes office. Fixed width: "00000001-000000000000002a-
/// <nonce>", era and epoch in hexadecimal.
struct Fence {
    Token token;
    std::string nonce;  ///< random, one for each term of office
    bool operator==(const Fence&) const = default;
};

[[nodiscard]] std::string encode(const Fence& fence);
/// Nothing: it isn't one.
[[nodiscard]] std::optional<Fence> decode_fence(std::string_view text);

enum class Claim : std::uint8_t {
    create,      ///< there is none, and there was none: the first use
    raise,       ///< the stored one is smaller
    adopt,       ///< it is ours already: the reply to our claim was lost
    deposed,     ///< a larger one: someone else is master
    lost,        ///< there is none, but there was one: the store has lost its data. `create`, and
                 ///< no removals until the names are back
    unreadable,  ///< what is there is no fence: `dns fence repair`
    same_token,  ///< ours, by someone else. Can't be, by design: write nothing, tell everyone
    deleted,     ///< there is none, but there was one, and the store has lost nothing else: someone
                 ///< has removed it. `dns fence repair`
    unfounded,   ///< there is none, and nobody knows of one, but of records of ours: ZooKeeper and
                 ///< the store have both lost data. `dns fence bootstrap`
};

/// `stored`: the fence key's value, if it is there. `born`: this cluster has written a fence
/// before.
[[nodiscard]] Claim judge_fence(const std::optional<std::string>& stored,
                                const Fence& mine,
                                bool born);

/// Ours has to be written; otherwise it is there already (adopt), or must not be.
[[nodiscard]] bool is_to_be_written(Claim claim);

[[nodiscard]] std::string_view to_string(Claim claim);

}  // namespace muster::dnsupdate
