#pragma once

#include "checker/dialogue.hpp"
#include "checker/pattern_cache.hpp"
#include "common/config/probe_model.hpp"

#include <cstddef>
#include <string>

namespace muster::checker {

/// A connection is all that is wanted, or then a script: what is sent, and what must be seen in
/// what comes back, step after step. What an expectation has found is used up; the next one looks
/// behind it. TLS begins at its step: where a line was sent before, behind the line of the answer
/// that was found; else right behind what was found. Both references must outlive it.
///   the script came to its end      l7_ok (l4_ok without a script)
///   more than 16 KiB, nothing found l7_too_large
///   more in the clear before TLS    l7_invalid
///   closed before                   l7_closed
class TcpDialogue final : public Dialogue {
 public:
    static constexpr std::size_t buffer_limit = 16U * 1024U;

    TcpDialogue(const config::TcpCheck& check, PatternCache& patterns)
        : check_(check), patterns_(patterns) {}

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Turn secured(std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }

 private:
    Turn carry_on(std::string& out);
    [[nodiscard]] Turn wait_for_more() const;
    [[nodiscard]] bool find(const config::ScriptStep& step);
    [[nodiscard]] bool finish_line();

    const config::TcpCheck& check_;
    PatternCache& patterns_;
    std::size_t step_ = 0;
    bool sent_line_ = false;
    bool within_line_ = false;  ///< of an answer to a line that was sent, by what was found last
    std::string unread_;
};

}  // namespace muster::checker
