#include "checker/mysql_dialogue.hpp"

#include <cstdint>

namespace muster::checker {

namespace {

constexpr std::size_t header_bytes = 4;  // three of length, one of sequence
constexpr char ok_packet = 0;
constexpr char error_packet = '\xff';
constexpr char switch_packet = '\xfe';
constexpr char greeting_version = 10;
constexpr std::uint32_t tls_capability = 1U << 11U;

/// What the server can do: the lower half, behind version, connection id, eight bytes and a zero.
std::uint32_t server_capabilities(std::string_view greeting) {
    const std::size_t at = greeting.find('\0', 1) + 1 + 4 + 8 + 1;
    if (greeting.size() < at + 2) return 0;
    return static_cast<unsigned char>(greeting[at]) |
           static_cast<std::uint32_t>(static_cast<unsigned char>(greeting[at + 1])) << 8U;
}

void add_little_endian(std::string& out, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
}

std::uint32_t read_little_endian(std::string_view text, std::size_t bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8U | static_cast<unsigned char>(text[i]);
    return value;
}

void add_packet(std::string& out, unsigned char sequence, std::string_view body) {
    add_little_endian(out, static_cast<std::uint32_t>(body.size()), 3);
    out += static_cast<char>(sequence);
    out += body;
}

/// SSLRequest, which is also how HandshakeResponse41 begins.
std::string capabilities(bool tls) {
    constexpr std::uint32_t long_password = 1U << 0U;
    constexpr std::uint32_t protocol_41 = 1U << 9U;
    constexpr std::uint32_t secure_connection = 1U << 15U;
    constexpr std::uint32_t plugin_auth = 1U << 19U;
    constexpr char utf8 = 33;
    std::string body;
    add_little_endian(
        body,
        long_password | protocol_41 | secure_connection | plugin_auth | (tls ? tls_capability : 0U),
        4);
    add_little_endian(body, 1U << 24U, 4);  // longest packet
    body += utf8;
    body.append(23, '\0');
    return body;
}

/// HandshakeResponse41 with an empty password.
std::string login(const std::string& user, bool tls) {
    std::string body = capabilities(tls);
    body += user;
    body += '\0';
    body += '\0';  // no bytes of password
    body += "mysql_native_password";
    body += '\0';
    return body;
}

}  // namespace

Dialogue::Turn MysqlDialogue::receive(std::string_view bytes, std::string& out) {
    if (!input_.add(bytes)) return fail(Reason::l7_too_large);
    for (;;) {
        const std::string_view input = input_.view();
        if (input.size() < header_bytes) return wait();
        const std::size_t size = read_little_endian(input, 3);
        if (size == 0) return fail(Reason::l7_invalid);
        if (size > InputBuffer::limit - header_bytes) return fail(Reason::l7_too_large);
        if (input.size() < header_bytes + size) return wait();
        sequence_ = static_cast<unsigned char>(input[3]);
        const Turn turn = on_packet(input.substr(header_bytes, size), out);
        if (turn.finding) return turn;
        input_.drop(header_bytes + size);
        if (!turn.start_tls) continue;
        // What comes in the clear behind the greeting may be anyone's.
        return input_.empty() ? turn : fail(Reason::l7_invalid);
    }
}

Dialogue::Turn MysqlDialogue::secured(std::string& out) {
    if (check_.user.empty()) return succeed();
    add_packet(out, ++sequence_, login(check_.user, true));
    return wait();
}

Dialogue::Turn MysqlDialogue::on_packet(std::string_view body, std::string& out) {
    if (body[0] == error_packet) return on_error(body);
    if (!greeted_) return on_greeting(body, out);
    if (body[0] == switch_packet) {
        // Another plug-in: an empty password is empty in all of them.
        add_packet(out, ++sequence_, "");
        return wait();
    }
    if (body[0] != ok_packet) return fail(Reason::l7_invalid);
    add_packet(out, 0, "\x01");  // COM_QUIT
    return succeed();
}

Dialogue::Turn MysqlDialogue::on_greeting(std::string_view body, std::string& out) {
    greeted_ = true;
    if (body[0] != greeting_version || body.find('\0') == std::string_view::npos)
        return fail(Reason::l7_invalid);
    if (tls_) {
        if ((server_capabilities(body) & tls_capability) == 0) return fail(Reason::l6_handshake);
        add_packet(out, ++sequence_, capabilities(true));
        return {.start_tls = true};
    }
    if (check_.user.empty()) return succeed();
    add_packet(out, ++sequence_, login(check_.user, false));
    return wait();
}

Dialogue::Turn MysqlDialogue::on_error(std::string_view body) {
    if (body.size() < 3) return fail(Reason::l7_invalid);
    const auto code = static_cast<std::uint16_t>(read_little_endian(body.substr(1), 2));
    const bool not_let_in = code == 1044 || code == 1045 || code == 1698;
    return fail(not_let_in ? Reason::l7_auth : Reason::l7_status, code);
}

}  // namespace muster::checker
