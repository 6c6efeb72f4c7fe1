#include "orchestrator/api_problem.hpp"

#include "orchestrator/api_text.hpp"
#include "orchestrator/commands.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t max_told_problems = 200;

std::string_view title_of(int status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 412:
            return "Precondition Failed";
        case 415:
            return "Unsupported Media Type";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Internal Server Error";
    }
}

}  // namespace

http::Response json_response(int status, const json::value& body) {
    return {.status = status,
            .fields = {{.name = "Content-Type", .value = "application/json"}},
            .body = serialized(body)};
}

http::Response problem(int status, std::string_view detail, json::object more) {
    json::object body{{"type", "about:blank"},
                      {"title", title_of(status)},
                      {"status", status},
                      {"detail", detail}};
    for (auto& member : more) body[member.key()] = std::move(member.value());
    return {.status = status,
            .fields = {{.name = "Content-Type", .value = "application/problem+json"}},
            .body = serialized(body)};
}

http::Response problem(const std::vector<config::Problem>& problems) {
    json::array errors;
    for (const config::Problem& one : problems) {
        if (errors.size() == max_told_problems) break;
        errors.push_back(
            {{"path", one.path}, {"line", one.line}, {"column", one.column}, {"detail", one.what}});
    }
    const auto detail = fmt::format("{} {}; nothing was applied",
                                    problems.size(),
                                    problems.size() == 1 ? "problem" : "problems");
    return problem(422, detail, {{"errors", std::move(errors)}});
}

int status_of(const Error& error) {
    if (error.code.category() != command_category()) return 500;
    switch (static_cast<CommandErrc>(error.code.value())) {
        case CommandErrc::conflict:
            return 412;
        case CommandErrc::not_found:
            return 404;
        case CommandErrc::refused:
            return 409;
        case CommandErrc::unreachable:
            return 503;
        case CommandErrc::unknown_outcome:
            return 504;
    }
    return 500;
}

}  // namespace muster::orchestrator
