// What the master makes of a fleet, asked by another node for its readers.
#include "common/http/url.hpp"
#include "orchestrator/api_peer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 8;

bool is_text_or_null(const json::value& value) {
    return value.is_string() || value.is_null();
}

bool is_list(const json::value& value, std::size_t most, bool (*is_one)(const json::value&)) {
    return value.is_array() && value.get_array().size() <= most &&
           std::ranges::all_of(value.get_array(), is_one);
}

bool is_text(const json::value& value) {
    return value.is_string();
}

bool has(const json::object& object, std::string_view name, bool (*is_right)(const json::value&)) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && is_right(*value);
}

bool is_size(const json::value& value) {
    constexpr std::int64_t largest = 1'000'000;
    return value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= largest;
}

bool is_tick(const json::value& value) {
    if (!value.is_object()) return false;
    const json::object& tick = value.get_object();
    return has(tick, "at", is_text) && has(tick, "was", is_size) && has(tick, "wanted", is_size) &&
           has(tick, "size", is_size);
}

bool is_explanation(const json::value& value) {
    if (value.is_null()) return true;
    if (!value.is_object()) return false;
    const json::object& all = value.get_object();
    const auto is_list_of_objects = [](const json::value& list) {
        return is_list(
            list, max_peer_lines, [](const json::value& one) { return one.is_object(); });
    };
    const auto is_list_of_texts = [](const json::value& list) {
        return is_list(list, max_peer_lines, is_text);
    };
    return std::ranges::all_of(
               std::initializer_list<std::string_view>{"was", "wanted", "size", "serving"},
               [&](std::string_view name) { return has(all, name, is_size); }) &&
           std::ranges::all_of(
               std::initializer_list<std::string_view>{
                   "metrics", "clamps", "vetoes", "brakes", "flips"},
               [&](std::string_view name) { return has(all, name, is_list_of_objects); }) &&
           has(all, "line", is_text) && has(all, "at", is_text) &&
           has(all, "text", is_list_of_texts);
}

bool are_lines(const json::value& value) {
    return is_list(value, max_peer_lines, is_text);
}

bool are_ticks(const json::value& value) {
    return is_list(value, max_scaling_ticks, is_tick);
}

}  // namespace

Result<json::object> decode_scaling_notes(std::string_view body, const NodeId& master) {
    const auto garbled = [&master] {
        return fail(make_error_code(CommandErrc::unreachable),
                    fmt::format("the answer of {} is not what its API answers", master.str()));
    };
    if (body.size() > max_peer_notes_bytes) return garbled();
    boost::system::error_code error;
    json::value parsed = json::parse(body, error, {}, json::parse_options{.max_depth = max_depth});
    if (error || !parsed.is_object()) return garbled();
    json::object& answer = parsed.get_object();
    // An address that leads elsewhere, or a node that isn't master any more.
    const json::value* const from = answer.if_contains("told_by");
    if (from == nullptr || !from->is_string() ||
        std::string_view(from->get_string()) != master.str())
        return fail(
            make_error_code(CommandErrc::unreachable),
            fmt::format("at the address of {}, which is master, nobody knows of it", master.str()));
    struct Member {
        std::string_view name;
        bool (*is_right)(const json::value&);
    };
    json::object notes{{"told_by", master.str()}};
    for (const Member& member : {Member{.name = "says", .is_right = are_lines},
                                 Member{.name = "refused", .is_right = is_text_or_null},
                                 Member{.name = "explanation", .is_right = is_explanation},
                                 Member{.name = "ticks", .is_right = are_ticks},
                                 Member{.name = "why", .is_right = is_text_or_null}}) {
        if (!has(answer, member.name, member.is_right)) return garbled();
        notes[member.name] = std::move(answer.at(member.name));
    }
    return notes;
}

asio::awaitable<Result<json::object>> ask_master(Clock& clock,
                                                 NodeRow master,
                                                 FleetName fleet,
                                                 PeerSettings settings) {
    const NodeId id = master.id;
    std::string path = fmt::format("/api/v1/fleets/{}/scaling", http::percent_encode(fleet.str()));
    const Result<std::string> body = co_await ask_peer(clock,
                                                       std::move(master),
                                                       std::move(path),
                                                       "is master",
                                                       max_peer_notes_bytes,
                                                       std::move(settings));
    if (!body) co_return tl::unexpected(body.error());
    co_return decode_scaling_notes(*body, id);
}

}  // namespace muster::orchestrator
