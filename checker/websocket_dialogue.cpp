#include "checker/websocket_dialogue.hpp"

#include "checker/http_request.hpp"
#include "common/base/base64.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

namespace muster::checker {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// A masked close frame without a reason; a mask of zeros is one, too.
constexpr std::string_view close_frame = "\x88\x80\0\0\0\0"sv;

std::string new_key() {
    std::array<unsigned char, 16> bytes{};
    RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
    return to_base64(std::string(bytes.begin(), bytes.end()));
}

std::string accept_of(const std::string& key) {
    const std::string text = key + std::string(accept_suffix);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    return to_base64(std::string(digest.begin(), digest.begin() + size));
}

config::HttpCheck to_http(const config::WebSocketCheck& check) {
    config::HttpCheck http{.path = check.path,
                           .host = check.host,
                           .headers = check.headers,
                           .expect_status = {{.first = 101, .last = 101}}};
    const std::string key = new_key();
    http.headers.push_back({.name = "Upgrade", .value = "websocket"});
    http.headers.push_back({.name = "Connection", .value = "Upgrade"});
    http.headers.push_back({.name = "Sec-WebSocket-Version", .value = "13"});
    http.headers.push_back({.name = "Sec-WebSocket-Key", .value = key});
    const auto expect = [&http](std::string name, std::string pattern, bool regex) {
        http.expect_headers.push_back(
            {.name = std::move(name),
             .value = config::TextMatch{.text = std::move(pattern), .regex = regex}});
    };
    expect("Upgrade", "(?i)^websocket$", true);
    expect("Connection", "(?i)(^|[, \t])upgrade($|[, \t])", true);
    expect("Sec-WebSocket-Accept", accept_of(key), false);
    if (!check.subprotocol.empty()) {
        http.headers.push_back({.name = "Sec-WebSocket-Protocol", .value = check.subprotocol});
        expect("Sec-WebSocket-Protocol", check.subprotocol, false);
    }
    return http;
}

}  // namespace

WebSocketDialogue::WebSocketDialogue(const ProbeRequest& request,
                                     const config::WebSocketCheck& check,
                                     const DialogueSettings& settings)
    : request_(request),
      settings_(settings),
      http_(to_http(check)),
      reply_(http_, *settings.patterns) {}

Dialogue::Turn WebSocketDialogue::begin(std::string& out) {
    write_http_request(request_, http_, settings_.user_agent, out);
    return wait();
}

Dialogue::Turn WebSocketDialogue::receive(std::string_view bytes, std::string& out) {
    const auto reason = reply_.add(bytes);
    if (!reason) return wait();
    if (*reason == Reason::l7_ok) out += close_frame;
    return {.finding = finding(*reason)};
}

Finding WebSocketDialogue::finding(Reason reason) const {
    return {.result = reason == Reason::l7_ok ? Result::success : Result::failure,
            .reason = reason,
            .code = reply_.status()};
}

}  // namespace muster::checker
