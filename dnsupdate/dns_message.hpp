#pragma once

#include "common/base/result.hpp"
#include "dnsupdate/records.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// Questions to DNS servers and their answers (RFC 1035; EDNS: RFC 6891). Pure, over libldns.
namespace muster::dnsupdate {

enum class DnsErrc {
    no_answer = 1,  ///< in time
    malformed,      ///< not a DNS message, or not an answer to what was asked
};
const std::error_category& dns_category();
inline std::error_code make_error_code(DnsErrc code) {
    return {static_cast<int>(code), dns_category()};
}

/// Names of ours have records of the first three; the others can be asked for.
enum class RecordType : std::uint8_t { a, aaaa, srv, cname, txt };
[[nodiscard]] std::string_view to_string(RecordType type);

struct DnsRecord {
    std::string owner;  ///< lower case, without the last dot
    std::string type;   ///< "A", "CNAME", "TYPE65280"
    std::uint32_t ttl = 0;
    std::string data;  ///< as in a zone file, in lower case: "10 100 80 lb-1.api.muster.test."
    bool operator==(const DnsRecord&) const = default;
};

struct DnsAnswer {
    std::string code;        ///< "NOERROR", "NXDOMAIN", "SERVFAIL"
    bool truncated = false;  ///< the rest has to be asked for over TCP
    std::vector<DnsRecord> records;
    bool operator==(const DnsAnswer&) const = default;
};

/// For names that config::rules::published_name() lets pass.
[[nodiscard]] std::string encode_question(const DnsName& name, RecordType type, std::uint16_t id);

/// Of a message that a server, or someone who passes for it, has sent: at most 64 KiB.
[[nodiscard]] Result<DnsAnswer> decode_answer(std::string_view message,
                                              const DnsName& name,
                                              RecordType type,
                                              std::uint16_t id);

/// Why this isn't what the name shall answer; empty: it is. The TTL of a cache may be lower. SRV
/// weights aren't compared: CoreDNS makes percents of them.
[[nodiscard]] std::string difference(const DnsName& name,
                                     const RecordSet& wanted,
                                     RecordType type,
                                     const DnsAnswer& answer);

/// Those for which the set has something to answer.
[[nodiscard]] std::vector<RecordType> types_of(const RecordSet& set);

}  // namespace muster::dnsupdate

template <>
struct std::is_error_code_enum<muster::dnsupdate::DnsErrc> : std::true_type {};
