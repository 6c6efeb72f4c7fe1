#pragma once

#include "checker/dialogue.hpp"
#include "checker/pattern_cache.hpp"
#include "checker/reply_matches.hpp"
#include "common/config/probe_model.hpp"

namespace muster::checker {

/// One datagram, and what is expected of the first answer. Where nothing is, silence until the
/// timeout is as good as an answer: only an ICMP error, which the prober sees, is not. References
/// must outlive it.
class UdpDialogue final : public Dialogue {
 public:
    UdpDialogue(const config::UdpCheck& check, PatternCache& patterns)
        : check_(check), patterns_(patterns) {}

    Turn begin(std::string& out) override {
        out += check_.send;
        return wait();
    }
    Turn receive(std::string_view datagram, std::string& /*out*/) override {
        if (!check_.expect || holds(*check_.expect, datagram, patterns_)) return succeed();
        return fail(Reason::l7_body);
    }
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }
    [[nodiscard]] std::optional<Finding> on_silence() const override {
        if (check_.expect) return std::nullopt;
        return Finding{.result = Result::success, .reason = Reason::l4_ok};
    }

 private:
    const config::UdpCheck& check_;
    PatternCache& patterns_;
};

}  // namespace muster::checker
