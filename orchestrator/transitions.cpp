#include "orchestrator/transitions.hpp"

#include "common/follow/instance_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace muster::orchestrator {
namespace {

using Fields = std::map<std::string, std::string>;

/// Bounds what one change of many things can say: beyond max_single_events of a sort it only
/// counts.
class Telling {
 public:
    explicit Telling(WallTime time) : time_(time) {}

    void add(EventKind kind, std::string text, Fields fields) {
        events_.push_back(
            {.time = time_, .kind = kind, .text = std::move(text), .fields = std::move(fields)});
    }

    /// `sort` names the many, in the plural: "backends went DOWN".
    void add_one_of_many(
        EventKind kind, const GroupName& group, std::string sort, std::string text, Fields fields) {
        if (++told_[{kind, sort}] > max_single_events) return;
        fields.emplace("group", group.str());
        add(kind, std::move(text), std::move(fields));
    }

    void end_of(const GroupName& group) {
        for (const auto& [kind_and_sort, count] : told_) {
            if (count <= max_single_events) continue;
            const auto more = count - max_single_events;
            add(kind_and_sort.first,
                fmt::format("{}: {} more {}", group.str(), more, kind_and_sort.second),
                {{"group", group.str()}, {"count", std::to_string(more)}});
        }
        told_.clear();
    }

    [[nodiscard]] std::vector<Event> take() { return std::move(events_); }

 private:
    WallTime time_;
    std::vector<Event> events_;
    std::map<std::pair<EventKind, std::string>, std::size_t> told_;
};

std::string_view spelled(znodes::Letter verdict) {
    switch (verdict) {
        case znodes::Letter::up:
            return "UP";
        case znodes::Letter::down:
            return "DOWN";
        case znodes::Letter::degraded:
            return "DEGRADED";
        case znodes::Letter::unknown:
            break;
    }
    return "UNKNOWN";
}

void tell_session(const Snapshot& before, const Snapshot& after, Telling& telling) {
    if (before.session.state == after.session.state) return;
    std::string_view text = "no answer from ZooKeeper; the last known state stays in use";
    std::string_view state = "connecting";
    switch (after.session.state) {
        case coordination::SessionState::connecting:
            break;
        case coordination::SessionState::connected:
            text = "connected to ZooKeeper";
            state = "connected";
            break;
        case coordination::SessionState::lost:
            text = "the ZooKeeper session is lost; the last known state stays in use";
            state = "lost";
            break;
    }
    telling.add(EventKind::session_changed, std::string(text), {{"state", std::string(state)}});
}

void tell_master(const Snapshot& before, const Snapshot& after, Telling& telling) {
    const auto& was = before.cluster.master;
    const auto& is = after.cluster.master;
    if (!is) {
        if (!was) return;
        telling.add(EventKind::master_changed,
                    fmt::format("{} is no longer master; there is none", was->node.str()),
                    {{"from", was->node.str()}, {"to", ""}});
        return;
    }
    if (was && was->node == is->node && was->epoch == is->epoch) return;
    telling.add(EventKind::master_changed,
                fmt::format("{} is master, epoch {}", is->node.str(), is->epoch),
                {{"from", was ? was->node.str() : ""},
                 {"to", is->node.str()},
                 {"epoch", std::to_string(is->epoch)}});
}

std::string spelled(const znodes::Pause& pause) {
    std::string parts;
    const auto part = [&](bool on, std::string_view name) {
        if (on) parts.append(parts.empty() ? "" : ", ").append(name);
    };
    part(pause.all, "all");
    part(pause.scaling, "scaling");
    part(pause.dns, "dns");
    part(pause.status, "status");
    return parts.empty() ? "nothing" : parts;
}

void tell_pauses(const Snapshot& before, const Snapshot& after, Telling& telling) {
    if (before.cluster.pause != after.cluster.pause) {
        const std::string paused = spelled(after.cluster.pause);
        telling.add(EventKind::pause_changed,
                    fmt::format("paused in the cluster: {}", paused),
                    {{"scope", "cluster"}, {"paused", paused}});
    }
    if (before.self.paused != after.self.paused) {
        telling.add(
            EventKind::pause_changed,
            fmt::format(
                "{} is {}", after.self.node.str(), after.self.paused ? "paused" : "resumed"),
            {{"scope", "node"},
             {"node", after.self.node.str()},
             {"reason", after.self.pause_reason}});
    }
}

void tell_member_change(const NodeRow& was, const NodeRow& is, Telling& telling) {
    const Fields fields{{"node", is.id.str()}};
    const auto tell = [&](std::string_view what) {
        telling.add(EventKind::member_changed, fmt::format("{} {}", is.id.str(), what), fields);
    };
    if (was.incarnation != is.incarnation) tell("was restarted");
    if (was.doubt != is.doubt) {
        tell(is.doubt ? "doubts its own verdicts" : "trusts its own verdicts again");
    }
    if (was.draining != is.draining) tell(is.draining ? "is leaving" : "takes work again");
}

void tell_members(const Snapshot& before, const Snapshot& after, Telling& telling) {
    for (const NodeRow& was : before.nodes) {
        if (after.node(was.id) == nullptr) {
            telling.add(EventKind::member_left,
                        fmt::format("{} left", was.id.str()),
                        {{"node", was.id.str()}});
        }
    }
    for (const NodeRow& is : after.nodes) {
        if (const NodeRow* was = before.node(is.id)) {
            tell_member_change(*was, is, telling);
        } else {
            telling.add(EventKind::member_joined,
                        fmt::format("{} joined", is.id.str()),
                        {{"node", is.id.str()}, {"zone", is.zone}});
        }
    }
}

void tell_health(const GroupRow& group, const BackendRow& was, const BackendRow& is, Telling& t) {
    if (was.verdict == is.verdict) return;
    const bool known_before = was.verdict != znodes::Letter::unknown;
    const bool known_now = is.verdict != znodes::Letter::unknown;
    if ((!known_before || !known_now) && is.verdict != znodes::Letter::down) return;
    t.add_one_of_many(EventKind::health_changed,
                      group.name(),
                      fmt::format("backends went {}", spelled(is.verdict)),
                      fmt::format("{}/{} went {}{}{}",
                                  group.name().str(),
                                  is.id.str(),
                                  spelled(is.verdict),
                                  is.reason.empty() ? "" : ": ",
                                  is.reason),
                      {{"backend", is.id.str()},
                       {"from", std::string(spelled(was.verdict))},
                       {"to", std::string(spelled(is.verdict))},
                       {"reason", is.reason}});
}

void tell_rotation(const GroupRow& group, const BackendRow& was, const BackendRow& is, Telling& t) {
    using znodes::RotationReason;
    // Panic is told once for the whole group.
    if (was.rotation_reason == RotationReason::panic ||
        is.rotation_reason == RotationReason::panic) {
        return;
    }
    const bool capped = is.rotation_reason == RotationReason::eject_capped &&
                        was.rotation_reason != RotationReason::eject_capped;
    // A step in or out that goes with a change of verdict is what the health event already says.
    const bool on_its_own = was.in_rotation != is.in_rotation && was.verdict == is.verdict;
    if (!capped && !on_its_own) return;
    const std::string_view what = capped           ? "stays in rotation although DOWN"
                                  : is.in_rotation ? "is in rotation"
                                                   : "is out of rotation";
    const std::string reason(znodes::to_string(is.rotation_reason));
    t.add_one_of_many(
        EventKind::rotation_changed,
        group.name(),
        is.in_rotation ? "backends are in rotation" : "backends are out of rotation",
        fmt::format("{}/{} {}: {}", group.name().str(), is.id.str(), what, reason),
        {{"backend", is.id.str()}, {"in", is.in_rotation ? "true" : "false"}, {"reason", reason}});
}

void tell_backends(const GroupRow* before, const GroupRow& after, Telling& telling) {
    const BackendRow unseen;
    for (const BackendRow& is : after.backends) {
        const BackendRow* was = before != nullptr ? before->backend(is.id) : nullptr;
        tell_health(after, was != nullptr ? *was : unseen, is, telling);
        if (was != nullptr) tell_rotation(after, *was, is, telling);
    }
}

void tell_shards(const GroupRow* before, const GroupRow& after, Telling& telling) {
    for (const ShardRow& is : after.shards) {
        const ShardRow* was = before != nullptr ? before->shard(is.number) : nullptr;
        const NodeId from = was != nullptr ? was->owner : NodeId{};
        if (from == is.owner) continue;
        const std::string id = ShardId{.group = after.name(), .number = is.number}.str();
        std::string text;
        if (is.owner.empty()) {
            text = fmt::format("{} lost its owner {}", id, from.str());
        } else if (from.empty()) {
            text = fmt::format("{} is probed by {}", id, is.owner.str());
        } else {
            text = fmt::format("{} moved from {} to {}", id, from.str(), is.owner.str());
        }
        telling.add_one_of_many(EventKind::shard_moved,
                                after.name(),
                                "shards moved",
                                std::move(text),
                                {{"shard", id}, {"from", from.str()}, {"to", is.owner.str()}});
    }
}

void tell_config(const GroupRow* before, const GroupRow& after, Telling& telling) {
    // That of LBs is told of their fleet.
    if (follow::fleet_of(after.name())) return;
    const bool same_life = before != nullptr && before->uid == after.uid;
    if (same_life && before->generation == after.generation) return;
    telling.add(EventKind::config_applied,
                fmt::format("{} {}: generation {}, {} backends{}{}",
                            after.name().str(),
                            same_life ? "was changed" : "was created",
                            after.generation,
                            after.backends.size(),
                            after.author.empty() ? "" : ", by ",
                            after.author),
                {{"group", after.name().str()},
                 {"generation", std::to_string(after.generation)},
                 {"author", after.author}});
}

void tell_panic(const GroupRow* before, const GroupRow& after, Telling& telling) {
    const bool was = before != nullptr && before->panic;
    if (was == after.panic) return;
    const std::string_view what = after.panic ? "panic: all enabled backends get traffic"
                                              : "panic is over: only healthy backends get traffic";
    telling.add(
        EventKind::panic_changed,
        fmt::format("{}: {}, {} % are healthy", after.name().str(), what, after.healthy_percent),
        {{"group", after.name().str()}, {"panic", after.panic ? "true" : "false"}});
}

void tell_groups(const Snapshot& before, const Snapshot& after, Telling& telling) {
    for (const auto& was : before.groups) {
        if (after.group(was->name()) != nullptr || follow::fleet_of(was->name())) continue;
        telling.add(EventKind::group_removed,
                    fmt::format("{} was removed", was->name().str()),
                    {{"group", was->name().str()}});
    }
    for (const auto& is : after.groups) {
        const GroupRow* was = before.group(is->name());
        if (was == is.get()) continue;
        tell_config(was, *is, telling);
        tell_panic(was, *is, telling);
        tell_backends(was, *is, telling);
        tell_shards(was, *is, telling);
        telling.end_of(is->name());
    }
}

void tell_fleets(const Snapshot& before, const Snapshot& after, Telling& telling) {
    for (const FleetRow& was : before.fleets) {
        if (after.fleet(was.name()) != nullptr) continue;
        telling.add(EventKind::fleet_removed,
                    fmt::format("fleet {} was removed", was.name().str()),
                    {{"fleet", was.name().str()}});
    }
    for (const FleetRow& is : after.fleets) {
        const FleetRow* was = before.fleet(is.name());
        const bool same_life = was != nullptr && was->uid == is.uid;
        if (same_life && was->generation == is.generation) continue;
        telling.add(EventKind::config_applied,
                    fmt::format("fleet {} {}: generation {}{}{}",
                                is.name().str(),
                                same_life ? "was changed" : "was created",
                                is.generation,
                                is.author.empty() ? "" : ", by ",
                                is.author),
                    {{"fleet", is.name().str()},
                     {"generation", std::to_string(is.generation)},
                     {"author", is.author}});
    }
}

std::string spelled(const znodes::Percents& percents) {
    std::string text;
    for (const auto& [party, percent] : percents)
        text += fmt::format("{}{} {} %", text.empty() ? "" : ", ", party, percent);
    return text.empty() ? "as the fleets say" : text;
}

void tell_shifts(const Snapshot& before, const Snapshot& after, Telling& telling) {
    for (const auto& [name, is] : after.shifts) {
        const auto was = before.shifts.find(name);
        if (was != before.shifts.end() && was->second.id == is.id &&
            was->second.phase == is.phase && was->second.now == is.now)
            continue;
        telling.add(
            EventKind::traffic_shifted,
            fmt::format("traffic of {}: {}, now {}{}{}",
                        name,
                        to_string(is.phase),
                        spelled(is.now),
                        is.why.empty() ? "" : ": ",
                        is.why),
            {{"name", name}, {"phase", std::string(to_string(is.phase))}, {"author", is.author}});
    }
    for (const auto& [name, was] : before.shifts) {
        if (after.shifts.contains(name)) continue;
        telling.add(EventKind::traffic_shifted,
                    fmt::format("traffic of {}: as the fleets say again", name),
                    {{"name", name}, {"phase", "forgotten"}});
    }
}

}  // namespace

std::vector<Event> transitions(const Snapshot& before, const Snapshot& after) {
    Telling telling(after.time);
    tell_session(before, after, telling);
    tell_master(before, after, telling);
    tell_pauses(before, after, telling);
    if (!before.cluster.uuid.empty()) {
        tell_members(before, after, telling);
        tell_groups(before, after, telling);
        tell_fleets(before, after, telling);
        tell_shifts(before, after, telling);
    }
    return telling.take();
}

std::shared_ptr<const std::vector<Event>> append_events(
    const std::shared_ptr<const std::vector<Event>>& ring, std::vector<Event> news) {
    if (news.empty()) return ring;
    auto next = std::make_shared<std::vector<Event>>();
    if (ring) *next = *ring;
    std::int64_t id = next->empty() ? 0 : next->back().id;
    for (Event& event : news) {
        event.id = ++id;
        next->push_back(std::move(event));
    }
    if (next->size() > max_kept_events) {
        next->erase(next->begin(), next->end() - static_cast<std::ptrdiff_t>(max_kept_events));
    }
    return next;
}

}  // namespace muster::orchestrator
