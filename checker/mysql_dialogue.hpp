#pragma once

#include "checker/dialogue.hpp"
#include "checker/input_buffer.hpp"
#include "common/config/probe_model.hpp"

#include <string>
#include <string_view>

namespace muster::checker {

/// The server's greeting (protocol version 10; MySQL internals, "Connection Phase"), then, where a
/// user is named, a login without password and a good-bye. Without one the server counts each probe
/// as an aborted connect, and may block us after max_connect_errors of them: name a user.
///   a greeting; let in        l7_ok
///   1044, 1045, 1698          l7_auth     (the code is the server's)
///   another error             l7_status   (too many connections, host blocked, shutting down ...)
///   TLS wanted, and the server has none    l6_handshake
class MysqlDialogue final : public Dialogue {
 public:
    /// `check` must outlive it.
    MysqlDialogue(const config::MysqlCheck& check, bool tls) : check_(check), tls_(tls) {}

    Turn begin(std::string& /*out*/) override { return wait(); }
    Turn receive(std::string_view bytes, std::string& out) override;
    Turn secured(std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }
    [[nodiscard]] bool leaves_in_order() const override { return true; }

 private:
    Turn on_packet(std::string_view body, std::string& out);
    Turn on_greeting(std::string_view body, std::string& out);
    [[nodiscard]] static Turn on_error(std::string_view body);

    const config::MysqlCheck& check_;
    bool tls_;
    InputBuffer input_;
    bool greeted_ = false;
    unsigned char sequence_ = 0;  ///< of the packet that was read or written last
};

}  // namespace muster::checker
