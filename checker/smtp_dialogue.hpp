#pragma once

#include "checker/dialogue.hpp"
#include "checker/input_buffer.hpp"
#include "common/config/probe_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// Greeting, EHLO, perhaps STARTTLS and EHLO once more, QUIT (RFC 5321; RFC 3207).
///   220 and 250 where they belong    l7_ok
///   another code, such as 421, 554   l7_status   (the code is the server's)
///   STARTTLS not offered             l7_status
class SmtpDialogue final : public Dialogue {
 public:
    /// `check` must outlive it.
    explicit SmtpDialogue(const config::SmtpCheck& check) : check_(check) {}

    Turn begin(std::string& /*out*/) override { return wait(); }
    Turn receive(std::string_view bytes, std::string& out) override;
    Turn secured(std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed, .code = code_}; }
    [[nodiscard]] bool leaves_in_order() const override { return true; }
    [[nodiscard]] std::uint16_t code() const override { return code_; }

 private:
    enum class Awaits : std::uint8_t { greeting, hello, start_tls, hello_again };
    Turn on_reply(std::string& out);
    void say_hello(std::string& out) const { out += "EHLO " + check_.helo + "\r\n"; }

    const config::SmtpCheck& check_;
    InputBuffer input_;
    Awaits awaits_ = Awaits::greeting;
    std::uint16_t code_ = 0;
    bool offers_tls_ = false;
};

}  // namespace muster::checker
