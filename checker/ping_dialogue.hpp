#pragma once

#include "checker/dialogue.hpp"
#include "common/config/probe_model.hpp"

#include <string>

namespace muster::checker {

/// ICMP echo (RFC 792, RFC 4443): a payload, of which the first bytes are random, that must come
/// back as it was. The headers are the socket's business. An answer to someone else is passed over.
class PingDialogue final : public Dialogue {
 public:
    explicit PingDialogue(const config::PingCheck& check);

    Turn begin(std::string& out) override {
        out += payload_;
        return wait();
    }
    Turn receive(std::string_view payload, std::string& /*out*/) override {
        return payload == payload_
                   ? Turn{.finding = Finding{.result = Result::success, .reason = Reason::l4_ok}}
                   : wait();
    }
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }

 private:
    std::string payload_;
};

}  // namespace muster::checker
