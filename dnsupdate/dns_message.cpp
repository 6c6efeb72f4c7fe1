#include "dnsupdate/dns_message.hpp"

#include "common/config/endpoint.hpp"
#include "dnsupdate/ldns_handles.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr std::uint16_t udp_bytes = 1232;  // what passes every network unbroken (DNS flag day 2020)

using ldns::Bytes;
using ldns::lower;
using ldns::name_of;
using ldns::owned;
using ldns::Packet;

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "dns"; }
    std::string message(int value) const override {
        switch (static_cast<DnsErrc>(value)) {
            case DnsErrc::no_answer:
                return "no answer in time";
            case DnsErrc::malformed:
                return "not an answer to the question";
        }
        return "unknown DNS error";
    }
};

ldns_rr_type ldns_type(RecordType type) {
    switch (type) {
        case RecordType::a:
            return LDNS_RR_TYPE_A;
        case RecordType::aaaa:
            return LDNS_RR_TYPE_AAAA;
        case RecordType::srv:
            return LDNS_RR_TYPE_SRV;
        case RecordType::cname:
            return LDNS_RR_TYPE_CNAME;
        case RecordType::txt:
            return LDNS_RR_TYPE_TXT;
    }
    return LDNS_RR_TYPE_A;
}

DnsRecord record_of(const ldns_rr* rr) {
    DnsRecord record{.owner = name_of(ldns_rr_owner(rr)),
                     .type = owned(ldns_rr_type2str(ldns_rr_get_type(rr))),
                     .ttl = ldns_rr_ttl(rr)};
    for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
        if (i > 0) record.data += ' ';
        record.data += lower(owned(ldns_rdf2str(ldns_rr_rdf(rr, i))));
    }
    return record;
}

/// What a set answers to a type.
std::multiset<std::string> data_of(const DnsName& name, const RecordSet& set, RecordType type) {
    std::multiset<std::string> data;
    for (const auto& [id, member] : set.members) {
        const bool v4 = config::is_ipv4(member.address);
        switch (type) {
            case RecordType::a:
                if (v4) data.insert(member.address);
                break;
            case RecordType::aaaa:
                if (!v4 && member.text.empty()) data.insert(member.address);
                break;
            case RecordType::srv:
                if (member.port != 0)
                    data.insert(fmt::format(
                        "{} {} {}.{}.", member.priority, member.port, id.str(), name.str()));
                break;
            case RecordType::txt:
                if (!member.text.empty()) data.insert('"' + lower(member.text) + '"');
                break;
            case RecordType::cname:
                break;
        }
    }
    return data;
}

/// "10 80 lb-1.x." of "10 33 80 lb-1.x."; nothing: CoreDNS makes an SRV record of every member,
/// with port 0 of one that has none.
std::optional<std::string> meant_by(const std::string& srv) {
    const std::size_t first = srv.find(' ');
    const std::size_t second = srv.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos) return srv;
    if (srv.substr(second).starts_with(" 0 ")) return std::nullopt;
    return srv.substr(0, first) + srv.substr(second);
}

}  // namespace

const std::error_category& dns_category() {
    static const Category one;
    return one;
}

std::string_view to_string(RecordType type) {
    constexpr std::array<std::string_view, 5> words{"A", "AAAA", "SRV", "CNAME", "TXT"};
    return words[static_cast<std::size_t>(type)];
}

std::string encode_question(const DnsName& name, RecordType type, std::uint16_t id) {
    ldns_rdf* const dname = ldns_dname_new_frm_str(name.str().c_str());
    if (dname == nullptr) return {};
    const Packet query(ldns_pkt_query_new(dname, ldns_type(type), LDNS_RR_CLASS_IN, LDNS_RD),
                       ldns_pkt_free);
    ldns_pkt_set_id(query.get(), id);
    ldns_pkt_set_edns_udp_size(query.get(), udp_bytes);
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (ldns_pkt2wire(&data, query.get(), &size) != LDNS_STATUS_OK) return {};
    const Bytes bytes(data, std::free);
    return {data, data + size};
}

Result<DnsAnswer> decode_answer(std::string_view message,
                                const DnsName& name,
                                RecordType type,
                                std::uint16_t id) {
    ldns_pkt* parsed = nullptr;
    const std::vector<std::uint8_t> bytes(message.begin(), message.end());
    const bool read = ldns_wire2pkt(&parsed, bytes.data(), bytes.size()) == LDNS_STATUS_OK;
    const Packet packet(parsed, ldns_pkt_free);
    if (!read) return fail(DnsErrc::malformed, name.str());
    const ldns_rr_list* const questions = ldns_pkt_question(packet.get());
    if (!ldns_pkt_qr(packet.get()) || ldns_pkt_id(packet.get()) != id ||
        ldns_rr_list_rr_count(questions) != 1)
        return fail(DnsErrc::malformed, name.str() + ": it answers something else");
    const ldns_rr* const question = ldns_rr_list_rr(questions, 0);
    if (name_of(ldns_rr_owner(question)) != name.str() ||
        ldns_rr_get_type(question) != ldns_type(type))
        return fail(DnsErrc::malformed, name.str() + ": it answers another question");
    DnsAnswer answer{.code = owned(ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet.get()))),
                     .truncated = ldns_pkt_tc(packet.get())};
    const ldns_rr_list* const records = ldns_pkt_answer(packet.get());
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i)
        answer.records.push_back(record_of(ldns_rr_list_rr(records, i)));
    return answer;
}

std::string difference(const DnsName& name,
                       const RecordSet& wanted,
                       RecordType type,
                       const DnsAnswer& answer) {
    if (answer.code != "NOERROR") return "answers " + answer.code;
    std::multiset<std::string> left = data_of(name, wanted, type);
    for (const DnsRecord& record : answer.records) {
        if (record.type != to_string(type) || record.owner != name.str())
            return fmt::format("answers {} {} {}", record.owner, record.type, record.data);
        const auto data =
            type == RecordType::srv ? meant_by(record.data) : std::optional(record.data);
        if (!data) continue;
        const auto known = left.find(*data);
        if (known == left.end()) return "still answers " + record.data;
        left.erase(known);
        if (record.ttl > static_cast<std::uint64_t>(wanted.ttl.count()))
            return fmt::format("answers {} with a TTL of {}", record.data, record.ttl);
    }
    if (!left.empty()) return "does not answer " + *left.begin();
    return {};
}

std::vector<RecordType> types_of(const RecordSet& set) {
    std::vector<RecordType> types;
    for (const RecordType type :
         {RecordType::a, RecordType::aaaa, RecordType::srv, RecordType::txt}) {
        if (!data_of(DnsName(), set, type).empty()) types.push_back(type);
    }
    return types;
}

}  // namespace muster::dnsupdate
