// What an agent says of itself over HTTP.
#include "agent/agent.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace muster::agent {

namespace json = boost::json;

http::Response Agent::answer(const http::Request& request) const {
    if (request.method != "GET")
        return http::Response::problem(405, "Method not allowed", "only GET is known here");
    if (request.path == "/healthz") return health();
    if (request.path == "/state") return state();
    if (request.path == "/metrics") return http::Response::text(200, registry_.text());
    return http::Response::problem(404, "Not found", "there are /healthz, /metrics and /state");
}

http::Response Agent::health() const {
    json::object body{{"accepting", report_.accepting},
                      {"in_step", in_step_},
                      {"connected", silent_since_ == SteadyTime{}},
                      {"error", error_}};
    return http::Response::json(report_.accepting ? 200 : 503, json::serialize(body));
}

http::Response Agent::state() const {
    json::array pools;
    if (applied_) {
        for (const Pool& pool : applied_->state.pools) {
            json::array servers;
            for (const Server& server : pool.servers) {
                const char* const states[] = {"ready", "drain", "maintenance"};
                servers.push_back({{"id", server.id.str()},
                                   {"address", fmt::format("{}:{}", server.address, server.port)},
                                   {"state", states[static_cast<int>(server.state)]},
                                   {"weight", server.weight}});
            }
            const auto generation = applied_->generations.find(pool.group);
            pools.push_back(
                {{"group", pool.group.str()},
                 {"generation", generation == applied_->generations.end() ? 0 : generation->second},
                 {"panic", applied_->panicking.contains(pool.group)},
                 {"servers", std::move(servers)}});
        }
    }
    json::array problems;
    if (applied_) {
        for (const std::string& problem : applied_->problems) problems.emplace_back(problem);
    }
    for (const auto& [path, what] : follower_.view().problems)
        problems.emplace_back(path + ": " + what);
    const json::object body{
        {"fleet", identity_.fleet.str()},
        {"instance", identity_.instance.str()},
        {"cluster", follower_.view().cluster()},
        {"foreign_cluster", follower_.foreign_cluster()},
        {"connected", silent_since_ == SteadyTime{}},
        {"silent_seconds",
         silent_since_ == SteadyTime{}
             ? 0.0
             : std::chrono::duration<double>(clock_.now() - silent_since_).count()},
        {"in_step", in_step_},
        {"accepting", report_.accepting},
        {"error", error_},
        {"fleet_generation", applied_ ? applied_->fleet_generation : 0},
        {"groups", std::move(pools)},
        {"problems", std::move(problems)}};
    return http::Response::json(200, json::serialize(body));
}

}  // namespace muster::agent
