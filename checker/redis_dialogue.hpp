#pragma once

#include "checker/dialogue.hpp"
#include "checker/input_buffer.hpp"
#include "common/config/probe_model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {

/// AUTH, if there is a password, then PING or ROLE (RESP2, which all versions speak).
///   +PONG; a master where one is wanted; a replica whose link to its master stands    l7_ok
///   -NOAUTH, -WRONGPASS, -NOPERM                                                      l7_auth
///   another error (-LOADING, -MASTERDOWN ...), the other role, a broken link          l7_status
class RedisDialogue final : public Dialogue {
 public:
    /// `check` must outlive it.
    RedisDialogue(const config::RedisCheck& check, std::string password)
        : check_(check), password_(std::move(password)) {}

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }

 private:
    Turn on_line(std::string_view line);
    Turn on_role();

    const config::RedisCheck& check_;
    std::string password_;
    InputBuffer input_;
    bool authenticating_ = false;
    bool in_role_ = false;
    std::vector<std::string> role_;  ///< its first strings
    std::optional<std::size_t> string_bytes_;
};

}  // namespace muster::checker
