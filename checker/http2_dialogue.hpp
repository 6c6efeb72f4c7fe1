#pragma once

#include "checker/h2_exchange.hpp"
#include "checker/make_dialogue.hpp"
#include "checker/reply_expectation.hpp"

namespace muster::checker {

/// One request over HTTP/2, and its reply: what HttpDialogue is for HTTP/1.1. References must
/// outlive it.
class Http2Dialogue final : public Dialogue, private H2Exchange::Listener {
 public:
    Http2Dialogue(const ProbeRequest& request,
                  const config::HttpCheck& check,
                  const DialogueSettings& settings);

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return finding(Reason::l7_closed); }
    [[nodiscard]] std::uint16_t code() const override { return exchange_.status(); }
    [[nodiscard]] std::optional<IntentWords> intent() const override {
        return expectation_.intent();
    }

 private:
    std::optional<Reason> on_header(std::uint16_t status, std::string_view fields) override {
        return expectation_.on_header(status, fields);
    }
    std::optional<Reason> on_body(std::string_view part) override {
        return expectation_.on_body(part);
    }
    Reason on_end(std::string_view /*trailers*/) override { return expectation_.on_end(); }

    [[nodiscard]] Finding finding(Reason reason) const;

    ReplyExpectation expectation_;
    H2Exchange exchange_;
};

}  // namespace muster::checker
