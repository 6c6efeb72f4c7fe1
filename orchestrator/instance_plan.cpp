#include "orchestrator/instance_plan.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/fleet_limits.hpp"
#include "common/config/text_rules.hpp"
#include "common/follow/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {
namespace {

using follow::Instance;
using znodes::Letter;

/// What probes find does not wake the master.
constexpr std::chrono::minutes longest_blindness{1};
constexpr std::size_t most_problems = 10;
constexpr std::size_t most_shown = 64;  ///< of a stranger's text

std::string shown(std::string_view text) {
    std::string printable;
    for (const char c : text.substr(0, most_shown)) printable += c >= ' ' && c < '\x7f' ? c : '?';
    return text.size() > most_shown ? printable + "..." : printable;
}

std::string address_of(const Instance& instance) {
    return config::to_string(config::Endpoint{.host = instance.address, .port = instance.port});
}

class Planner {
 public:
    Planner(const config::FleetSpec& fleet,
            const std::vector<Registration>& registered,
            const std::vector<InstanceMember>& members,
            const InstanceMemory& memory,
            SteadyTime now)
        : fleet_(fleet), registered_(registered), members_(members), memory_(memory), now_(now) {}

    InstancePlan run() {
        for (const config::FleetInstance& listed : fleet_.instances)
            take(
                {.id = BackendId(listed.id.str()), .address = listed.address, .port = listed.port});
        // Who is here already goes before who comes.
        take_registered(true);
        take_registered(false);
        take_unregistered();
        std::erase_if(plan_.notes, [&](const std::string& note) {
            plan_.memory.said.insert(note);
            return memory_.said.contains(note);
        });
        std::ranges::sort(plan_.instances, {}, &Instance::id);
        return std::move(plan_);
    }

 private:
    [[nodiscard]] const InstanceMember* member(const BackendId& id) const {
        const auto found =
            std::ranges::find(members_, id, [](const InstanceMember& m) -> const BackendId& {
                return m.instance.id;
            });
        return found == members_.end() ? nullptr : &*found;
    }

    void take(Instance instance) {
        taken_.insert(instance.id);
        by_address_.emplace(address_of(instance), instance.id);
        plan_.instances.push_back(std::move(instance));
    }

    void refuse(const BackendId& id, std::string why) {
        plan_.problems.push_back(
            fmt::format("what is registered as {} {}", shown(id.str()), std::move(why)));
    }

    /// Where it says that it is; why not, when nothing can be there.
    [[nodiscard]] static tl::expected<Instance, std::string> placed(const Registration& one) {
        if (one.address.empty())
            return tl::unexpected(std::string("has no address, so nothing probes it"));
        const auto at = config::parse_endpoint(one.address);
        if (!at)
            return tl::unexpected(
                fmt::format("is at {}, which {}", shown(one.address), at.error()));
        if (!config::is_destination(at->host))
            return tl::unexpected(
                fmt::format("is at {}, where nothing can listen", shown(one.address)));
        return Instance{.id = one.id, .address = at->host, .port = at->port};
    }

    void take_registered(bool known) {
        for (const Registration& one : registered_) {
            if (taken_.contains(one.id)) continue;
            const InstanceMember* const before = member(one.id);
            if (known != (before != nullptr)) continue;
            if (const auto complaint = config::rules::name(one.id.str()); !complaint.empty()) {
                refuse(one.id, fmt::format("can't be an instance; its name {}", complaint));
                continue;
            }
            const auto instance = placed(one);
            if (before != nullptr) {
                if (!instance) refuse(one.id, instance.error());
                take(instance ? *instance : before->instance);
                continue;
            }
            if (!instance) {
                refuse(one.id, instance.error());
            } else if (const auto other = by_address_.find(address_of(*instance));
                       other != by_address_.end()) {
                refuse(one.id,
                       fmt::format("is at {}, where {} is", other->first, other->second.str()));
            } else if (plan_.instances.size() + unregistered() >= config::bounds::instances) {
                refuse(one.id,
                       fmt::format("is one too many; a fleet has at most {} instances",
                                   config::bounds::instances));
            } else {
                plan_.notes.push_back(fmt::format("fleet {}: {} has registered at {}",
                                                  fleet_.name.str(),
                                                  one.id.str(),
                                                  address_of(*instance)));
                take(*instance);
            }
        }
    }

    [[nodiscard]] bool is_registered(const BackendId& id) const {
        return std::ranges::find(registered_, id, &Registration::id) != registered_.end();
    }

    /// Members that nobody speaks for.
    [[nodiscard]] std::size_t unregistered() const {
        return static_cast<std::size_t>(std::ranges::count_if(members_, [&](const auto& m) {
            return !taken_.contains(m.instance.id) && !is_registered(m.instance.id);
        }));
    }

    void take_unregistered() {
        for (const InstanceMember& member : members_) {
            const Instance& instance = member.instance;
            if (taken_.contains(instance.id) || is_registered(instance.id)) continue;
            const auto successor = by_address_.find(address_of(instance));
            if (member.listed) {
                forget(instance, "its fleet's spec does not list it any more");
            } else if (successor != by_address_.end()) {
                forget(instance, fmt::format("{} is at its address now", successor->second.str()));
            } else if (member.removed && member.verdict == Letter::down && !member.doubted) {
                forget(instance, "muster has removed it");
            } else if (is_lost(member)) {
                forget(instance, "it has been unregistered and DOWN for forget_after");
            } else {
                take(instance);
            }
        }
    }

    void forget(const Instance& instance, const std::string& why) {
        plan_.notes.push_back(fmt::format(
            "fleet {}: {} is no instance any more: {}", fleet_.name.str(), instance.id.str(), why));
        plan_.memory.lost.erase(instance.id);
    }

    bool is_lost(const InstanceMember& member) {
        if (member.verdict != Letter::down || member.doubted || !another_serves(member)) {
            look_again(now_ + std::min<std::chrono::nanoseconds>(fleet_.health.forget_after,
                                                                 longest_blindness));
            return false;
        }
        const BackendId& id = member.instance.id;
        const auto known = memory_.lost.find(id);
        const bool is_new = known == memory_.lost.end() || known->second.fell != member.since;
        const InstanceMemory::Lost lost =
            is_new ? InstanceMemory::Lost{.seen = now_, .fell = member.since} : known->second;
        plan_.memory.lost[id] = lost;
        const SteadyTime end = lost.seen + fleet_.health.forget_after;
        if (now_ >= end) return true;
        look_again(end);
        return false;
    }

    void look_again(SteadyTime when) {
        if (!plan_.again || when < *plan_.again) plan_.again = when;
    }

    [[nodiscard]] bool another_serves(const InstanceMember& than) const {
        return std::ranges::any_of(members_, [&](const InstanceMember& other) {
            return other.instance.id != than.instance.id &&
                   (other.verdict == Letter::up || other.verdict == Letter::degraded);
        });
    }

    const config::FleetSpec& fleet_;
    const std::vector<Registration>& registered_;
    const std::vector<InstanceMember>& members_;
    const InstanceMemory& memory_;
    SteadyTime now_;
    InstancePlan plan_;
    std::set<BackendId> taken_;
    std::map<std::string, BackendId> by_address_;
};

}  // namespace

InstancePlan plan_instances(const config::FleetSpec& fleet,
                            const std::vector<Registration>& registered,
                            const std::vector<InstanceMember>& members,
                            const InstanceMemory& memory,
                            SteadyTime now) {
    return Planner(fleet, registered, members, memory, now).run();
}

std::vector<Registration> registrations_of(const follow::ClusterView& view,
                                           const FleetName& fleet) {
    std::vector<Registration> registered;
    for (auto at = view.agents.lower_bound({fleet, InstanceId{}});
         at != view.agents.end() && at->first.first == fleet;
         ++at) {
        const znodes::AgentReport& report = at->second.value;
        registered.push_back({.id = BackendId(at->first.second.str()), .address = report.address});
    }
    return registered;
}

std::vector<std::string> registration_problems(const follow::ClusterView& view,
                                               const FleetName& name,
                                               const config::FleetSpec& fleet) {
    const auto group = view.groups.find(follow::instance_group(name));
    const std::vector<InstanceMember> members =
        group == view.groups.end() ? std::vector<InstanceMember>{} : members_of(group->second);
    std::vector<std::string> problems =
        plan_instances(fleet, registrations_of(view, name), members, {}, SteadyTime{}).problems;
    if (problems.size() > most_problems) {
        const std::size_t more = problems.size() - most_problems + 1;
        problems.resize(most_problems - 1);
        problems.push_back(fmt::format("so are {} more that are registered", more));
    }
    return problems;
}

std::vector<InstanceMember> members_of(const follow::GroupView& group) {
    std::vector<InstanceMember> members;
    for (const Instance& instance : follow::instances_of(group))
        members.push_back({.instance = instance});
    for (const auto& [number, shard] : group.shards) {
        if (!shard.members) continue;
        const std::vector<znodes::Slot>& slots = shard.members->value.slots;
        for (std::size_t i = 0; i < slots.size(); ++i) {
            const auto member = std::ranges::find(
                members, slots[i].backend, [](const auto& m) { return m.instance.id; });
            if (slots[i].tombstone || member == members.end()) continue;
            member->listed = slots[i].listed;
            const follow::Published said = follow::published(shard, i);
            member->verdict = said.verdict;
            if (said.detail != nullptr) member->since = said.detail->since;
            member->doubted = shard.status && shard.status->value.doubt;
        }
    }
    return members;
}

}  // namespace muster::orchestrator
