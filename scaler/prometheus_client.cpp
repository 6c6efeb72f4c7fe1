#include "scaler/prometheus_client.hpp"

#include "common/base/base64.hpp"
#include "common/base/files.hpp"
#include "common/http/client.hpp"
#include "common/http/url.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::scaler::prometheus {
namespace {

/// As Prometheus reads and writes times: exact to the millisecond.
std::string seconds_of(std::chrono::milliseconds span) {
    return fmt::format("{}.{:03}", span.count() / 1000, span.count() % 1000);
}
std::string seconds_of(WallTime at) {
    return seconds_of(at.time_since_epoch());
}

/// FNV-1a: tells replies apart that nobody forges.
std::string digest_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return fmt::format("{:016x}", hash);
}

Defect defect_of(const Error& error) {
    Flaw flaw = Flaw::no_reply;
    if (error.code == http::Errc::timed_out) flaw = Flaw::late;
    if (error.code == http::Errc::closed && error.context.contains("the end of the body"))
        flaw = Flaw::truncated;
    // The only limit that a reply of Prometheus can exceed.
    if (error.code == http::Errc::bad_reply)
        flaw = error.context.contains("the body is over the limit") ? Flaw::too_large
                                                                    : Flaw::wrong_shape;
    return defect(flaw, error.message());
}

/// The first reply because of which another endpoint should be asked.
const Defect* trouble_of(const std::vector<QueryReply>& replies) {
    for (const QueryReply& reply : replies)
        if (!reply.read && is_of_the_endpoint(reply.read.error().flaw)) return &reply.read.error();
    return nullptr;
}

void judge(std::vector<QueryProblem>& problems,
           const std::string& field,
           const Read& read,
           bool single) {
    const auto add = [&](bool refuses, std::string what) {
        problems.push_back({.refuses = refuses, .field = field, .what = std::move(what)});
    };
    if (!read) {
        const bool refused = read.error().flaw == Flaw::refused_query;
        return add(refused, (refused ? "" : "could not be checked: ") + read.error().detail);
    }
    if (read->type == ResultType::matrix)
        return add(true, "gives a range of times, not one number: wrap it in rate() or the like");
    if (read->type == ResultType::string) return add(true, "gives a text, not a number");
    if (read->series.empty()) return add(false, "gives no series now");
    if (single && read->series.size() > 1)
        add(false, fmt::format("gives {} series: name a reducer", read->series.size()));
}

}  // namespace

PrometheusClient::PrometheusClient(Clock& clock, PrometheusSettings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      tls_(std::make_shared<http::TlsClient>(settings_.tls)) {}

Result<std::vector<http::Field>> PrometheusClient::fields() const {
    std::vector<http::Field> all{{"Content-Type", "application/x-www-form-urlencoded"},
                                 {"Accept", "application/json"}};
    if (!settings_.token_file.empty()) {
        const Result<std::string> token = read_secret(settings_.token_file);
        if (!token) return tl::unexpected(token.error());
        all.push_back({"Authorization", "Bearer " + *token});
    } else if (!settings_.user.empty()) {
        const Result<std::string> password = read_secret(settings_.password_file);
        if (!password) return tl::unexpected(password.error());
        all.push_back({"Authorization", "Basic " + to_base64(settings_.user + ":" + *password)});
    }
    return all;
}

asio::awaitable<QueryReply> PrometheusClient::post(std::string url,
                                                   std::string form,
                                                   std::vector<http::Field> fields,
                                                   std::chrono::nanoseconds limit) {
    http::ClientRequest request{.method = "POST",
                                .url = std::move(url),
                                .fields = std::move(fields),
                                .body = std::move(form),
                                .timeout = limit,
                                .max_body_bytes = settings_.max_reply_bytes,
                                .tls = tls_};
    Result<http::Response> response = co_await http::fetch(clock_, std::move(request));
    QueryReply reply;
    if (!response) {
        reply.read = tl::unexpected(defect_of(response.error()));
        co_return reply;
    }
    reply.digest = digest_of(response->body);
    reply.bytes = response->body.size();
    const std::string type(response->field("content-type").value_or(""));
    reply.read = read_answer(
        {.status = response->status, .content_type = type, .body = std::move(response->body)},
        {.bytes = settings_.max_reply_bytes});
    co_return reply;
}

asio::awaitable<std::vector<QueryReply>> PrometheusClient::ask_endpoint(
    std::string url, std::vector<std::string> forms, std::chrono::nanoseconds limit) {
    std::vector<QueryReply> replies(forms.size());
    const Result<std::vector<http::Field>> shown = fields();
    if (!shown) {
        for (QueryReply& reply : replies)
            reply.read = tl::unexpected(defect(Flaw::unauthorized, shown.error().message()));
        co_return replies;
    }
    // A little less, so that its own words about a time-out still reach us.
    const std::string timeout =
        seconds_of(std::chrono::floor<std::chrono::milliseconds>(limit * 9 / 10));
    const auto executor = co_await asio::this_coro::executor;
    using Op =
        decltype(asio::co_spawn(executor, post(url, std::string(), *shown, limit), asio::deferred));
    std::vector<Op> ops;
    for (const std::string& form : forms) {
        std::string body = fmt::format("{}&timeout={}", form, timeout);
        ops.push_back(
            asio::co_spawn(executor, post(url, std::move(body), *shown, limit), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(ops));
    auto [order, errors, all] =
        co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!errors[i]) replies[i] = std::move(all[i]);
    co_return replies;
}

asio::awaitable<Round> PrometheusClient::exchange(std::string path,
                                                  std::vector<std::string> forms,
                                                  SteadyTime deadline) {
    Round round;
    round.replies.resize(forms.size());
    if (forms.empty()) co_return round;
    const std::size_t first = current_;
    const std::size_t endpoints = settings_.endpoints.size();
    if (endpoints == 0)
        for (QueryReply& reply : round.replies)
            reply.read = tl::unexpected(defect(Flaw::no_reply, "no endpoint is configured"));
    for (std::size_t tried = 0; tried < endpoints; ++tried) {
        const auto left = deadline - clock_.now();
        const auto limit =
            std::min(settings_.timeout, left / static_cast<std::int64_t>(endpoints - tried));
        if (limit <= std::chrono::milliseconds(1)) break;
        const std::size_t which = (first + tried) % endpoints;
        const std::string& endpoint = settings_.endpoints[which];
        const std::size_t end = endpoint.find_last_not_of('/');
        const std::string base = endpoint.substr(0, end == std::string::npos ? 0 : end + 1);
        round.endpoint = endpoint;
        round.replies = co_await ask_endpoint(base + path, forms, limit);
        const Defect* const trouble = trouble_of(round.replies);
        if (trouble == nullptr) {
            current_ = which;
            co_return round;
        }
        if (tried + 1 < endpoints)
            round.passed_over.push_back(fmt::format("{}: {}", endpoint, trouble->detail));
        // Who is next for all calls, unless one that overlaps has found a better one.
        if (current_ == which) current_ = (which + 1) % endpoints;
    }
    co_return round;
}

asio::awaitable<Round> PrometheusClient::ask(std::vector<std::string> queries,
                                             WallTime at,
                                             SteadyTime deadline) {
    for (std::string& query : queries)
        query = fmt::format("query={}&time={}", http::percent_encode(query), seconds_of(at));
    co_return co_await exchange("/api/v1/query", std::move(queries), deadline);
}

asio::awaitable<tl::expected<RangeAnswer, Defect>> PrometheusClient::ask_range(
    MetricQuery query, RangeWindow window, SteadyTime deadline) {
    using Outcome = tl::expected<RangeAnswer, Defect>;
    const std::size_t steps = steps_of(window);
    if (steps == 0 || steps > most_steps)
        co_return Outcome(tl::unexpected(
            defect(Flaw::too_large,
                   fmt::format("{} steps; from 1 to {} can be read", steps, most_steps))));
    RangeAnswer whole;
    for (const RangeWindow& slice : sliced(window)) {
        std::vector<std::string> form{fmt::format("query={}&start={}&end={}&step={}",
                                                  http::percent_encode(query.query),
                                                  seconds_of(slice.start),
                                                  seconds_of(slice.end),
                                                  slice.step.count())};
        const Round round = co_await exchange("/api/v1/query_range", std::move(form), deadline);
        auto part = range_of_answer(query, slice, round.replies.front().read);
        if (!part) co_return Outcome(tl::unexpected(std::move(part.error())));
        append(whole, *std::move(part));
    }
    co_return whole;
}

asio::awaitable<std::vector<QueryProblem>> PrometheusClient::check(MetricQuery query,
                                                                   WallTime at,
                                                                   SteadyTime deadline) {
    std::vector<QueryProblem> problems;
    const std::string ages = query.freshness.empty() ? "query" : "freshness";
    const auto selectors = selectors_of(query);
    if (!selectors) problems.push_back({.field = ages, .what = selectors.error()});
    std::vector<std::string> queries{query.query};
    if (!query.capacity_query.empty()) queries.push_back(query.capacity_query);
    if (selectors) queries.push_back(age_query(*selectors, query.instance_label));
    const Round round = co_await ask(std::move(queries), at, deadline);
    const bool single = query.scope == Scope::fleet && query.reducer == config::Reducer::none;
    judge(problems, "query", round.replies.front().read, single);
    if (!query.capacity_query.empty())
        judge(problems, "capacity_query", round.replies[1].read, false);
    // Of a query that is refused, its parts tell nothing new.
    const bool refused = std::ranges::any_of(problems, &QueryProblem::refuses);
    if (selectors && !refused) judge(problems, "freshness", round.replies.back().read, false);
    co_return problems;
}

}  // namespace muster::scaler::prometheus
