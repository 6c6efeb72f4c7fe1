#include "checker/dns_dialogue.hpp"

#include "checker/big_endian.hpp"
#include "checker/reply_matches.hpp"

#include <openssl/rand.h>

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace muster::checker {

namespace {

constexpr std::uint16_t udp_bytes = 1232;  // what passes every network unbroken (DNS flag day 2020)

using Packet = std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)>;
using Bytes = std::unique_ptr<std::uint8_t, decltype(&std::free)>;
using Text = std::unique_ptr<char, decltype(&std::free)>;

std::string wire_query(const config::DnsCheck& check, std::uint16_t id) {
    ldns_rdf* const name = ldns_dname_new_frm_str(check.name.c_str());
    if (name == nullptr) return {};
    const Packet query(ldns_pkt_query_new(name,
                                          ldns_get_rr_type_by_name(check.type.c_str()),
                                          LDNS_RR_CLASS_IN,
                                          check.recursion ? LDNS_RD : std::uint16_t{0}),
                       ldns_pkt_free);
    ldns_pkt_set_id(query.get(), id);
    if (!check.tcp) ldns_pkt_set_edns_udp_size(query.get(), udp_bytes);
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (ldns_pkt2wire(&data, query.get(), &size) != LDNS_STATUS_OK) return {};
    const Bytes owned(data, std::free);
    return {data, data + size};
}

/// "name ttl class type data", one space between.
std::string text_of(const ldns_rr* record) {
    const Text text(ldns_rr2str(record), std::free);
    std::string line = text ? text.get() : "";
    while (line.ends_with('\n')) line.pop_back();
    std::ranges::replace(line, '\t', ' ');
    return line;
}

bool is_expected(const config::DnsCheck& check, ldns_pkt_rcode code) {
    const Text text(ldns_pkt_rcode2str(code), std::free);
    const std::string_view name = text ? text.get() : "";
    return std::ranges::find(check.rcodes, name) != check.rcodes.end();
}

}  // namespace

DnsDialogue::DnsDialogue(const config::DnsCheck& check, PatternCache& patterns)
    : check_(check), patterns_(patterns) {
    unsigned char random[2]{};
    RAND_bytes(random, sizeof random);
    id_ = static_cast<std::uint16_t>(random[0] << 8U | random[1]);
}

Dialogue::Turn DnsDialogue::begin(std::string& out) {
    const std::string query = wire_query(check_, id_);
    // What the configuration has let pass makes a query.
    if (query.empty()) return fail(Reason::l7_invalid);
    if (check_.tcp) add_big_endian(out, static_cast<std::uint32_t>(query.size()), 2);
    out += query;
    return wait();
}

Dialogue::Turn DnsDialogue::receive(std::string_view bytes, std::string& /*out*/) {
    if (!check_.tcp) return on_message(bytes);
    received_ += bytes.substr(0, 2 + 65'535 - received_.size());
    if (received_.size() < 2) return wait();
    const std::size_t size = read_big_endian(received_, 2);
    if (received_.size() < 2 + size) return wait();
    const Turn turn = on_message(std::string_view(received_).substr(2, size));
    // Over a connection nobody else answers.
    return turn.finding ? turn : fail(Reason::l7_invalid);
}

Dialogue::Turn DnsDialogue::on_message(std::string_view message) const {
    if (message.size() < 2 || read_big_endian(message, 2) != id_) return wait();
    ldns_pkt* parsed = nullptr;
    const std::vector<std::uint8_t> bytes(message.begin(), message.end());
    const bool ok = ldns_wire2pkt(&parsed, bytes.data(), bytes.size()) == LDNS_STATUS_OK;
    const Packet answer(parsed, ldns_pkt_free);
    if (!ok || !ldns_pkt_qr(answer.get())) return fail(Reason::l7_invalid);
    const ldns_pkt_rcode code = ldns_pkt_get_rcode(answer.get());
    const auto number = static_cast<std::uint16_t>(code);
    if (!is_expected(check_, code)) return fail(Reason::l7_status, number);
    if (check_.answers.empty()) return succeed(number);
    if (ldns_pkt_tc(answer.get())) return fail(Reason::l7_too_large, number);
    std::vector<std::string> records;
    const ldns_rr_list* list = ldns_pkt_answer(answer.get());
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i)
        records.push_back(text_of(ldns_rr_list_rr(list, i)));
    const auto found = [&](const config::TextMatch& wanted) {
        const auto in = [&](const std::string& record) { return holds(wanted, record, patterns_); };
        // One that must not be there must be in none of them.
        return wanted.negate ? std::ranges::all_of(records, in) : std::ranges::any_of(records, in);
    };
    return std::ranges::all_of(check_.answers, found) ? succeed(number)
                                                      : fail(Reason::l7_body, number);
}

}  // namespace muster::checker
