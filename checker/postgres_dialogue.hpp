#pragma once

#include "checker/dialogue.hpp"
#include "checker/input_buffer.hpp"
#include "common/config/probe_model.hpp"

#include <string>
#include <string_view>

namespace muster::checker {

/// Perhaps the request for TLS (PostgreSQL documentation, 55.2.10), then the start-up message of
/// protocol 3.0 (55.2.1), and the first answer:
/// pg_isready's question. A server that asks for a password, or does not know the user, takes
/// connections.
///   an authentication request, or refused as that user (class 28)                      l7_ok
///   starting up, shutting down, in recovery (57P0x); too many connections (53300);
///   no such database, where the check names one (3D000); another error                 l7_status
///   TLS wanted, and the server has none l6_handshake
class PostgresDialogue final : public Dialogue {
 public:
    /// `check` must outlive it.
    PostgresDialogue(const config::PostgresCheck& check, bool tls) : check_(check), tls_(tls) {}

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Turn secured(std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }
    [[nodiscard]] bool leaves_in_order() const override { return true; }

 private:
    [[nodiscard]] Turn on_error(std::string_view fields) const;

    void start_up(std::string& out) const;

    const config::PostgresCheck& check_;
    bool tls_;  ///< still to be asked for
    InputBuffer input_;
    bool let_in_ = false;
};

}  // namespace muster::checker
