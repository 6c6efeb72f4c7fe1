#include "common/http/message.hpp"

#include "common/http/text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace muster::http {

namespace {

std::optional<std::string_view> find(const std::vector<Field>& fields, std::string_view name) {
    const auto found = std::ranges::find_if(
        fields, [&](const Field& field) { return equal_ignoring_case(field.name, name); });
    if (found == fields.end()) return std::nullopt;
    return found->value;
}

Response with_body(int status, std::string_view type, std::string body) {
    Response response{.status = status, .fields = {}, .body = std::move(body)};
    response.fields.push_back({.name = "content-type", .value = std::string(type)});
    return response;
}

}  // namespace

std::optional<std::string_view> Request::field(std::string_view name) const {
    return find(fields, name);
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    const auto found =
        std::ranges::find_if(query, [&](const auto& entry) { return entry.first == name; });
    if (found == query.end()) return std::nullopt;
    return found->second;
}

std::optional<std::string_view> Response::field(std::string_view name) const {
    return find(fields, name);
}

Response Response::text(int status, std::string body) {
    return with_body(status, "text/plain; charset=utf-8", std::move(body));
}

Response Response::json(int status, std::string body) {
    return with_body(status, "application/json", std::move(body));
}

Response Response::problem(int status, std::string_view title, std::string_view detail) {
    boost::json::object document;
    document["title"] = title;
    document["status"] = status;
    document["detail"] = detail;
    return with_body(status, "application/problem+json", boost::json::serialize(document));
}

}  // namespace muster::http
