// The JSON of what a backend's prober knows of it.
#include "orchestrator/api_json.hpp"

#include <boost/json/array.hpp>

#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

double seconds(std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1e6;
}

json::object object_of(const LbHop& hop) {
    return {{"name", hop.name},
            {"listener", hop.listener},
            {"group", hop.group},
            {"result", checker::to_string(hop.result)},
            {"reason", checker::to_string(hop.reason)},
            {"code", hop.code},
            {"connect_seconds", seconds(hop.connect)},
            {"tls_seconds", seconds(hop.tls)},
            {"response_seconds", seconds(hop.response)}};
}

json::object object_of(const Confirmation& confirmation) {
    json::array votes;
    for (const PeerVote& vote : confirmation.votes)
        votes.push_back({{"node", vote.node.str()}, {"vote", to_string(vote.vote)}});
    return {{"time", json_of(confirmation.time)},
            {"down", confirmation.down},
            {"votes", std::move(votes)}};
}

}  // namespace

json::object json_of(const Evidence& evidence) {
    const auto state = [](const checker::PastResult& past) {
        return json::object{{"verdict", checker::to_string(past.verdict)},
                            {"pending", past.pending}};
    };
    const checker::PastResult* before = nullptr;
    json::array list;
    for (const checker::PastResult& past : evidence.recent) {
        const checker::ProbeOutcome& outcome = past.outcome;
        list.push_back({{"time", json_of(past.time)},
                        {"result", checker::to_string(outcome.result)},
                        {"reason", checker::to_string(outcome.reason)},
                        {"code", outcome.code},
                        {"resolve_seconds", seconds(outcome.resolve)},
                        {"connect_seconds", seconds(outcome.connect)},
                        {"tls_seconds", seconds(outcome.tls)},
                        {"sent_seconds", seconds(outcome.sent)},
                        {"first_byte_seconds", seconds(outcome.first_byte)},
                        {"total_seconds", seconds(outcome.total)},
                        {"before", before ? json::value(state(*before)) : json::value(nullptr)},
                        {"after", state(past)}});
        before = &past;
    }
    json::object object{
        {"from", evidence.from.str()}, {"results", evidence.results}, {"list", std::move(list)}};
    if (!evidence.hops.empty()) {
        json::array hops;
        for (const LbHop& hop : evidence.hops) hops.push_back(object_of(hop));
        object["hops"] = std::move(hops);
    }
    if (evidence.confirmation) object["confirmation"] = object_of(*evidence.confirmation);
    return object;
}

}  // namespace muster::orchestrator
