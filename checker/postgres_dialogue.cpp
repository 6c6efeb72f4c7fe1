#include "checker/postgres_dialogue.hpp"

#include "checker/big_endian.hpp"

namespace muster::checker {

namespace {

constexpr std::uint32_t protocol_3_0 = 196'608;
constexpr std::uint32_t tls_request = 80'877'103;
constexpr std::string_view authentication_ok("\0\0\0\0", 4);
constexpr std::string_view terminate("X\0\0\0\4", 5);
constexpr std::size_t header_bytes = 5;  // type, and a length that counts itself

void add_parameter(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += '\0';
    out += value;
    out += '\0';
}

/// SQLSTATE: the field C of an ErrorResponse, each field being a letter and a terminated text.
std::string_view sql_state(std::string_view fields) {
    while (!fields.empty() && fields[0] != '\0') {
        const std::size_t end = fields.find('\0');
        if (end == std::string_view::npos) return {};
        if (fields[0] == 'C') return fields.substr(1, end - 1);
        fields.remove_prefix(end + 1);
    }
    return {};
}

}  // namespace

Dialogue::Turn PostgresDialogue::begin(std::string& out) {
    if (tls_) {
        add_big_endian(out, 8, 4);
        add_big_endian(out, tls_request, 4);
    } else {
        start_up(out);
    }
    return wait();
}

Dialogue::Turn PostgresDialogue::secured(std::string& out) {
    tls_ = false;
    start_up(out);
    return wait();
}

void PostgresDialogue::start_up(std::string& out) const {
    std::string body;
    add_big_endian(body, protocol_3_0, 4);
    add_parameter(body, "user", check_.user);
    if (!check_.database.empty()) add_parameter(body, "database", check_.database);
    add_parameter(body, "application_name", "muster");
    body += '\0';
    add_big_endian(out, static_cast<std::uint32_t>(body.size() + 4), 4);
    out += body;
}

Dialogue::Turn PostgresDialogue::receive(std::string_view bytes, std::string& out) {
    if (tls_) {
        if (bytes == "N") return fail(Reason::l6_handshake);
        // Anything behind the S came in the clear, and may be anyone's (CVE-2021-23222).
        return bytes == "S" ? Turn{.start_tls = true} : fail(Reason::l7_invalid);
    }
    if (!input_.add(bytes)) return fail(Reason::l7_too_large);
    for (;;) {
        const std::string_view input = input_.view();
        if (input.empty()) return wait();
        // Whether there is such a database is only looked up for who was let in.
        const std::string_view expected = let_in_ ? "ESKZN" : "ER";
        if (!expected.contains(input[0])) return fail(Reason::l7_invalid);
        if (input.size() < header_bytes) return wait();
        const std::size_t size = read_big_endian(input.substr(1), 4) + 1;
        if (size < header_bytes) return fail(Reason::l7_invalid);
        if (size > InputBuffer::limit) return fail(Reason::l7_too_large);
        if (input.size() < size) return wait();
        const std::string_view body = input.substr(header_bytes, size - header_bytes);
        if (input[0] == 'E') return on_error(body);
        let_in_ = input[0] == 'R' && body == authentication_ok;
        if (!let_in_) break;
        input_.drop(size);
    }
    out += terminate;
    return succeed();
}

Dialogue::Turn PostgresDialogue::on_error(std::string_view fields) const {
    const std::string_view state = sql_state(fields);
    if (state.empty()) return fail(Reason::l7_invalid);
    const bool of_the_user = state.starts_with("28");
    const bool of_the_default = state == "3D000" && check_.database.empty();
    return of_the_user || of_the_default ? succeed() : fail(Reason::l7_status);
}

}  // namespace muster::checker
