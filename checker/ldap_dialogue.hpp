#pragma once

#include "checker/dialogue.hpp"
#include "checker/input_buffer.hpp"
#include "common/config/probe_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// Perhaps StartTLS, then a bind: anonymous, or simple with a password (RFC 4511, 4.2 and 4.14).
///   success              l7_ok
///   invalidCredentials   l7_auth
///   another result       l7_status   (the code is the server's)
class LdapDialogue final : public Dialogue {
 public:
    /// `check` must outlive it.
    LdapDialogue(const config::LdapCheck& check, std::string password)
        : check_(check), password_(std::move(password)) {}

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Turn secured(std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }
    [[nodiscard]] bool leaves_in_order() const override { return true; }

 private:
    void bind(std::string& out) const;
    Turn on_result(std::uint16_t code, std::string& out);

    const config::LdapCheck& check_;
    std::string password_;
    InputBuffer input_;
    bool binding_ = false;
};

}  // namespace muster::checker
