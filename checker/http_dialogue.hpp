#pragma once

#include "checker/dialogue.hpp"
#include "checker/http_reply_check.hpp"
#include "checker/http_request.hpp"
#include "checker/make_dialogue.hpp"
#include "checker/prober.hpp"

namespace muster::checker {

/// One request over HTTP/1.1, and its reply. All references must outlive it.
class HttpDialogue final : public Dialogue {
 public:
    HttpDialogue(const ProbeRequest& request,
                 const config::HttpCheck& check,
                 const DialogueSettings& settings)
        : request_(request),
          check_(check),
          settings_(settings),
          reply_(check, *settings.patterns) {}

    Turn begin(std::string& out) override {
        write_http_request(request_, check_, settings_.user_agent, out);
        return wait();
    }
    Turn receive(std::string_view bytes, std::string& /*out*/) override {
        const auto reason = reply_.add(bytes);
        return reason ? Turn{.finding = finding(*reason)} : wait();
    }
    Finding end_of_input() override { return finding(reply_.end_of_input()); }
    [[nodiscard]] std::uint16_t code() const override { return reply_.status(); }

 private:
    [[nodiscard]] Finding finding(Reason reason) const {
        return {.result = reason == Reason::l7_ok ? Result::success : Result::failure,
                .reason = reason,
                .code = reply_.status()};
    }

    const ProbeRequest& request_;
    const config::HttpCheck& check_;
    const DialogueSettings& settings_;
    HttpReplyCheck reply_;
};

}  // namespace muster::checker
