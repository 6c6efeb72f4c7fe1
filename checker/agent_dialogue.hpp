#pragma once

#include "checker/dialogue.hpp"
#include "checker/intent_words.hpp"
#include "common/config/probe_model.hpp"

#include <string>

namespace muster::checker {

/// HAProxy's agent-check: connect, perhaps say something, read one line (or all up to the end). A
/// line without a known word is a failure, which is the agent's and not the backend's.
class AgentDialogue final : public Dialogue {
 public:
    explicit AgentDialogue(const config::AgentCheck& check) : check_(check) {}

    Turn begin(std::string& out) override {
        out += check_.send;
        return wait();
    }
    Turn receive(std::string_view bytes, std::string& /*out*/) override {
        line_ += bytes.substr(0, longest_line - line_.size());
        if (line_.size() < longest_line && line_.find('\n') == std::string::npos) return wait();
        return {.finding = judge()};
    }
    Finding end_of_input() override {
        return line_.empty() ? Finding{.reason = Reason::l7_closed} : judge();
    }
    [[nodiscard]] std::optional<IntentWords> intent() const override { return words_; }

 private:
    static constexpr std::size_t longest_line = 4096;

    Finding judge() {
        words_ = parse_intent(line_);
        if (!words_) return {.reason = Reason::l7_invalid};
        return {.result = Result::success, .reason = Reason::l7_ok};
    }

    const config::AgentCheck& check_;
    std::string line_;
    std::optional<IntentWords> words_;
};

}  // namespace muster::checker
