#include "checker/grpc_dialogue.hpp"

#include "checker/big_endian.hpp"
#include "checker/http_request.hpp"

#include <charconv>
#include <optional>

namespace muster::checker {

namespace {

constexpr std::size_t prefix_bytes = 5;       // a flag for compression, and the length
constexpr std::size_t longest_message = 256;  // a health answer has two bytes, today
constexpr std::uint16_t serving = 1;
constexpr std::uint16_t permission_denied = 7;
constexpr std::uint16_t unauthenticated = 16;

/// HealthCheckRequest{service = 1: string}, behind its prefix.
std::string question(const std::string& service) {
    std::string message;
    if (!service.empty()) {
        message += '\x0a';
        // The configuration allows no name of more than 127 bytes: one of length.
        message += static_cast<char>(service.size());
        message += service;
    }
    std::string text(1, '\0');
    add_big_endian(text, static_cast<std::uint32_t>(message.size()), 4);
    return text + message;
}

std::optional<std::uint64_t> take_varint(std::string_view& text) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !text.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(text.front());
        text.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

/// HealthCheckResponse{status = 1: enum}; 0 (UNKNOWN) where the field is left out.
std::optional<std::uint16_t> answer_of(std::string_view message) {
    std::uint64_t status = 0;
    while (!message.empty()) {
        const auto tag = take_varint(message);
        if (!tag) return std::nullopt;
        const bool is_status = *tag >> 3U == 1;
        if ((*tag & 7U) == 0) {
            const auto value = take_varint(message);
            if (!value) return std::nullopt;
            if (is_status) status = *value;
        } else if ((*tag & 7U) == 2 && !is_status) {
            const auto size = take_varint(message);
            if (!size || *size > message.size()) return std::nullopt;
            message.remove_prefix(*size);
        } else {
            return std::nullopt;
        }
    }
    if (status > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(status);
}

std::optional<std::uint16_t> grpc_status(std::string_view trailers) {
    constexpr std::string_view name = "grpc-status: ";
    const std::size_t at = trailers.find(name);
    if (at == std::string_view::npos || (at > 0 && trailers[at - 1] != '\n')) return std::nullopt;
    trailers.remove_prefix(at + name.size());
    std::uint16_t status = 0;
    const auto [end, error] =
        std::from_chars(trailers.data(), trailers.data() + trailers.size(), status);
    if (error != std::errc{} || end == trailers.data() + trailers.size() || *end != '\r')
        return std::nullopt;
    return status;
}

H2Exchange::Fields fields_of(const ProbeRequest& request,
                             const config::GrpcCheck& check,
                             const std::string& user_agent) {
    return {{":method", "POST"},
            {":scheme", request.probe->tls ? "https" : "http"},
            {":authority", authority_of(request, check.authority)},
            {":path", "/grpc.health.v1.Health/Check"},
            {"te", "trailers"},
            {"content-type", "application/grpc"},
            {"user-agent", user_agent}};
}

}  // namespace

GrpcDialogue::GrpcDialogue(const ProbeRequest& request,
                           const config::GrpcCheck& check,
                           const DialogueSettings& settings)
    : exchange_(fields_of(request, check, settings.user_agent), question(check.service), *this) {}

Dialogue::Turn GrpcDialogue::begin(std::string& out) {
    exchange_.begin(out);
    return wait();
}

Dialogue::Turn GrpcDialogue::receive(std::string_view bytes, std::string& out) {
    const auto reason = exchange_.receive(bytes, out);
    if (!reason) return wait();
    return *reason == Reason::l7_ok ? succeed() : fail(*reason, code_);
}

std::optional<Reason> GrpcDialogue::on_header(std::uint16_t status, std::string_view /*fields*/) {
    if (status == 200) return std::nullopt;
    code_ = status;
    return Reason::l7_status;
}

std::optional<Reason> GrpcDialogue::on_body(std::string_view part) {
    if (part.size() > prefix_bytes + longest_message - message_.size()) return Reason::l7_too_large;
    message_ += part;
    return std::nullopt;
}

Reason GrpcDialogue::on_end(std::string_view trailers) {
    const auto status = grpc_status(trailers);
    if (!status) return Reason::l7_invalid;
    code_ = *status;
    if (*status == permission_denied || *status == unauthenticated) return Reason::l7_auth;
    if (*status != 0) return Reason::l7_status;
    const std::string_view message = message_;
    // Compressed, it would be of an encoding that we have not offered.
    if (message.size() < prefix_bytes || message[0] != '\0' ||
        read_big_endian(message.substr(1), 4) != message.size() - prefix_bytes) {
        return Reason::l7_invalid;
    }
    const auto answer = answer_of(message.substr(prefix_bytes));
    if (!answer) return Reason::l7_invalid;
    code_ = *answer;
    return *answer == serving ? Reason::l7_ok : Reason::l7_body;
}

}  // namespace muster::checker
