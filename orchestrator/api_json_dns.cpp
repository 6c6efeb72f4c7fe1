// The JSON of what is published in DNS.
#include "dnsupdate/dns_provider.hpp"
#include "orchestrator/api_json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <chrono>
#include <set>
#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

/// Names, and lines of a plan, that are shown of each store; there may be many more.
constexpr std::size_t most_shown = 1'000;

std::string shown(const dnsupdate::Member& member) {
    if (!member.text.empty()) return '"' + member.text + '"';
    if (member.port == 0) return member.address;
    const bool is_v6 = member.address.contains(':');
    return is_v6 ? fmt::format("[{}]:{}", member.address, member.port)
                 : fmt::format("{}:{}", member.address, member.port);
}

json::value seconds(const std::optional<std::chrono::nanoseconds>& span) {
    if (!span) return nullptr;
    return std::chrono::duration<double>(*span).count();
}

json::object name_json(const std::string& store,
                       const dnsupdate::DnsName& name,
                       const dnsupdate::Round& round) {
    json::array desired;
    json::object left_out;
    json::array observed;
    std::map<dnsupdate::MemberId, std::string> wanted;
    std::map<dnsupdate::MemberId, std::string> there;
    std::int64_t ttl = 0;
    const auto& sets = round.desired.desired.sets;
    if (const auto set = sets.find(name); set != sets.end()) {
        ttl = set->second.records.ttl.count();
        for (const auto& [id, member] : set->second.records.members) wanted[id] = shown(member);
        for (const auto& [id, why] : set->second.left_out) left_out[id.str()] = why;
    }
    if (const auto set = round.observed.sets.find(name); set != round.observed.sets.end()) {
        for (const auto& [id, member] : set->second.members) there[id] = shown(member.member);
    }
    const auto put = [](json::array& into, const auto& members) {
        for (const auto& [id, text] : members)
            into.push_back(json::object{{"member", id.str()}, {"address", text}});
    };
    put(desired, wanted);
    put(observed, there);
    json::array held;
    for (const dnsupdate::PlanLine& line : round.lines) {
        if (line.name == name && line.act == dnsupdate::PlanLine::Act::hold)
            held.emplace_back(line.what + ": " + line.why);
    }
    return {{"name", name.str()},
            {"store", store},
            {"ttl", ttl},
            {"desired", std::move(desired)},
            {"observed", std::move(observed)},
            {"same", wanted == there},
            {"left_out", std::move(left_out)},
            {"held", std::move(held)}};
}

std::string_view kind_of(const dnsupdate::Stray& stray) {
    switch (stray.kind) {
        case dnsupdate::Stray::Kind::foreign:
            return "foreign";
        case dnsupdate::Stray::Kind::malformed:
            return "malformed";
        case dnsupdate::Stray::Kind::misplaced:
            return "misplaced";
    }
    return "";
}

json::object canary_json(const dnsupdate::CanaryState& canary) {
    const bool answered = canary.took != std::chrono::nanoseconds::zero();
    return {{"health", to_string(canary.health)},
            {"since", json_of(canary.since)},
            {"wrong", canary.wrong},
            {"answered_in_seconds", seconds(answered ? std::optional(canary.took) : std::nullopt)}};
}

json::object server_json(const dnsupdate::ServerState& server) {
    return {{"address", server.address},
            {"canary", canary_json(server.canary)},
            {"asked", server.asked},
            {"wrong", server.wrong},
            {"since", json_of(server.since)},
            {"waiting", server.waiting},
            {"visible_after_seconds", seconds(server.shown)},
            {"given_up", server.given_up}};
}

json::object store_json(const dnsupdate::UpdaterStatus& store) {
    json::array servers;
    for (const dnsupdate::ServerState& server : store.servers)
        servers.push_back(server_json(server));
    json::array plan;
    json::array strays;
    json::array problems;
    if (store.round) {
        for (const dnsupdate::PlanLine& line : store.round->lines) {
            if (plan.size() == most_shown) break;
            plan.push_back(json::object{{"act", to_string(line.act)},
                                        {"name", line.name.str()},
                                        {"what", line.what},
                                        {"why", line.why}});
        }
        for (const dnsupdate::Stray& stray : store.round->observed.strays) {
            if (strays.size() == most_shown) break;
            strays.push_back(
                json::object{{"key", stray.key}, {"kind", kind_of(stray)}, {"what", stray.what}});
        }
        for (const std::string& problem : store.round->desired.problems)
            problems.emplace_back(problem);
    }
    json::array leaving;
    for (const auto& [id, state] : store.leaving)
        leaving.push_back(json::object{
            {"member", id.str()}, {"why", state.why}, {"at_least_seconds", seconds(state.left)}});
    return {{"store", store.provider},
            {"stage", to_string(store.stage)},
            {"era", store.token.era},
            {"epoch", store.token.epoch},
            {"claim", store.claim ? json::value(to_string(*store.claim)) : json::value(nullptr)},
            {"trouble", store.trouble},
            {"trouble_since", json_of(store.trouble_since)},
            {"paused", store.paused},
            {"holds_removals", store.holds_removals},
            {"read", json_of(store.round ? store.round->time : WallTime{})},
            {"complete", store.round && store.round->desired.desired.complete},
            {"removals_held", store.round ? store.round->removals_held : 0},
            {"plan", std::move(plan)},
            {"strays", std::move(strays)},
            {"problems", std::move(problems)},
            {"servers", std::move(servers)},
            {"leaving", std::move(leaving)}};
}

}  // namespace

void put_dns(json::object& body, const View& view) {
    json::array names;
    json::array stores;
    json::array zones;
    const DnsRow* const dns = view.snapshot.dns.get();
    if (dns != nullptr) {
        for (const std::string& zone : dns->zones) zones.emplace_back(zone);
        for (const dnsupdate::UpdaterStatus& store : dns->stores) {
            stores.push_back(store_json(store));
            if (!store.round) continue;
            std::set<dnsupdate::DnsName> all;
            for (const auto& [name, set] : store.round->desired.desired.sets) all.insert(name);
            for (const auto& [name, set] : store.round->observed.sets) all.insert(name);
            std::size_t shown_of_store = 0;
            for (const dnsupdate::DnsName& name : all) {
                if (shown_of_store++ == most_shown) break;
                names.push_back(name_json(store.provider, name, *store.round));
            }
        }
    }
    const std::optional<MasterRow>& master = view.snapshot.cluster.master;
    body["configured"] = dns != nullptr;
    body["is_master"] = view.snapshot.self.is_master;
    body["master"] = master ? json::value(json::object{{"node", master->node.str()},
                                                       {"api_address", master->api_address}})
                            : json::value(nullptr);
    body["zones"] = std::move(zones);
    body["stores"] = std::move(stores);
    body["names"] = std::move(names);
}

}  // namespace muster::orchestrator
