#include "orchestrator/api_past.hpp"

#include "common/config/text_rules.hpp"
#include "common/http/client.hpp"
#include "common/http/url.hpp"
#include "orchestrator/api_problem.hpp"
#include "scaler/recording_text.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 12;
constexpr std::size_t max_problems = 4;
constexpr std::size_t max_problem_bytes = 300;
/// More than a cluster has nodes.
constexpr std::size_t max_asked = 64;

PastAnswer trouble(std::string what) {
    PastAnswer answer;
    answer.problems.push_back(std::move(what));
    return answer;
}

std::optional<std::string_view> text_in(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

std::optional<bool> truth_in(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

const json::object* object_in(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

std::optional<PastTick> tick_in(const json::object& body, const NodeId& node, WallTime at) {
    const json::object* const told = object_in(body, "tick");
    const json::object* const explanation = object_in(body, "explanation");
    if (told == nullptr || explanation == nullptr) return std::nullopt;
    const auto time = scaler::read_time(text_in(*told, "time").value_or(""));
    const json::value* const epoch = told->if_contains("epoch");
    const auto same = truth_in(*told, "same");
    const auto shadow = truth_in(body, "shadow");
    if (!time || *time > at || text_in(*told, "node") != node.str() || epoch == nullptr ||
        !epoch->is_int64() || epoch->get_int64() < 0 || !same || !shadow)
        return std::nullopt;
    return PastTick{.at = *time,
                    .node = node,
                    .epoch = epoch->get_int64(),
                    .shadow = *shadow,
                    .same = *same,
                    .explanation = *explanation};
}

/// Of the only node that such an answer is about.
std::vector<std::string> problems_in(const json::object& body) {
    std::vector<std::string> problems;
    const json::value* const nodes = body.if_contains("nodes");
    if (nodes == nullptr || !nodes->is_array() || nodes->get_array().size() != 1) return problems;
    const json::object* const node = nodes->get_array()[0].if_object();
    const json::value* const told = node == nullptr ? nullptr : node->if_contains("problems");
    if (told == nullptr || !told->is_array()) return problems;
    for (const json::value& one : told->get_array()) {
        if (!one.is_string() || problems.size() == max_problems) break;
        problems.emplace_back(std::string_view(one.get_string()).substr(0, max_problem_bytes));
    }
    return problems;
}

asio::awaitable<PastOf> ask_node(
    Clock& clock, NodeRow node, FleetName fleet, WallTime at, PeerSettings settings) {
    auto request = peer_request(node,
                                fmt::format("/api/v1/fleets/{}/scaling?at={}",
                                            http::percent_encode(fleet.str()),
                                            http::percent_encode(scaler::time_text(at))),
                                max_past_answer_bytes,
                                settings);
    if (!request)
        co_return PastOf{node.id, trouble("it has told no address at which it can be asked")};
    const Result<http::Response> response = co_await http::fetch(clock, *std::move(request));
    if (!response)
        co_return PastOf{node.id, trouble("it can't be asked: " + response.error().code.message())};
    if (response->status == 404) co_return PastOf{node.id, {}};
    if (response->status != 200)
        co_return PastOf{node.id,
                         trouble(fmt::format("it answered with status {}", response->status))};
    co_return PastOf{node.id, decode_past(response->body, node.id, at)};
}

asio::awaitable<PastOf> ask_self(ReadPast read, NodeId node, FleetName fleet, WallTime at) {
    if (!read) co_return PastOf{std::move(node), trouble("it records nothing")};
    PastOf own{.node = node, .answer = co_await read(std::move(fleet), at)};
    // A directory that came from another node.
    if (own.answer.tick && own.answer.tick->node != node) {
        own.answer.problems.push_back("its recording is another node's");
        own.answer.tick.reset();
    }
    co_return own;
}

json::value node_json(const PastOf& one) {
    return {{"node", one.node.str()},
            {"tick",
             one.answer.tick ? json::value(scaler::time_text(one.answer.tick->at))
                             : json::value(nullptr)},
            {"problems", json::array(one.answer.problems.begin(), one.answer.problems.end())}};
}

}  // namespace

PastAnswer decode_past(std::string_view body, const NodeId& node, WallTime at) {
    constexpr const char* garbled = "its answer is not what a node answers";
    if (body.size() > max_past_answer_bytes) return trouble(garbled);
    boost::system::error_code error;
    const json::value parsed = json::parse(body, error, {}, {.max_depth = max_depth});
    const json::object* const answer = error ? nullptr : parsed.if_object();
    const json::value* const told = answer == nullptr ? nullptr : answer->if_contains("tick");
    if (told == nullptr) return trouble(garbled);
    PastAnswer past{.tick = {}, .problems = problems_in(*answer)};
    if (told->is_null()) return past;
    past.tick = tick_in(*answer, node, at);
    return past.tick ? past : trouble(garbled);
}

http::Response answer_past(const ReadCall& call,
                           const FleetName& fleet,
                           WallTime at,
                           std::vector<PastOf> answers) {
    const PastTick* best = nullptr;
    bool troubled = false;
    for (const PastOf& one : answers) {
        troubled = troubled || !one.answer.problems.empty();
        if (one.answer.tick && (best == nullptr || holds_over(*one.answer.tick, *best)))
            best = &*one.answer.tick;
    }
    if (best == nullptr && !troubled && call.view.snapshot.fleet(fleet) == nullptr)
        return problem(404, fmt::format("there is no fleet '{}'", fleet.str()));
    json::object body = opening(call.view);
    body["fleet"] = fleet.str();
    body["at"] = scaler::time_text(at);
    body["shadow"] = best != nullptr && best->shadow;
    body["tick"] = nullptr;
    body["explanation"] = nullptr;
    body["why"] = nullptr;
    if (best != nullptr) {
        body["tick"] = {{"time", scaler::time_text(best->at)},
                        {"node", best->node.str()},
                        {"epoch", best->epoch},
                        {"same", best->same}};
        body["explanation"] = best->explanation;
    } else {
        body["why"] = fmt::format("no node that was asked has recorded a decision at or before {}",
                                  scaler::time_text(at));
    }
    json::array nodes;
    for (const PastOf& one : answers) nodes.push_back(node_json(one));
    body["nodes"] = std::move(nodes);
    return json_response(200, body);
}

asio::awaitable<http::Response> show_past(ReadCall call,
                                          Clock& clock,
                                          ReadPast read,
                                          PeerSettings peers) {
    const auto at = scaler::read_time(call.request.query_value("at").value_or(""));
    if (!at) co_return problem(400, "`at` must be a time like 2026-03-01T12:00:00Z");
    const std::string& name = call.parameters[0];
    if (const auto wrong = config::rules::name(name); !wrong.empty())
        co_return problem(404, "there is no such fleet: its name " + std::string(wrong));
    const FleetName fleet(name);
    const NodeId& self = call.view.snapshot.self.node;
    const auto executor = co_await asio::this_coro::executor;
    using Op = decltype(asio::co_spawn(executor, ask_self(read, self, fleet, *at), asio::deferred));
    std::vector<Op> ops;
    std::vector<NodeId> asked{self};
    ops.push_back(asio::co_spawn(executor, ask_self(read, self, fleet, *at), asio::deferred));
    const bool relayed = call.request.field(relayed_field).has_value();
    for (const NodeRow& node : call.view.snapshot.nodes) {
        if (relayed || node.id == self || ops.size() == max_asked) continue;
        asked.push_back(node.id);
        ops.push_back(
            asio::co_spawn(executor, ask_node(clock, node, fleet, *at, peers), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(ops));
    auto [order, errors, answers] =
        co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (std::size_t i = 0; i < answers.size(); ++i)
        if (errors[i]) answers[i] = {asked[i], trouble("it could not be asked")};
    co_return answer_past(call, fleet, *at, std::move(answers));
}

}  // namespace muster::orchestrator
