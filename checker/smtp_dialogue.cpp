#include "checker/smtp_dialogue.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

/// "250-SIZE" or "250 SIZE" or "250"; 0: none of these.
std::uint16_t code_of(std::string_view line) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), digit)) return 0;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
    return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 +
                                      (line[2] - '0'));
}

bool names_start_tls(std::string_view line) {
    constexpr std::string_view keyword = "STARTTLS";
    const auto upper = [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    };
    return line.size() == 4 + keyword.size() &&
           std::ranges::equal(line.substr(4), keyword, {}, upper);
}

}  // namespace

Dialogue::Turn SmtpDialogue::receive(std::string_view bytes, std::string& out) {
    if (!input_.add(bytes)) return fail(Reason::l7_too_large);
    while (const auto line = input_.take_line()) {
        code_ = code_of(*line);
        if (code_ == 0) return fail(Reason::l7_invalid);
        if (awaits_ == Awaits::hello && names_start_tls(*line)) offers_tls_ = true;
        const bool more_follow = line->size() > 3 && (*line)[3] == '-';
        if (more_follow) continue;
        const Turn turn = on_reply(out);
        if (turn.finding || turn.start_tls) return turn;
    }
    return wait();
}

Dialogue::Turn SmtpDialogue::on_reply(std::string& out) {
    constexpr std::string_view good_bye = "QUIT\r\n";
    const bool after_hello = awaits_ == Awaits::hello || awaits_ == Awaits::hello_again;
    if (code_ != (after_hello ? 250 : 220)) {
        out += good_bye;
        return fail(Reason::l7_status, code_);
    }
    switch (awaits_) {
        case Awaits::greeting:
            awaits_ = Awaits::hello;
            say_hello(out);
            return wait();
        case Awaits::hello:
            if (!check_.start_tls) break;
            if (!offers_tls_) {
                out += good_bye;
                return fail(Reason::l7_status, code_);
            }
            awaits_ = Awaits::start_tls;
            out += "STARTTLS\r\n";
            return wait();
        case Awaits::start_tls:
            // What comes in the clear behind it may be anyone's (CVE-2011-0411).
            if (!input_.empty()) return fail(Reason::l7_invalid);
            return {.start_tls = true};
        case Awaits::hello_again:
            break;
    }
    out += good_bye;
    return succeed(code_);
}

Dialogue::Turn SmtpDialogue::secured(std::string& out) {
    awaits_ = Awaits::hello_again;
    say_hello(out);
    return wait();
}

}  // namespace muster::checker
