#pragma once

#include "common/base/clock.hpp"
#include "common/base/tls_files.hpp"
#include "common/http/message.hpp"
#include "common/http/tls_client.hpp"
#include "scaler/prometheus_range.hpp"
#include "scaler/prometheus_reply.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace muster::scaler::prometheus {

struct PrometheusSettings {
    /// Equal servers, of which any will do; each may end with a path: "https://host/prometheus".
    std::vector<std::string> endpoints{"http://127.0.0.1:9090"};
    std::string user;           ///< of basic authentication; empty: none
    std::string password_file;  ///< its first line; mode 0600
    std::string token_file;     ///< a bearer token; mode 0600; not together with `user`
    TlsFiles tls;               ///< for endpoints that begin with https://
    /// For one endpoint to answer; less, so that each gets its turn before the caller's deadline.
    std::chrono::nanoseconds timeout = std::chrono::seconds(3);
    std::size_t max_reply_bytes = 16UZ << 20U;
};

/// What one query was answered.
struct QueryReply {
    Read read = tl::unexpected(Defect{.flaw = Flaw::late, .detail = "no time was left to ask"});
    std::string digest;     ///< of the body; empty: there was none
    std::size_t bytes = 0;  ///< of the body
};

/// Queries that belong together, answered by one endpoint.
struct Round {
    std::string endpoint;             ///< empty: there was no time to ask any
    std::vector<QueryReply> replies;  ///< one for each query, in their order
    /// "endpoint: why", of those before it.
    std::vector<std::string> passed_over;
};

struct QueryProblem {
    bool refuses = true;  ///< false: a warning
    std::string field;    ///< query, freshness or capacity_query
    std::string what;
    bool operator==(const QueryProblem&) const = default;
};

/// Prometheus' HTTP API. Stays with the endpoint that answered last. When one fails for a reason of
/// its own (is_of_the_endpoint), all queries of the call are asked of the next one, so that a value
/// and its age are of the same server; what is the query's fault is asked once. Every call ends by
/// its deadline. Files of secrets are read for each call. Executor: the awaiting coroutine's,
/// single-threaded; calls may overlap.
class PrometheusClient {
 public:
    PrometheusClient(Clock& clock, PrometheusSettings settings);

    /// /api/v1/query, all at once, for the time `at`.
    [[nodiscard]] asio::awaitable<Round> ask(std::vector<std::string> queries,
                                             WallTime at,
                                             SteadyTime deadline);

    /// /api/v1/query_range, in slices one after the other.
    [[nodiscard]] asio::awaitable<tl::expected<RangeAnswer, Defect>> ask_range(MetricQuery query,
                                                                               RangeWindow window,
                                                                               SteadyTime deadline);

    /// Whether Prometheus takes the queries, in its words: it is asked for them once. Syntax and
    /// types are judged also where there is no data yet. When no endpoint says, that is a warning.
    /// Not /api/v1/format_query, which knows no result types, nor parse_query, which 2.42 lacks.
    [[nodiscard]] asio::awaitable<std::vector<QueryProblem>> check(MetricQuery query,
                                                                   WallTime at,
                                                                   SteadyTime deadline);

 private:
    asio::awaitable<Round> exchange(std::string path,
                                    std::vector<std::string> forms,
                                    SteadyTime deadline);
    asio::awaitable<std::vector<QueryReply>> ask_endpoint(std::string url,
                                                          std::vector<std::string> forms,
                                                          std::chrono::nanoseconds limit);
    asio::awaitable<QueryReply> post(std::string url,
                                     std::string form,
                                     std::vector<http::Field> fields,
                                     std::chrono::nanoseconds limit);
    [[nodiscard]] Result<std::vector<http::Field>> fields() const;

    Clock& clock_;
    PrometheusSettings settings_;
    std::shared_ptr<http::TlsClient> tls_;
    std::size_t current_ = 0;
};

}  // namespace muster::scaler::prometheus
