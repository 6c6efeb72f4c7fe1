#include "checker/http2_dialogue.hpp"

#include "checker/http_request.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

H2Exchange::Fields fields_of(const ProbeRequest& request,
                             const config::HttpCheck& check,
                             const std::string& user_agent) {
    H2Exchange::Fields fields{{":method", check.method},
                              {":scheme", request.probe->tls ? "https" : "http"},
                              {":authority", authority_of(request, check.host)},
                              {":path", check.path}};
    bool names_agent = false;
    for (const config::Header& header : check.headers) {
        // Field names are in lower case here (RFC 9113, 8.2).
        std::string name = header.name;
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        names_agent = names_agent || name == "user-agent";
        fields.emplace_back(std::move(name), header.value);
    }
    if (!names_agent) fields.emplace_back("user-agent", user_agent);
    if (!check.body.empty())
        fields.emplace_back("content-length", std::to_string(check.body.size()));
    return fields;
}

}  // namespace

Http2Dialogue::Http2Dialogue(const ProbeRequest& request,
                             const config::HttpCheck& check,
                             const DialogueSettings& settings)
    : expectation_(check, *settings.patterns, request.intent ? &*request.intent : nullptr),
      exchange_(fields_of(request, check, settings.user_agent), check.body, *this) {}

Dialogue::Turn Http2Dialogue::begin(std::string& out) {
    exchange_.begin(out);
    return wait();
}

Dialogue::Turn Http2Dialogue::receive(std::string_view bytes, std::string& out) {
    const auto reason = exchange_.receive(bytes, out);
    return reason ? Turn{.finding = finding(*reason)} : wait();
}

Finding Http2Dialogue::finding(Reason reason) const {
    return {.result = reason == Reason::l7_ok ? Result::success : Result::failure,
            .reason = reason,
            .code = exchange_.status()};
}

}  // namespace muster::checker
