#include "checker/http_request.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has_field(const config::HttpCheck& check, std::string_view name) {
    return std::ranges::any_of(check.headers, [name](const config::Header& header) {
        return std::ranges::equal(header.name, name, {}, lower, lower);
    });
}

}  // namespace

std::string authority_of(const ProbeRequest& request, const std::string& wanted) {
    if (!wanted.empty()) return wanted;
    const bool is_v6 = request.host.contains(':');
    return (is_v6 ? "[" + request.host + "]" : request.host) + ":" + std::to_string(request.port);
}

void write_http_request(const ProbeRequest& request,
                        const config::HttpCheck& check,
                        std::string_view user_agent,
                        std::string& text) {
    text += check.method;
    text += ' ';
    text += check.path;
    text += " HTTP/1.1\r\n";
    if (!has_field(check, "host")) {
        text += "Host: ";
        text += authority_of(request, check.host);
        text += "\r\n";
    }
    if (!has_field(check, "user-agent")) {
        text += "User-Agent: ";
        text += user_agent;
        text += "\r\n";
    }
    for (const config::Header& header : check.headers) {
        text += header.name;
        text += ": ";
        text += header.value;
        text += "\r\n";
    }
    // Methods whose requests have a body are told when this one is empty.
    const bool expects_body =
        check.method == "POST" || check.method == "PUT" || check.method == "PATCH";
    if (expects_body || !check.body.empty()) {
        text += "Content-Length: ";
        text += std::to_string(check.body.size());
        text += "\r\n";
    }
    if (!request.probe->reuse && !has_field(check, "connection")) text += "Connection: close\r\n";
    text += "\r\n";
    text += check.body;
}

}  // namespace muster::checker
