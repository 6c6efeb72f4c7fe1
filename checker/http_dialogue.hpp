#pragma once

#include "checker/dialogue.hpp"
#include "checker/http_reply_check.hpp"
#include "checker/http_request.hpp"
#include "checker/make_dialogue.hpp"
#include "checker/prober.hpp"

#include <optional>
#include <string_view>

namespace muster::checker {

/// A request over HTTP/1.1, and its reply; with redirects, one of each on every connection. All
/// references must outlive it.
class HttpDialogue final : public Dialogue {
 public:
    HttpDialogue(const ProbeRequest& request,
                 const config::HttpCheck& check,
                 const DialogueSettings& settings)
        : request_(request), check_(check), settings_(settings) {}

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return finding(reply_->end_of_input()); }
    [[nodiscard]] bool leaves_open() const override {
        return request_.probe->reuse && reply_->persists();
    }
    [[nodiscard]] std::optional<IntentWords> intent() const override {
        return reply_ ? reply_->intent() : std::nullopt;
    }
    [[nodiscard]] std::uint16_t code() const override { return reply_ ? reply_->status() : 0; }

 private:
    [[nodiscard]] bool follow(std::uint16_t status, std::string_view location);
    [[nodiscard]] Finding finding(Reason reason) const {
        return {.result = reason == Reason::l7_ok ? Result::success : Result::failure,
                .reason = reason,
                .code = reply_->status()};
    }

    const ProbeRequest& request_;
    const config::HttpCheck& check_;
    const DialogueSettings& settings_;
    std::optional<HttpReplyCheck> reply_;
    std::optional<config::HttpCheck> next_;  ///< what a redirect leads to
    int followed_ = 0;
};

}  // namespace muster::checker
