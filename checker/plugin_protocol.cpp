#include "checker/plugin_protocol.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace muster::checker {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_said = 512;
constexpr std::int64_t most_in_flight = 10'000;

using Line = std::variant<PluginHello, PluginAnswer>;
using Read = tl::expected<Line, std::string>;

std::string with_line_feed(const json::object& object) {
    return json::serialize(object) + "\n";
}

/// A whole number of the object from 0 to `most`; nothing when it is absent.
tl::expected<std::optional<std::int64_t>, std::string> read_number(const json::object& from,
                                                                   std::string_view name,
                                                                   std::int64_t most) {
    const json::value* const value = from.if_contains(name);
    if (value == nullptr) return std::optional<std::int64_t>{};
    if (value->is_int64() && value->get_int64() >= 0 && value->get_int64() <= most)
        return std::optional(value->get_int64());
    return tl::unexpected(fmt::format(
        "{} is {}; must be a whole number from 0 to {}", name, json::serialize(*value), most));
}

Read read_hello(const json::value& value) {
    const json::object* const hello = value.if_object();
    if (hello == nullptr) return tl::unexpected<std::string>("hello is not an object");
    const auto protocol = read_number(*hello, "protocol", 1'000'000);
    if (!protocol) return tl::unexpected(protocol.error());
    if (*protocol != plugin_protocol)
        return tl::unexpected(fmt::format(
            "speaks protocol {}; this muster speaks {}", protocol->value_or(0), plugin_protocol));
    const auto in_flight = read_number(*hello, "max_in_flight", most_in_flight);
    if (!in_flight) return tl::unexpected(in_flight.error());
    if (in_flight->value_or(1) < 1)
        return tl::unexpected<std::string>("max_in_flight is 0; must be at least 1");
    return Line(PluginHello{.protocol = plugin_protocol,
                            .max_in_flight = static_cast<int>(in_flight->value_or(1))});
}

std::optional<Result> result_from(std::string_view word) {
    for (const Result result :
         {Result::success, Result::degraded, Result::failure, Result::inconclusive}) {
        if (to_string(result) == word) return result;
    }
    return std::nullopt;
}

Read read_answer(const json::object& object) {
    PluginAnswer answer;
    const auto id = read_number(object, "id", std::numeric_limits<std::int64_t>::max());
    if (!id) return tl::unexpected(id.error());
    if (!*id) return tl::unexpected<std::string>("has neither hello nor id");
    answer.id = static_cast<std::uint64_t>(**id);

    const json::value* const word = object.if_contains("result");
    const auto result = word != nullptr && word->is_string()
                            ? result_from(std::string_view(word->get_string()))
                            : std::nullopt;
    if (!result)
        return tl::unexpected<std::string>(
            "result is missing or unknown; must be success, degraded, failure or inconclusive");
    ProbeOutcome& outcome = answer.outcome;
    outcome.result = *result;
    outcome.reason = *result == Result::success        ? Reason::l7_ok
                     : *result == Result::inconclusive ? Reason::prober_custom
                                                       : Reason::l7_status;
    const auto code = read_number(object, "code", 65'535);
    if (!code) return tl::unexpected(code.error());
    outcome.code = static_cast<std::uint16_t>(code->value_or(0));
    for (const auto& [name, into] : {std::pair{"connect_us", &outcome.connect},
                                     {"tls_us", &outcome.tls},
                                     {"sent_us", &outcome.sent},
                                     {"first_byte_us", &outcome.first_byte}}) {
        const auto phase = read_number(object, name, std::int64_t{3'600'000'000});
        if (!phase) return tl::unexpected(phase.error());
        *into = std::chrono::microseconds(phase->value_or(0));
    }
    if (const json::value* const said = object.if_contains("message")) {
        if (!said->is_string()) return tl::unexpected<std::string>("message is not a string");
        const std::string_view text(said->get_string());
        if (!text.empty()) outcome.said = std::string(text.substr(0, longest_said));
    }
    return Line(std::move(answer));
}

}  // namespace

std::string write_hello() {
    return with_line_feed({{"hello", {{"protocol", plugin_protocol}}}});
}

std::string write_probe(std::uint64_t id,
                        const ProbeRequest& request,
                        const config::PluginCheck& check) {
    json::object line{
        {"id", id},
        {"host", request.host},
        {"port", request.port},
        {"timeout_ms", std::chrono::floor<std::chrono::milliseconds>(request.timeout).count()},
    };
    line.emplace("settings", check.settings.empty() ? json::object{} : json::parse(check.settings));
    return with_line_feed(line);
}

std::string write_cancel(std::uint64_t id) {
    return with_line_feed({{"cancel", id}});
}

Read read_plugin_line(std::string_view line) {
    boost::system::error_code not_json;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), not_json);
    if (not_json) return tl::unexpected("is not JSON: " + not_json.message());
    const json::object* const object = value.if_object();
    if (object == nullptr) return tl::unexpected<std::string>("is not a JSON object");
    if (const json::value* const hello = object->if_contains("hello")) return read_hello(*hello);
    return read_answer(*object);
}

}  // namespace muster::checker
