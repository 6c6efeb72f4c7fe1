// What one name answers, and why.
#include "common/follow/instance_group.hpp"
#include "dnsupdate/desired.hpp"
#include "orchestrator/api_dns.hpp"
#include "orchestrator/api_explain.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

namespace muster::orchestrator {

namespace json = boost::json;
using dnsupdate::DnsName;
using dnsupdate::MemberId;

namespace {

/// The LBs that may be behind a name: of each fleet that has an entry of it.
std::map<MemberId, json::object> instances_of(const View& view, const DnsName& name) {
    std::map<MemberId, json::object> all;
    for (const FleetRow& fleet : view.snapshot.fleets) {
        const bool has_it = std::ranges::any_of(
            fleet.spec->dns, [&](const auto& entry) { return entry.name == name.str(); });
        if (!has_it) continue;
        const GroupRow* const group = view.snapshot.group(follow::instance_group(fleet.name()));
        if (group == nullptr) continue;
        for (const BackendRow& row : group->backends) {
            all.emplace(dnsupdate::member_id(fleet.name(), InstanceId(row.id.str())),
                        json::object{{"fleet", fleet.name().str()},
                                     {"instance", row.id.str()},
                                     {"health", summary_of(row, view.wall)},
                                     {"since", json_of(row.since)},
                                     {"in_rotation", row.in_rotation},
                                     {"rotation", rotation_text(row, view.wall)}});
        }
    }
    return all;
}

json::object member_json(const dnsupdate::Member& member) {
    return {{"address", member.address},
            {"port", member.port},
            {"priority", member.priority},
            {"weight", member.weight}};
}

json::array members_of(const dnsupdate::NameNow& now,
                       const std::map<MemberId, json::object>& instances) {
    std::set<MemberId> ids;
    if (now.observed) {
        for (const auto& [id, member] : now.observed->members) ids.insert(id);
    }
    if (now.desired) {
        for (const auto& [id, member] : now.desired->records.members) ids.insert(id);
        for (const auto& [id, why] : now.desired->left_out) ids.insert(id);
    }
    json::array all;
    for (const MemberId& id : ids) {
        json::object one{{"member", id.str()},
                         {"published", nullptr},
                         {"desired", nullptr},
                         {"left_out", ""},
                         {"lb", nullptr}};
        if (now.observed && now.observed->members.contains(id)) {
            const dnsupdate::ObservedMember& member = now.observed->members.at(id);
            json::object published = member_json(member.member);
            published["ttl"] = member.ttl.count();
            published["as_written"] = member.as_written;
            one["published"] = std::move(published);
        }
        if (now.desired && now.desired->records.members.contains(id)) {
            json::object desired = member_json(now.desired->records.members.at(id));
            desired["ttl"] = now.desired->records.ttl.count();
            desired["unproven"] = now.desired->unproven.contains(id);
            one["desired"] = std::move(desired);
        }
        if (now.desired && now.desired->left_out.contains(id))
            one["left_out"] = now.desired->left_out.at(id);
        if (const auto lb = instances.find(id); lb != instances.end()) one["lb"] = lb->second;
        all.push_back(std::move(one));
    }
    return all;
}

json::value written_by(const dnsupdate::NameNow& now, const dnsupdate::UpdaterStatus* store) {
    if (!now.observed || !now.observed->anchor) return nullptr;
    const dnsupdate::Anchor& anchor = *now.observed->anchor;
    return json::object{{"era", anchor.token.era},
                        {"epoch", anchor.token.epoch},
                        {"this_office", store != nullptr && store->token == anchor.token},
                        {"generation", anchor.generation},
                        {"transaction", anchor.transaction},
                        {"version", now.observed->version},
                        {"seen_since", now.since ? json_of(*now.since) : json::value(nullptr)}};
}

json::object store_json(const View& view,
                        const DnsName& name,
                        const StoreOutcome& outcome,
                        const std::map<MemberId, json::object>& instances) {
    const dnsupdate::UpdaterStatus* status = nullptr;
    if (view.snapshot.dns) {
        for (const dnsupdate::UpdaterStatus& one : view.snapshot.dns->stores) {
            if (one.provider == outcome.store) status = &one;
        }
    }
    json::object store{
        {"store", outcome.store},
        {"problem", outcome.problem ? outcome.problem->message() : ""},
        {"stage", status == nullptr ? std::string_view("") : to_string(status->stage)},
        {"trouble", status == nullptr ? "" : status->trouble},
        {"paused", status != nullptr && status->paused}};
    const auto found = outcome.done.names.find(name);
    static const dnsupdate::NameNow nothing;
    const dnsupdate::NameNow& now = found == outcome.done.names.end() ? nothing : found->second;
    store["is_ours"] = now.observed.has_value();
    store["is_wanted"] = now.desired.has_value();
    store["written_by"] = written_by(now, status);
    store["members"] = members_of(now, instances);
    json::array lines;
    for (const dnsupdate::PlanLine& line : now.lines)
        lines.push_back(
            json::object{{"act", to_string(line.act)}, {"what", line.what}, {"why", line.why}});
    store["next"] = std::move(lines);
    json::array strays;
    for (const dnsupdate::Stray& stray : now.strays)
        strays.push_back(
            json::object{{"key", stray.key}, {"version", stray.version}, {"what", stray.what}});
    store["strays"] = std::move(strays);
    return store;
}

}  // namespace

json::object explanation(const View& view,
                         const DnsName& name,
                         const std::vector<StoreOutcome>& stores,
                         const std::vector<ServerAnswer>& servers) {
    const std::map<MemberId, json::object> instances = instances_of(view, name);
    json::array all;
    for (const StoreOutcome& store : stores)
        all.push_back(store_json(view, name, store, instances));
    json::array answers;
    for (const ServerAnswer& server : servers) {
        json::object by_type;
        for (const auto& [type, text] : server.by_type) by_type.emplace(type, text);
        answers.push_back(json::object{{"server", server.server}, {"answers", std::move(by_type)}});
    }
    return {{"stores", std::move(all)}, {"servers", std::move(answers)}};
}

}  // namespace muster::orchestrator
