#pragma once

#include "checker/h2_exchange.hpp"
#include "checker/make_dialogue.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// grpc.health.v1.Health/Check over HTTP/2 (gRPC's health checking protocol, and its mapping to
/// HTTP/2, PROTOCOL-HTTP2.md).
///   SERVING                                            l7_ok
///   UNKNOWN, NOT_SERVING, SERVICE_UNKNOWN              l7_body     (the code is the answer's)
///   grpc-status PERMISSION_DENIED, UNAUTHENTICATED     l7_auth     (the code is that status)
///   another grpc-status, such as UNIMPLEMENTED         l7_status   (likewise)
///   another HTTP status than 200                       l7_status   (the code is the HTTP status)
/// References must outlive it.
class GrpcDialogue final : public Dialogue, private H2Exchange::Listener {
 public:
    GrpcDialogue(const ProbeRequest& request,
                 const config::GrpcCheck& check,
                 const DialogueSettings& settings);

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }

 private:
    std::optional<Reason> on_header(std::uint16_t status, std::string_view fields) override;
    std::optional<Reason> on_body(std::string_view part) override;
    Reason on_end(std::string_view trailers) override;

    std::uint16_t code_ = 0;
    std::string message_;  ///< with its prefix
    H2Exchange exchange_;
};

}  // namespace muster::checker
