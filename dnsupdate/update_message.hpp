#pragma once

#include "common/base/result.hpp"
#include "dnsupdate/records.hpp"
#include "dnsupdate/tsig.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// Changes of a zone as messages (RFC 2136), what is asked of the zone, and the replies. Pure, over
// libldns.
namespace muster::dnsupdate {

enum class UpdateErrc {
    malformed = 1,    ///< not a reply to what was sent
    too_large,        ///< more than one DNS message can hold
    bad_record,       ///< of ours: not an address, not a label, ...
    unreachable,      ///< nothing was sent
    outcome_unknown,  ///< sent, and no reply came
    refused,          ///< the server doesn't do it; the context has its rcode
    conflict,         ///< it is not as it was read
    fenced,           ///< a later master has claimed the zone
};
const std::error_category& update_category();
inline std::error_code make_error_code(UpdateErrc code) {
    return {static_cast<int>(code), update_category()};
}

/// One record of a zone. The data of A, AAAA: {address}; of SRV: {priority, weight, port, target
/// without the last dot}; of TXT: its strings, any bytes; of other types as in a zone file.
struct ZoneRecord {
    std::string owner;  ///< lower case, without the last dot
    std::string type;   ///< "A", "TXT", "TYPE65280"
    std::uint32_t ttl = 0;
    std::vector<std::string> data{};
    auto operator<=>(const ZoneRecord&) const = default;
};

/// What must hold for a change to be made. All at once, or nothing is changed.
struct Prerequisite {
    enum class Kind : std::uint8_t {
        is,        ///< the RRset is there with exactly `records`
        absent,    ///< there is no RRset of that name and type
        not_used,  ///< there is nothing of that name
    };
    Kind kind = Kind::absent;
    std::string owner;
    std::string type{};
    std::vector<ZoneRecord> records{};
    bool operator==(const Prerequisite&) const = default;
};

/// The whole RRset goes and these come, in one step for all who ask. None: it goes.
struct Replacement {
    std::string owner;
    std::string type;
    std::vector<ZoneRecord> records{};
    bool operator==(const Replacement&) const = default;
};

struct Update {
    DnsName zone;
    std::vector<Prerequisite> prerequisites;
    std::vector<Replacement> replacements;
    bool operator==(const Update&) const = default;
};

struct SignedMessage {
    std::string bytes;
    std::string mac;  ///< with which the replies are verified
    std::uint16_t id = 0;
};

/// A, AAAA, SRV and TXT. The time of the signature is the system's: libldns takes it itself.
[[nodiscard]] Result<SignedMessage> encode_update(const Update& update,
                                                  const TsigKey& key,
                                                  std::uint16_t id);
/// `type`: "TXT", "SOA", "AXFR".
[[nodiscard]] Result<SignedMessage> encode_query(const std::string& name,
                                                 const std::string& type,
                                                 const TsigKey& key,
                                                 std::uint16_t id);

struct UpdateReply {
    std::string code;  ///< "NOERROR", "NXRRSET", "NOTAUTH"
    std::vector<ZoneRecord> answers;
};

/// Of bytes that anyone may have sent: at most 64 KiB. Signatures are TsigCheck's affair.
[[nodiscard]] Result<UpdateReply> decode_reply(std::string_view message, std::uint16_t id);

}  // namespace muster::dnsupdate

template <>
struct std::is_error_code_enum<muster::dnsupdate::UpdateErrc> : std::true_type {};
