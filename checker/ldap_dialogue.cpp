#include "checker/ldap_dialogue.hpp"

#include "checker/big_endian.hpp"

#include <optional>

namespace muster::checker {

namespace {

using namespace std::string_view_literals;

// Tags of BER (X.690) as LDAP uses them.
constexpr char sequence = 0x30;
constexpr char integer = 0x02;
constexpr char octets = 0x04;
constexpr char enumerated = 0x0a;
constexpr char bind_request = 0x60;
constexpr char bind_response = 0x61;
constexpr char extended_request = 0x77;
constexpr char extended_response = 0x78;
constexpr char simple_password = '\x80';
constexpr char request_name = '\x80';

constexpr std::string_view start_tls_oid = "1.3.6.1.4.1.1466.20037";
constexpr std::string_view unbind = "\x30\x05\x02\x01\x03\x42\x00"sv;

constexpr std::uint16_t invalid_credentials = 49;

std::string element(char tag, std::string_view content) {
    std::string text(1, tag);
    if (content.size() < 128) {
        text += static_cast<char>(content.size());
    } else {
        text += '\x82';
        add_big_endian(text, static_cast<std::uint32_t>(content.size()), 2);
    }
    text += content;
    return text;
}

std::string message(char id, const std::string& operation) {
    return element(sequence, element(integer, std::string(1, id)) + operation);
}

struct Element {
    char tag = 0;
    std::string_view content;
    std::size_t size = 0;  ///< with its header
};
enum class Reading : std::uint8_t { done, unfinished, wrong };

/// The first element of `text`.
Reading read(std::string_view text, Element& into) {
    if (text.size() < 2) return Reading::unfinished;
    std::size_t length = static_cast<unsigned char>(text[1]);
    std::size_t header = 2;
    if (length >= 128) {
        const std::size_t digits = length - 128;
        if (digits == 0 || digits > 4) return Reading::wrong;
        if (text.size() < header + digits) return Reading::unfinished;
        length = read_big_endian(text.substr(header), digits);
        header += digits;
    }
    if (length > InputBuffer::limit) return Reading::wrong;
    if (text.size() < header + length) return Reading::unfinished;
    into = {.tag = text[0], .content = text.substr(header, length), .size = header + length};
    return Reading::done;
}

/// The element that a whole text begins with, which must have that tag; the rest is left.
std::optional<std::string_view> take(std::string_view& text, char tag) {
    Element one;
    if (read(text, one) != Reading::done || one.tag != tag) return std::nullopt;
    text.remove_prefix(one.size);
    return one.content;
}

std::optional<std::uint16_t> result_code(std::string_view message_content, char response) {
    const auto id = take(message_content, integer);
    if (!id) return std::nullopt;
    auto result = take(message_content, response);
    if (!result) return std::nullopt;
    const auto code = take(*result, enumerated);
    if (!code || code->empty() || code->size() > 2) return std::nullopt;
    return static_cast<std::uint16_t>(read_big_endian(*code, code->size()));
}

}  // namespace

Dialogue::Turn LdapDialogue::begin(std::string& out) {
    if (check_.start_tls) {
        out += message(1, element(extended_request, element(request_name, start_tls_oid)));
    } else {
        bind(out);
        binding_ = true;
    }
    return wait();
}

void LdapDialogue::bind(std::string& out) const {
    constexpr std::string_view version_3 = "\x03";
    out += message(2,
                   element(bind_request,
                           element(integer, version_3) + element(octets, check_.dn) +
                               element(simple_password, password_)));
}

Dialogue::Turn LdapDialogue::secured(std::string& out) {
    bind(out);
    binding_ = true;
    return wait();
}

Dialogue::Turn LdapDialogue::receive(std::string_view bytes, std::string& out) {
    if (!input_.add(bytes)) return fail(Reason::l7_too_large);
    if (!input_.view().starts_with(sequence)) return fail(Reason::l7_invalid);
    Element whole;
    switch (read(input_.view(), whole)) {
        case Reading::unfinished:
            return wait();
        case Reading::wrong:
            return fail(Reason::l7_invalid);
        case Reading::done:
            break;
    }
    const auto code = result_code(whole.content, binding_ ? bind_response : extended_response);
    if (!code) return fail(Reason::l7_invalid);
    input_.drop(whole.size);
    return on_result(*code, out);
}

Dialogue::Turn LdapDialogue::on_result(std::uint16_t code, std::string& out) {
    if (code == 0 && !binding_) {
        // What comes in the clear behind it may be anyone's.
        if (!input_.empty()) return fail(Reason::l7_invalid);
        return {.start_tls = true};
    }
    out += unbind;
    if (code == 0) return succeed();
    return fail(code == invalid_credentials ? Reason::l7_auth : Reason::l7_status, code);
}

}  // namespace muster::checker
