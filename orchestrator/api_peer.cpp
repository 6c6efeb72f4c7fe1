#include "orchestrator/api_peer.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/text_rules.hpp"
#include "common/http/client.hpp"
#include "common/http/url.hpp"
#include "common/znodes/names.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 8;
constexpr std::size_t max_quoted = 200;
constexpr std::size_t max_quoted_name = 300;
constexpr double longest_probe_seconds = 24 * 3600;

tl::unexpected<Error> unreachable(std::string what) {
    return fail(make_error_code(CommandErrc::unreachable), std::move(what));
}

/// Digits alone, at this place of a text of known length.
std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) {
    int value = 0;
    const char* const begin = text.data() + from;
    const auto [end, error] = std::from_chars(begin, begin + count, value);
    if (error != std::errc{} || end != begin + count || value < 0) return std::nullopt;
    return value;
}

/// As json_of(WallTime) writes it: "2026-03-01T12:00:00.250Z".
std::optional<WallTime> time_of(std::string_view text) {
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return std::nullopt;
    }
    const std::chrono::year_month_day date(
        std::chrono::year(*digits(text, 0, 4)),
        std::chrono::month(static_cast<unsigned>(*digits(text, 5, 2))),
        std::chrono::day(static_cast<unsigned>(*digits(text, 8, 2))));
    if (!date.ok()) return std::nullopt;
    return WallTime(std::chrono::sys_days(date).time_since_epoch()) +
           std::chrono::hours(*digits(text, 11, 2)) + std::chrono::minutes(*digits(text, 14, 2)) +
           std::chrono::seconds(*digits(text, 17, 2)) +
           std::chrono::milliseconds(*digits(text, 20, 3));
}

std::optional<std::string_view> text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

std::optional<std::int64_t> whole_of(const json::object& object,
                                     std::string_view key,
                                     std::int64_t most) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    const std::int64_t number = value->get_int64();
    if (number < 0 || number > most) return std::nullopt;
    return number;
}

std::optional<std::chrono::microseconds> seconds_of(const json::object& object,
                                                    std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const auto number = value->to_number<double>();
    if (!std::isfinite(number) || number < 0 || number > longest_probe_seconds) return std::nullopt;
    return std::chrono::microseconds(std::llround(number * 1e6));
}

std::optional<checker::Result> result_of(std::string_view text) {
    using checker::Result;
    for (const Result result :
         {Result::success, Result::degraded, Result::failure, Result::inconclusive}) {
        if (checker::to_string(result) == text) return result;
    }
    return std::nullopt;
}

checker::Verdict verdict_of(std::string_view text) {
    using checker::Verdict;
    for (const Verdict verdict : {Verdict::up, Verdict::degraded, Verdict::down}) {
        if (checker::to_string(verdict) == text) return verdict;
    }
    return Verdict::unknown;
}

std::optional<checker::PastResult> past_of(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();
    const auto time = time_of(text_of(object, "time").value_or(""));
    const auto result = result_of(text_of(object, "result").value_or(""));
    const auto reason = text_of(object, "reason");
    const auto code = whole_of(object, "code", 65'535);
    const auto resolve = seconds_of(object, "resolve_seconds");
    const auto connect = seconds_of(object, "connect_seconds");
    const auto tls = seconds_of(object, "tls_seconds");
    const auto sent = seconds_of(object, "sent_seconds");
    const auto first_byte = seconds_of(object, "first_byte_seconds");
    const auto total = seconds_of(object, "total_seconds");
    if (!time || !result || !reason || !code || !connect || !total) return std::nullopt;
    checker::Verdict verdict = checker::Verdict::unknown;
    int pending = 0;
    if (const json::value* after = object.if_contains("after");
        after != nullptr && after->is_object()) {
        verdict = verdict_of(text_of(after->get_object(), "verdict").value_or(""));
        pending = static_cast<int>(whole_of(after->get_object(), "pending", 15).value_or(0));
    }
    // A newer build may have reasons that this one does not know.
    return checker::PastResult{
        .time = *time,
        .outcome = {.result = *result,
                    .reason = checker::reason_from(*reason).value_or(checker::Reason::unknown),
                    .code = static_cast<std::uint16_t>(*code),
                    .resolve = resolve.value_or(std::chrono::microseconds(0)),
                    .connect = *connect,
                    .tls = tls.value_or(std::chrono::microseconds(0)),
                    .sent = sent.value_or(std::chrono::microseconds(0)),
                    .first_byte = first_byte.value_or(std::chrono::microseconds(0)),
                    .total = *total},
        .verdict = verdict,
        .pending = pending};
}

/// Nothing when it is not one.
std::optional<LbHop> hop_of(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();
    const auto name = text_of(object, "name");
    const auto listener = text_of(object, "listener");
    const auto group = text_of(object, "group");
    const auto result = result_of(text_of(object, "result").value_or(""));
    const auto reason = text_of(object, "reason");
    const auto code = whole_of(object, "code", 65'535);
    const auto connect = seconds_of(object, "connect_seconds");
    const auto tls = seconds_of(object, "tls_seconds");
    const auto response = seconds_of(object, "response_seconds");
    if (!name || !listener || !group || !result || !reason || !code || !connect || !tls ||
        !response)
        return std::nullopt;
    for (const std::string_view text : {*name, *listener, *group}) {
        if (!znodes::is_plain_text(text, max_quoted_name)) return std::nullopt;
    }
    return LbHop{.name = std::string(*name),
                 .listener = std::string(*listener),
                 .group = std::string(*group),
                 .result = *result,
                 .reason = checker::reason_from(*reason).value_or(checker::Reason::unknown),
                 .code = static_cast<std::uint16_t>(*code),
                 .connect = *connect,
                 .tls = *tls,
                 .response = *response};
}

/// Nothing when they are none.
std::optional<std::vector<LbHop>> hops_of(const json::value& value) {
    if (!value.is_array() || value.get_array().size() > max_peer_results) return std::nullopt;
    std::vector<LbHop> hops;
    for (const json::value& one : value.get_array()) {
        auto hop = hop_of(one);
        if (!hop) return std::nullopt;
        hops.push_back(std::move(*hop));
    }
    return hops;
}

/// Nothing when it is not one.
std::optional<Confirmation> confirmation_of(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();
    const auto time = time_of(text_of(object, "time").value_or(""));
    const json::value* const down = object.if_contains("down");
    const json::value* const votes = object.if_contains("votes");
    if (!time || down == nullptr || !down->is_bool() || votes == nullptr || !votes->is_array() ||
        votes->get_array().size() > max_peer_votes)
        return std::nullopt;
    Confirmation confirmation{.time = *time, .down = down->get_bool()};
    for (const json::value& one : votes->get_array()) {
        if (!one.is_object()) return std::nullopt;
        const auto node = text_of(one.get_object(), "node");
        const auto vote = vote_from(text_of(one.get_object(), "vote").value_or(""));
        if (!node || !config::rules::name(*node).empty() || !vote) return std::nullopt;
        confirmation.votes.push_back({.node = NodeId(*node), .vote = *vote});
    }
    return confirmation;
}

}  // namespace

Result<Evidence> decode_evidence(std::string_view body, const NodeId& owner) {
    const auto garbled = [&owner] {
        return unreachable(
            fmt::format("the answer of {} is not what its API answers", owner.str()));
    };
    if (body.size() > max_peer_answer_bytes) return garbled();
    boost::system::error_code error;
    const json::value parsed =
        json::parse(body, error, {}, json::parse_options{.max_depth = max_depth});
    if (error || !parsed.is_object()) return garbled();
    const json::object& answer = parsed.get_object();
    if (const auto why_not = text_of(answer, "recent_problem")) {
        return unreachable(
            fmt::format("{} has none: {}", owner.str(), why_not->substr(0, max_quoted)));
    }
    const json::value* recent = answer.if_contains("recent");
    if (recent == nullptr || !recent->is_object()) return garbled();
    const json::object& given = recent->get_object();
    const auto from = text_of(given, "from");
    constexpr std::int64_t most_results = std::int64_t{1} << 53U;
    const auto results = whole_of(given, "results", most_results);
    const json::value* list = given.if_contains("list");
    if (!from || !results || list == nullptr || !list->is_array()) return garbled();
    // An address that leads elsewhere (loopback of another host, an address that was given anew).
    if (*from != owner.str()) {
        return unreachable(fmt::format("at the address of {} another node answers", owner.str()));
    }
    if (list->get_array().size() > max_peer_results) return garbled();
    Evidence evidence{.from = owner, .results = static_cast<std::uint64_t>(*results)};
    for (const json::value& one : list->get_array()) {
        const auto past = past_of(one);
        if (!past) return garbled();
        evidence.recent.push_back(*past);
    }
    if (const json::value* const told = given.if_contains("confirmation")) {
        evidence.confirmation = confirmation_of(*told);
        if (!evidence.confirmation) return garbled();
    }
    if (const json::value* const told = given.if_contains("hops")) {
        auto hops = hops_of(*told);
        if (!hops) return garbled();
        evidence.hops = std::move(*hops);
    }
    return evidence;
}

std::optional<http::ClientRequest> peer_request(const NodeRow& node,
                                                std::string_view path,
                                                std::size_t max_bytes,
                                                const PeerSettings& settings) {
    const auto endpoint = config::parse_endpoint(node.api_address);
    if (!endpoint || !config::is_destination(endpoint->host)) return std::nullopt;
    http::ClientRequest request{
        .url = fmt::format("http://{}{}", config::to_string(*endpoint), path),
        .fields = {{.name = std::string(relayed_field), .value = "1"}},
        .timeout = settings.limit,
        .max_body_bytes = max_bytes};
    // On loopback reads need no token, and whoever listens there now need not be a node.
    if (!settings.token.empty() && !config::is_loopback(endpoint->host))
        request.fields.push_back({.name = "Authorization", .value = "Bearer " + settings.token});
    return request;
}

asio::awaitable<Result<std::string>> ask_peer(Clock& clock,
                                              NodeRow node,
                                              std::string path,
                                              std::string role,
                                              std::size_t max_bytes,
                                              PeerSettings settings) {
    const std::string& name = node.id.str();
    auto request = peer_request(node, path, max_bytes, settings);
    if (!request) {
        co_return unreachable(
            fmt::format("{} {}, and has told no address at which it can be asked", name, role));
    }
    Result<http::Response> response = co_await http::fetch(clock, *std::move(request));
    if (!response && response.error().code == http::Errc::timed_out)
        co_return unreachable(fmt::format("{}, which {}, did not answer in time", name, role));
    if (!response) {
        co_return unreachable(fmt::format(
            "{}, which {}, can't be asked: {}", name, role, response.error().code.message()));
    }
    if (response->status == 401 || response->status == 421) {
        co_return unreachable(
            fmt::format("{}, which {}, wants another token than this node has", name, role));
    }
    if (response->status != 200) {
        co_return unreachable(
            fmt::format("{}, which {}, answered with status {}", name, role, response->status));
    }
    co_return std::move(response->body);
}

asio::awaitable<Result<Evidence>> ask_owner(
    Clock& clock, NodeRow owner, GroupName group, BackendId backend, PeerSettings settings) {
    const NodeId id = owner.id;
    std::string path = fmt::format("/api/v1/backends/{}/{}",
                                   http::percent_encode(group.str()),
                                   http::percent_encode(backend.str()));
    const Result<std::string> body = co_await ask_peer(clock,
                                                       std::move(owner),
                                                       std::move(path),
                                                       "probes it",
                                                       max_peer_answer_bytes,
                                                       std::move(settings));
    if (!body) co_return tl::unexpected(body.error());
    co_return decode_evidence(*body, id);
}

}  // namespace muster::orchestrator
