#pragma once

#include "checker/http_reply_check.hpp"
#include "checker/make_dialogue.hpp"

#include <string>

namespace muster::checker {

/// The opening handshake of a WebSocket (RFC 6455, section 4.1), and a close frame once it stands.
/// Status 101 with the right Upgrade, Connection, Sec-WebSocket-Accept and subprotocol is l7_ok;
/// another status l7_status, other fields l7_header. References must outlive it.
class WebSocketDialogue final : public Dialogue {
 public:
    WebSocketDialogue(const ProbeRequest& request,
                      const config::WebSocketCheck& check,
                      const DialogueSettings& settings);

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return finding(reply_.end_of_input()); }
    [[nodiscard]] std::uint16_t code() const override { return reply_.status(); }

 private:
    [[nodiscard]] Finding finding(Reason reason) const;

    const ProbeRequest& request_;
    const DialogueSettings& settings_;
    config::HttpCheck http_;  ///< the same in the words of HTTP
    HttpReplyCheck reply_;
};

}  // namespace muster::checker
