#include "dnsupdate/update_message.hpp"

#include "dnsupdate/ldns_handles.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr std::uint16_t fudge = 300;
constexpr std::size_t largest_message = 65'535;
constexpr std::size_t room_for_signature = 1'024;
constexpr std::size_t mac_field = 3;  // of TSIG's data

using ldns::Bytes;
using ldns::name_of;
using ldns::owned;
using ldns::Packet;
using Record = std::unique_ptr<ldns_rr, decltype(&ldns_rr_free)>;
using Records = std::unique_ptr<ldns_rr_list, decltype(&ldns_rr_list_deep_free)>;

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "dns-update"; }
    std::string message(int value) const override {
        switch (static_cast<UpdateErrc>(value)) {
            case UpdateErrc::malformed:
                return "not a reply to what was sent";
            case UpdateErrc::too_large:
                return "more than one DNS message can hold (64 KiB)";
            case UpdateErrc::bad_record:
                return "can't be written as a record";
            case UpdateErrc::unreachable:
                return "can't be reached";
            case UpdateErrc::outcome_unknown:
                return "no reply came; it may have been done";
            case UpdateErrc::refused:
                return "the server refuses";
            case UpdateErrc::conflict:
                return "changed by someone else meanwhile";
            case UpdateErrc::fenced:
                return "a later master has claimed the zone";
        }
        return "unknown DNS update error";
    }
};

ldns_rr_type type_of(const std::string& type) {
    return ldns_get_rr_type_by_name(type.c_str());
}

/// "api.x": with the dot that makes it absolute.
ldns_rdf* dname(const std::string& name) {
    return ldns_dname_new_frm_str((name + ".").c_str());
}

ldns_rdf* number(const std::string& text) {
    std::uint16_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end ? ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, value)
                                             : nullptr;
}

ldns_rdf* character_string(const std::string& text) {
    if (text.size() > 255) return nullptr;
    const std::string bytes = std::string(1, static_cast<char>(text.size())) + text;
    return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, bytes.size(), bytes.data());
}

/// Collects records; what can't be written is remembered.
class Section {
 public:
    Section() : records_(ldns_rr_list_new(), ldns_rr_list_deep_free) {}

    void add_empty(const std::string& owner, const std::string& type, ldns_rr_class of_class) {
        push(begin(owner, type, of_class, 0));
    }
    void add(const ZoneRecord& record, std::uint32_t ttl) {
        Record rr = begin(record.owner, record.type, LDNS_RR_CLASS_IN, ttl);
        for (std::size_t i = 0; i < record.data.size(); ++i) {
            ldns_rdf* const field = encode(record, i);
            if (field == nullptr || !ldns_rr_push_rdf(rr.get(), field))
                fault(record.owner + " " + record.type + " " + record.data[i]);
        }
        push(std::move(rr));
    }
    [[nodiscard]] const ldns_rr_list* get() const { return records_.get(); }
    [[nodiscard]] const std::string& faulty() const { return faulty_; }

 private:
    void fault(std::string what) {
        if (faulty_.empty()) faulty_ = std::move(what);
    }
    static ldns_rdf* encode(const ZoneRecord& record, std::size_t field) {
        const std::string& text = record.data[field];
        if (record.type == "A") return ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, text.c_str());
        if (record.type == "AAAA") return ldns_rdf_new_frm_str(LDNS_RDF_TYPE_AAAA, text.c_str());
        if (record.type == "TXT") return character_string(text);
        if (record.type == "SRV") return field < 3 ? number(text) : dname(text);
        if (record.type == "CNAME") return dname(text);
        return nullptr;
    }
    Record begin(const std::string& owner,
                 const std::string& type,
                 ldns_rr_class of_class,
                 std::uint32_t ttl) {
        Record rr(ldns_rr_new(), ldns_rr_free);
        ldns_rdf* const name = dname(owner);
        if (name == nullptr) fault(owner);
        ldns_rr_set_owner(rr.get(), name);
        ldns_rr_set_type(rr.get(), type_of(type));
        ldns_rr_set_class(rr.get(), of_class);
        ldns_rr_set_ttl(rr.get(), ttl);
        return rr;
    }
    void push(Record rr) { ldns_rr_list_push_rr(records_.get(), rr.release()); }

    Records records_;
    std::string faulty_;
};

std::optional<std::string> wire_of(const ldns_pkt* packet) {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    const bool written = ldns_pkt2wire(&data, packet, &size) == LDNS_STATUS_OK;
    const Bytes bytes(data, std::free);
    if (!written || size > largest_message) return std::nullopt;
    return std::string(data, data + size);
}

Result<SignedMessage> sign(Packet packet, const TsigKey& key, std::uint16_t id) {
    ldns_pkt_set_id(packet.get(), id);
    // libldns aborts when what it signs doesn't fit into its buffer.
    const std::optional<std::string> plain = wire_of(packet.get());
    if (!plain || plain->size() > largest_message - room_for_signature)
        return fail(UpdateErrc::too_large);
    if (ldns_pkt_tsig_sign(packet.get(),
                           (key.name + ".").c_str(),
                           key.base64.c_str(),
                           fudge,
                           "hmac-sha256.",
                           nullptr) != LDNS_STATUS_OK)
        return fail(UpdateErrc::too_large);
    std::optional<std::string> bytes = wire_of(packet.get());
    if (!bytes) return fail(UpdateErrc::too_large);
    SignedMessage message{.bytes = *std::move(bytes), .id = id};
    // A length in two bytes comes first.
    const ldns_rdf* const mac = ldns_rr_rdf(ldns_pkt_tsig(packet.get()), mac_field);
    if (mac == nullptr || ldns_rdf_size(mac) < 2) return fail(UpdateErrc::too_large);
    const std::uint8_t* const begin = ldns_rdf_data(mac);
    message.mac.assign(begin + 2, begin + ldns_rdf_size(mac));
    return message;
}

ZoneRecord record_of(const ldns_rr* rr) {
    ZoneRecord record{.owner = name_of(ldns_rr_owner(rr)),
                      .type = owned(ldns_rr_type2str(ldns_rr_get_type(rr))),
                      .ttl = ldns_rr_ttl(rr)};
    for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
        const ldns_rdf* const field = ldns_rr_rdf(rr, i);
        if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_STR && ldns_rdf_size(field) > 0) {
            const std::uint8_t* const begin = ldns_rdf_data(field);
            record.data.emplace_back(begin + 1, begin + ldns_rdf_size(field));
        } else if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME) {
            record.data.push_back(name_of(field));
        } else {
            record.data.push_back(owned(ldns_rdf2str(field)));
        }
    }
    return record;
}

}  // namespace

const std::error_category& update_category() {
    static const Category one;
    return one;
}

Result<SignedMessage> encode_update(const Update& update, const TsigKey& key, std::uint16_t id) {
    Section prerequisites;
    for (const Prerequisite& one : update.prerequisites) {
        switch (one.kind) {
            case Prerequisite::Kind::is:
                for (const ZoneRecord& record : one.records) prerequisites.add(record, 0);
                break;
            case Prerequisite::Kind::absent:
                prerequisites.add_empty(one.owner, one.type, LDNS_RR_CLASS_NONE);
                break;
            case Prerequisite::Kind::not_used:
                prerequisites.add_empty(one.owner, "ANY", LDNS_RR_CLASS_NONE);
                break;
        }
    }
    Section changes;
    for (const Replacement& one : update.replacements) {
        changes.add_empty(one.owner, one.type, LDNS_RR_CLASS_ANY);
        for (const ZoneRecord& record : one.records) changes.add(record, record.ttl);
    }
    for (const Section* const section : {&prerequisites, &changes}) {
        if (!section->faulty().empty()) return fail(UpdateErrc::bad_record, section->faulty());
    }
    ldns_rdf* const zone = dname(update.zone.str());
    if (zone == nullptr) return fail(UpdateErrc::bad_record, update.zone.str());
    Packet packet(
        ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, prerequisites.get(), changes.get(), nullptr),
        ldns_pkt_free);
    if (!packet) return fail(UpdateErrc::bad_record, update.zone.str());
    ldns_pkt_set_rd(packet.get(), false);
    return sign(std::move(packet), key, id);
}

Result<SignedMessage> encode_query(const std::string& name,
                                   const std::string& type,
                                   const TsigKey& key,
                                   std::uint16_t id) {
    ldns_rdf* const question = dname(name);
    if (question == nullptr) return fail(UpdateErrc::bad_record, name);
    Packet packet(ldns_pkt_query_new(question, type_of(type), LDNS_RR_CLASS_IN, 0), ldns_pkt_free);
    if (!packet) return fail(UpdateErrc::bad_record, name);
    return sign(std::move(packet), key, id);
}

Result<UpdateReply> decode_reply(std::string_view message, std::uint16_t id) {
    ldns_pkt* parsed = nullptr;
    const std::vector<std::uint8_t> bytes(message.begin(), message.end());
    const bool read = ldns_wire2pkt(&parsed, bytes.data(), bytes.size()) == LDNS_STATUS_OK;
    const Packet packet(parsed, ldns_pkt_free);
    if (!read) return fail(UpdateErrc::malformed);
    if (!ldns_pkt_qr(packet.get()) || ldns_pkt_id(packet.get()) != id)
        return fail(UpdateErrc::malformed, "it answers something else");
    UpdateReply reply{.code = owned(ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet.get())))};
    const ldns_rr_list* const records = ldns_pkt_answer(packet.get());
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i)
        reply.answers.push_back(record_of(ldns_rr_list_rr(records, i)));
    return reply;
}

}  // namespace muster::dnsupdate
