#include "orchestrator/api_body.hpp"

#include "common/znodes/names.hpp"
#include "orchestrator/api_routes.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t max_small_body = 64UZ << 10U;
constexpr std::size_t max_author = 64;

tl::unexpected<Error> malformed(std::string what) {
    return fail(std::make_error_code(std::errc::invalid_argument), std::move(what));
}

bool is_printable(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::optional<std::int64_t> generation_from(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

Result<bool> flag_of(const http::Request& request, const std::string& name) {
    const auto value = request.query_value(name).value_or("0");
    if (value == "0" || value == "false") return false;
    if (value == "1" || value == "true" || value.empty()) return true;
    return malformed("query parameter '" + name + "' must be 1 or 0");
}

}  // namespace

BodyReader::BodyReader(std::string_view body) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    if (body.size() > max_small_body) {
        reject("", fmt::format("is {} bytes; at most {} are read", body.size(), max_small_body));
        return;
    }
    boost::system::error_code error;
    json::value value = json::parse(body, error);
    if (error) {
        reject("", fmt::format("is not JSON: {}", error.message()));
    } else if (!value.is_object()) {
        reject("", "must be a JSON object");
    } else {
        object_ = std::move(value.get_object());
    }
}

const json::value* BodyReader::find(std::string_view name) {
    asked_.push_back(name);
    return object_.if_contains(name);
}

std::optional<bool> BodyReader::boolean(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (const bool* flag = value->if_bool()) return *flag;
    reject(name, "must be true or false");
    return std::nullopt;
}

std::optional<int> BodyReader::whole(std::string_view name, int lowest, int highest) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    const std::int64_t* number = value->if_int64();
    if (number != nullptr && *number >= lowest && *number <= highest) {
        return static_cast<int>(*number);
    }
    reject(name, fmt::format("must be a whole number from {} to {}", lowest, highest));
    return std::nullopt;
}

std::optional<std::string> BodyReader::text(std::string_view name, std::size_t limit) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    const json::string* string = value->if_string();
    if (string != nullptr && string->size() <= limit && is_printable(*string)) {
        return std::string(*string);
    }
    reject(name, fmt::format("must be a text of at most {} printable bytes", limit));
    return std::nullopt;
}

std::optional<std::map<std::string, int>> BodyReader::percents(std::string_view name,
                                                               std::size_t most) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    const json::object* const object = value->if_object();
    if (object == nullptr || object->empty() || object->size() > most) {
        reject(name,
               fmt::format("must be an object of 1 to {} names, each with its percent", most));
        return std::nullopt;
    }
    std::map<std::string, int> all;
    std::int64_t sum = 0;
    const std::size_t before = problems_.size();
    for (const auto& member : *object) {
        const std::string_view key = member.key();
        const std::int64_t* const number = member.value().if_int64();
        if (!znodes::is_path_name(key)) {
            reject(name, "has a name that no fleet and no zone can have");
        } else if (number == nullptr || *number < 0 || *number > 100) {
            reject(fmt::format("{}.{}", name, key), "must be a whole number from 0 to 100");
        } else {
            sum += *number;
            if (*number > 0) all.emplace(key, static_cast<int>(*number));
        }
    }
    if (problems_.size() > before) return std::nullopt;
    if (sum != 100) {
        reject(name, fmt::format("makes {} in all, and must make 100", sum));
        return std::nullopt;
    }
    return all;
}

void BodyReader::reject(std::string_view path, std::string what) {
    problems_.push_back({.path = std::string(path), .what = std::move(what)});
}

std::vector<config::Problem> BodyReader::problems() {
    for (const auto& member : object_) {
        const std::string_view key = member.key();
        if (std::ranges::find(asked_, key) != asked_.end()) continue;
        reject(key,
               fmt::format("is unknown; the nearest known field is '{}'", nearest(key, asked_)));
    }
    return std::move(problems_);
}

bool has_known_type(const http::Request& request) {
    constexpr std::array<std::string_view, 5> known = {
        "application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/plain"};
    const auto field = request.field("Content-Type");
    if (!field) return true;
    std::string type(field->substr(0, field->find(';')));
    while (type.ends_with(' ')) type.pop_back();
    std::ranges::transform(
        type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::ranges::find(known, type) != known.end();
}

Result<Expectation> expectation_of(const http::Request& request) {
    const auto match = request.field("If-Match");
    const auto none_match = request.field("If-None-Match");
    if (match && none_match) return malformed("If-Match and If-None-Match exclude each other");
    if (none_match) {
        if (*none_match != "*") return malformed("If-None-Match of a write must be *");
        return Expectation{.kind = Expectation::Kind::generation, .generation = 0};
    }
    if (!match) return Expectation{};
    if (*match == "*") return Expectation{.kind = Expectation::Kind::exists};
    if (match->size() > 2 && match->starts_with('"') && match->ends_with('"')) {
        if (const auto generation = generation_from(match->substr(1, match->size() - 2))) {
            return Expectation{.kind = Expectation::Kind::generation, .generation = *generation};
        }
    }
    return malformed("If-Match must be * or one generation in quotes, such as \"4\"");
}

Result<std::map<znodes::ConfigName, Expectation>> expectations_of(const http::Request& request) {
    std::map<znodes::ConfigName, Expectation> expectations;
    std::string_view rest = request.query_value("expect").value_or("");
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        const auto item = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto colon = item.rfind(':');
        std::optional<std::int64_t> generation;
        if (colon != std::string_view::npos && colon > 0) {
            generation = generation_from(item.substr(colon + 1));
        }
        if (!generation) {
            return malformed(
                "expect must be like web:4,fleet/edge:0 (group:generation, fleet/...)");
        }
        expectations.insert_or_assign(
            znodes::ConfigName::from_word(item.substr(0, colon)),
            Expectation{.kind = Expectation::Kind::generation, .generation = *generation});
    }
    return expectations;
}

Result<std::string> author_of(const http::Request& request, std::string_view actor) {
    const auto author = request.field("Muster-Author");
    if (!author) return std::string(actor);
    const bool ascii =
        std::ranges::all_of(*author, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
    if (author->empty() || author->size() > max_author || !ascii) {
        return malformed("Muster-Author must be 1 to 64 printable ASCII characters");
    }
    return std::string(*author);
}

Result<DryRun> dry_run_of(const http::Request& request) {
    const auto said = flag_of(request, "dry_run");
    if (!said) return tl::unexpected(said.error());
    return *said ? DryRun::yes : DryRun::no;
}

Result<Abandon> abandon_of(const http::Request& request) {
    const auto said = flag_of(request, "abandon");
    if (!said) return tl::unexpected(said.error());
    return *said ? Abandon::yes : Abandon::no;
}

}  // namespace muster::orchestrator
