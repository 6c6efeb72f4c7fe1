#include "orchestrator/api_dns.hpp"

#include "common/config/text_rules.hpp"
#include "orchestrator/api_body.hpp"
#include "orchestrator/api_problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;
using dnsupdate::DnsName;
using dnsupdate::Order;

namespace {

constexpr std::size_t longest_name = 255;
constexpr std::size_t most_names = 10'000;

/// What only the master can: who it is.
http::Response failed(const DnsCall& call, const Error& error) {
    json::object more;
    const auto& master = call.view.snapshot.cluster.master;
    if (error.code == make_error_code(CommandErrc::refused) && master) {
        more["master"] = master->node.str();
        more["api_address"] = master->api_address;
    }
    return problem(status_of(error), error.message(), std::move(more));
}

Result<Requester> requester_of(const DnsCall& call) {
    auto author = author_of(call.request, call.actor);
    if (!author) return tl::unexpected(author.error());
    return Requester{.name = *std::move(author),
                     .origin = fmt::format("{} from {}", call.actor, call.request.peer)};
}

/// The body of a request, as far as it holds what was asked for.
class Body {
 public:
    explicit Body(const http::Request& request) {
        boost::system::error_code error;
        if (request.body.empty()) return;
        if (request.body.size() > 2 * dnsupdate::max_plan_bytes) {
            reject("", "is too large for a plan");
            return;
        }
        json::value value = json::parse(request.body, error);
        if (error || !value.is_object()) {
            reject("", "must be a JSON object");
            return;
        }
        object_ = std::move(value.get_object());
    }

    std::set<DnsName> names(std::string_view member) {
        std::set<DnsName> all;
        const json::value* const value = take(member);
        if (value == nullptr) return all;
        const json::array* const list = value->if_array();
        if (list == nullptr || list->size() > most_names) {
            reject(member, fmt::format("must be a list of at most {} names", most_names));
            return all;
        }
        for (const json::value& one : *list) {
            const json::string* const text = one.if_string();
            if (text == nullptr || text->size() > longest_name) {
                reject(member, "must be a list of names");
                continue;
            }
            if (const auto wrong = config::rules::published_name(std::string_view(*text));
                !wrong.empty()) {
                reject(member, fmt::format("a name {}", wrong));
                continue;
            }
            all.emplace(std::string_view(*text));
        }
        return all;
    }
    std::string text(std::string_view member) {
        constexpr std::size_t longest = 100;
        const json::value* const value = take(member);
        if (value == nullptr) return {};
        const json::string* const text = value->if_string();
        if (text == nullptr || text->size() > longest) {
            reject(member, fmt::format("must be a text of at most {} bytes", longest));
            return {};
        }
        return std::string(*text);
    }
    std::optional<std::int64_t> whole(std::string_view member,
                                      std::int64_t least,
                                      std::int64_t most) {
        const json::value* const value = take(member);
        if (value == nullptr) return std::nullopt;
        if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most) {
            reject(member, fmt::format("must be a whole number from {} to {}", least, most));
            return std::nullopt;
        }
        return value->get_int64();
    }
    bool is_true(std::string_view member) {
        const json::value* const value = take(member);
        return value != nullptr && value->is_bool() && value->get_bool();
    }
    std::string as_text(std::string_view member) {
        const json::value* const value = take(member);
        return value == nullptr ? std::string() : json::serialize(*value);
    }
    void reject(std::string_view member, std::string what) {
        problems_.push_back({.path = std::string(member), .what = std::move(what)});
    }
    /// Call last.
    std::vector<config::Problem> problems() {
        for (const auto& member : object_) {
            if (std::ranges::find(taken_, member.key()) == taken_.end())
                reject(std::string_view(member.key()).substr(0, longest_name), "is not known here");
        }
        return std::move(problems_);
    }

 private:
    const json::value* take(std::string_view member) {
        taken_.emplace_back(member);
        return object_.if_contains(member);
    }

    json::object object_;
    std::vector<std::string> taken_;
    std::vector<config::Problem> problems_;
};

json::array texts(const std::vector<std::string>& all) {
    json::array list(all.begin(), all.end());
    return list;
}

/// The worst of them: none was done, or it isn't known.
int worst_of(const std::vector<StoreOutcome>& outcomes) {
    int worst = 200;
    for (const StoreOutcome& one : outcomes) {
        if (one.problem) {
            worst = std::max(worst, status_of(*one.problem));
            continue;
        }
        if (!one.done.refused.empty()) worst = std::max(worst, 409);
        for (const dnsupdate::WriteResult& result : one.done.results) {
            if (result.outcome == dnsupdate::Outcome::unknown) worst = std::max(worst, 504);
            if (result.outcome != dnsupdate::Outcome::done) worst = std::max(worst, 409);
        }
    }
    return worst;
}

std::string sentence_of(const StoreOutcome& one) {
    if (one.problem) return one.problem->message();
    if (!one.done.refused.empty())
        return fmt::format("{}: {}", one.store, fmt::join(one.done.refused, "; "));
    for (const dnsupdate::WriteResult& result : one.done.results) {
        if (result.outcome != dnsupdate::Outcome::done)
            return fmt::format("{}: {}: {} {}",
                               one.store,
                               result.name.str(),
                               to_string(result.outcome),
                               result.detail);
    }
    return {};
}

std::vector<std::string> sentences_of(const std::vector<StoreOutcome>& outcomes) {
    std::vector<std::string> sentences;
    for (const StoreOutcome& one : outcomes) {
        if (std::string sentence = sentence_of(one); !sentence.empty())
            sentences.push_back(std::move(sentence));
    }
    return sentences;
}

http::Response worded(const std::vector<StoreOutcome>& outcomes, json::object body) {
    const int status = worst_of(outcomes);
    if (status == 200) return json_response(200, body);
    return problem(
        status, fmt::format("{}", fmt::join(sentences_of(outcomes), "; ")), std::move(body));
}

asio::awaitable<http::Response> make_plan(const DnsCall& call, DnsCommands& commands) {
    const auto requester = requester_of(call);
    if (!requester) co_return problem(400, requester.error().context);
    Body body(call.request);
    StoreOrder order{.store = body.text("store"), .order = {.verb = Order::Verb::plan}};
    order.order.request = {
        .names = body.names("names"), .adopt = body.names("adopt"), .empty = body.names("empty")};
    if (const auto problems = body.problems(); !problems.empty()) co_return problem(problems);
    // Whoever adopts or empties names means these.
    dnsupdate::PlanRequest& request = order.order.request;
    if (request.names.empty()) {
        request.names.insert(request.adopt.begin(), request.adopt.end());
        request.names.insert(request.empty.begin(), request.empty.end());
    }
    std::vector<StoreOrder> orders{std::move(order)};
    const auto outcomes = co_await commands.order(std::move(orders), *requester);
    if (!outcomes) co_return failed(call, outcomes.error());
    std::vector<dnsupdate::OperatorPlan> plans;
    json::object differences;
    for (const StoreOutcome& one : *outcomes) {
        if (one.problem || !one.done.refused.empty()) continue;
        plans.push_back(one.done.plan);
        json::array names;
        for (const dnsupdate::NameDifference& name : one.done.differences)
            names.push_back(
                json::object{{"name", name.name.str()}, {"differs", texts(name.sentences)}});
        differences.emplace(one.store, std::move(names));
    }
    json::object answer{{"differences", std::move(differences)}};
    if (plans.empty()) co_return worded(*outcomes, std::move(answer));
    answer["plan"] = json::parse(dnsupdate::encode(plans));
    // What one store refuses, or leaves unanswered, is no reason to hide the plans for the others.
    answer["problems"] = texts(sentences_of(*outcomes));
    co_return json_response(200, answer);
}

asio::awaitable<http::Response> apply_plan(const DnsCall& call, DnsCommands& commands) {
    const auto requester = requester_of(call);
    if (!requester) co_return problem(400, requester.error().context);
    Body body(call.request);
    const std::string text = body.as_text("plan");
    const std::set<DnsName> empty = body.names("empty");
    if (text.empty()) body.reject("plan", "is missing");
    auto plans = dnsupdate::decode_plans(text);
    if (!text.empty() && !plans) body.reject("plan", plans.error().context);
    if (const auto problems = body.problems(); !problems.empty()) co_return problem(problems);
    std::vector<StoreOrder> orders;
    for (dnsupdate::OperatorPlan& plan : *plans) {
        std::string store = plan.store;
        if (store.empty()) co_return problem(422, "plan: a store has no name");
        StoreOrder one{.store = std::move(store), .order = {.verb = Order::Verb::apply}};
        one.order.plan = std::move(plan);
        one.order.empty = empty;
        orders.push_back(std::move(one));
    }
    const auto outcomes = co_await commands.order(std::move(orders), *requester);
    if (!outcomes) co_return failed(call, outcomes.error());
    json::array stores;
    for (const StoreOutcome& one : *outcomes) {
        json::array written;
        for (const dnsupdate::WriteResult& result : one.done.results)
            written.push_back(json::object{{"name", result.name.str()},
                                           {"outcome", to_string(result.outcome)},
                                           {"detail", result.detail}});
        stores.push_back(json::object{{"store", one.store},
                                      {"refused", texts(one.done.refused)},
                                      {"written", std::move(written)}});
    }
    co_return worded(*outcomes, {{"stores", std::move(stores)}});
}

json::array fences_of(const std::vector<StoreOutcome>& outcomes) {
    json::array all;
    for (const StoreOutcome& one : outcomes) {
        json::object fence{{"store", one.store},
                           {"problem", one.problem ? one.problem->message() : ""},
                           {"there", one.done.fence.text.has_value()},
                           {"text", one.done.fence.text.value_or("").substr(0, longest_name)},
                           {"version", one.done.fence.version},
                           {"mine", one.done.mine}};
        const auto read =
            one.done.fence.text ? dnsupdate::decode_fence(*one.done.fence.text) : std::nullopt;
        fence["era"] = read ? json::value(read->token.era) : json::value(nullptr);
        fence["epoch"] = read ? json::value(read->token.epoch) : json::value(nullptr);
        fence["judged"] =
            one.done.judged ? json::value(to_string(*one.done.judged)) : json::value(nullptr);
        fence["replaced"] = one.done.replaced;
        all.push_back(std::move(fence));
    }
    return all;
}

asio::awaitable<http::Response> fence(Route route, const DnsCall& call, DnsCommands& commands) {
    const auto requester = requester_of(call);
    if (!requester) co_return problem(400, requester.error().context);
    StoreOrder order{.order = {.verb = Order::Verb::show_fence}};
    if (route != Route::dns_fence) {
        Body body(call.request);
        order.store = body.text("store");
        const bool repair = route == Route::dns_repair_fence;
        order.order.verb = repair ? Order::Verb::repair_fence : Order::Verb::bootstrap;
        if (repair) {
            order.order.expected_version = body.text("expect_version");
            if (order.order.expected_version.empty())
                body.reject("expect_version", "is missing: `dns fence show` has it");
        } else if (!body.is_true("i_have_no_other_master")) {
            body.reject("i_have_no_other_master",
                        "must be true: another master would be locked out of DNS");
        }
        if (order.store.empty()) body.reject("store", "is missing: the fence of which one");
        if (const auto problems = body.problems(); !problems.empty()) co_return problem(problems);
    }
    std::vector<StoreOrder> orders{std::move(order)};
    const auto outcomes = co_await commands.order(std::move(orders), *requester);
    if (!outcomes) co_return failed(call, outcomes.error());
    json::object body = opening(call.view);
    body["era"] = call.view.snapshot.cluster.era;
    body["fences"] = fences_of(*outcomes);
    // What a store says is told with the fences of the others.
    if (route == Route::dns_fence) co_return json_response(200, body);
    co_return worded(*outcomes, std::move(body));
}

asio::awaitable<http::Response> bump_era(const DnsCall& call, DnsCommands& commands) {
    const auto requester = requester_of(call);
    if (!requester) co_return problem(400, requester.error().context);
    Body body(call.request);
    const auto from = body.whole("from", 0, max_era - 1);
    const auto to = body.whole("to", 1, max_era);
    auto problems = body.problems();
    if (problems.empty() && (!from || !to))
        problems.push_back({.what = "must set 'from', the era that is, and 'to'"});
    if (problems.empty() && *to <= *from)
        problems.push_back({.path = "to", .what = "must be larger than 'from'"});
    if (!problems.empty()) co_return problem(problems);
    const auto era = co_await commands.bump_era({.from = *from, .to = *to}, *requester);
    if (!era) co_return problem(status_of(era.error()), era.error().message());
    co_return json_response(200, {{"era", *era}, {"previous", *from}});
}

asio::awaitable<http::Response> explain(const DnsCall& call, DnsCommands& commands) {
    if (const auto wrong = config::rules::published_name(call.parameters[0]); !wrong.empty())
        co_return problem(400, fmt::format("the name {}", wrong));
    const DnsName name(call.parameters[0]);
    const auto requester = requester_of(call);
    if (!requester) co_return problem(400, requester.error().context);
    StoreOrder order{.order = {.verb = Order::Verb::look}};
    order.order.request.names.insert(name);
    std::vector<StoreOrder> orders{std::move(order)};
    const auto outcomes = co_await commands.order(std::move(orders), *requester);
    if (!outcomes) co_return failed(call, outcomes.error());
    const auto servers = co_await commands.ask_servers(name);
    json::object body = opening(call.view);
    body["name"] = name.str();
    for (auto& member :
         explanation(call.view, name, *outcomes, servers.value_or(std::vector<ServerAnswer>{})))
        body[member.key()] = std::move(member.value());
    co_return json_response(200, body);
}

}  // namespace

asio::awaitable<http::Response> answer_dns(Route route, DnsCall call, DnsCommands* commands) {
    if (commands == nullptr)
        co_return problem(409, "this node publishes no DNS: its settings have no dns");
    if (!has_known_type(call.request))
        co_return problem(415, "Content-Type must be application/json");
    if (route == Route::dns_plan) co_return co_await make_plan(call, *commands);
    if (route == Route::dns_apply) co_return co_await apply_plan(call, *commands);
    if (route == Route::dns_bump_era) co_return co_await bump_era(call, *commands);
    if (route == Route::dns_name) co_return co_await explain(call, *commands);
    co_return co_await fence(route, call, *commands);
}

}  // namespace muster::orchestrator
