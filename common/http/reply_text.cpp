#include "common/http/reply_text.hpp"

#include "common/http/text.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace muster::http {

namespace {

/// Only people read it; a status without one here gets none.
std::string_view reason(int status) {
    struct Known {
        int status;
        std::string_view text;
    };
    constexpr std::array<Known, 24> known = {{{200, "OK"},
                                              {201, "Created"},
                                              {202, "Accepted"},
                                              {204, "No Content"},
                                              {304, "Not Modified"},
                                              {400, "Bad Request"},
                                              {401, "Unauthorized"},
                                              {403, "Forbidden"},
                                              {404, "Not Found"},
                                              {405, "Method Not Allowed"},
                                              {408, "Request Timeout"},
                                              {409, "Conflict"},
                                              {412, "Precondition Failed"},
                                              {413, "Content Too Large"},
                                              {414, "URI Too Long"},
                                              {415, "Unsupported Media Type"},
                                              {417, "Expectation Failed"},
                                              {422, "Unprocessable Content"},
                                              {429, "Too Many Requests"},
                                              {431, "Request Header Fields Too Large"},
                                              {500, "Internal Server Error"},
                                              {501, "Not Implemented"},
                                              {503, "Service Unavailable"},
                                              {505, "HTTP Version Not Supported"}}};
    const auto found = std::ranges::find(known, status, &Known::status);
    return found == known.end() ? std::string_view{} : found->text;
}

void append_start(std::string& out, int status, WallTime now) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    fmt::format_to(std::back_inserter(out),
                   "HTTP/1.1 {} {}\r\ndate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                   status,
                   reason(status),
                   fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

bool may_pass(const Field& field) {
    constexpr std::array<std::string_view, 4> ours = {
        "connection", "content-length", "date", "transfer-encoding"};
    const bool is_ours = std::ranges::any_of(
        ours, [&](std::string_view name) { return equal_ignoring_case(field.name, name); });
    return !is_ours && is_token(field.name) && std::ranges::all_of(field.value, is_value_char);
}

}  // namespace

std::string reply_head(const Response& response, WallTime now, After after) {
    std::string out;
    append_start(out, response.status, now);
    for (const Field& field : response.fields) {
        if (may_pass(field)) {
            fmt::format_to(std::back_inserter(out), "{}: {}\r\n", field.name, field.value);
        }
    }
    const bool no_body = response.status == 204 || response.status == 304;
    if (!no_body) {
        fmt::format_to(std::back_inserter(out), "content-length: {}\r\n", response.body.size());
    }
    if (after == After::close) out += "connection: close\r\n";
    out += "\r\n";
    return out;
}

std::string stream_head(WallTime now) {
    std::string out;
    append_start(out, 200, now);
    out +=
        "content-type: text/event-stream\r\ncache-control: no-store\r\n"
        "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n";
    return out;
}

}  // namespace muster::http
