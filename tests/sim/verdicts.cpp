#include "tests/sim/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;
using znodes::Letter;

namespace {

constexpr int most_voters = 5;

/// For how long a verdict may be the opposite of the truth: until as many probes as it takes have
/// been made, at the slowest cadence and the slowest clock, been confirmed by peers, and been
/// published.
std::chrono::nanoseconds evidence_window(const config::CheckSpec& check) {
    const auto slowest = std::max({check.interval,
                                   check.fast_interval.value_or(check.interval),
                                   check.down_interval.value_or(check.interval)});
    const auto votes = most_voters * (check.timeout + 300ms);
    return (std::max(check.rise, check.fall) + 1) * slowest * 9 / 8 + check.timeout + votes + 1s;
}

// For so long after garbage was replaced, someone may still find out what it made him forget.
constexpr std::chrono::nanoseconds garbage_memory = 60s;

char text(Letter letter) {
    return static_cast<char>(letter);
}

}  // namespace

void Verdicts::vandalised(const GroupName& group, std::string_view path) {
    groups_[group].garbage.emplace(path);
    groups_[group].garbage_until = world_.clock.now();
}

void Verdicts::replaced(const GroupName& group, std::string_view path) {
    Group& known = groups_[group];
    const auto found = known.garbage.find(path);
    if (found == known.garbage.end()) return;
    known.garbage.erase(found);
    known.garbage_until = world_.clock.now();
}

void Verdicts::on_members(const ShardId& shard, const std::string* data) {
    if (data == nullptr) {
        shards_.erase(shard);
        return;
    }
    const auto decoded = znodes::decode<znodes::ShardMembers>(*data, World::cluster);
    if (!decoded) return;
    shards_[shard] = {
        .group_uid = decoded->group_uid, .layout = decoded->layout, .slots = decoded->slots};
    Group& group = groups_[shard.group];
    if (group.uid != decoded->group_uid) group.backends.clear();
    group.uid = decoded->group_uid;
}

void Verdicts::on_status(const ShardId& shard, const std::string* data, std::string_view writer) {
    if (data == nullptr || writer.empty()) return;
    const auto decoded = znodes::decode<znodes::ShardStatus>(*data, World::cluster);
    if (!decoded) return wrong(fmt::format("{} wrote an unreadable status", writer));
    const znodes::ShardStatus& status = *decoded;
    const Shard& known = shards_[shard];
    if (status.group_uid != known.group_uid || status.layout != known.layout) {
        wrong(fmt::format("{}: {} published layout {} of {}, members are layout {} of {}",
                          shard.str(),
                          writer,
                          status.layout,
                          status.group_uid,
                          known.layout,
                          known.group_uid));
        return;
    }
    const SteadyTime now = world_.clock.now();
    const auto host = world_.hosts.find(std::string(writer));
    const auto lag = host != world_.hosts.end() ? host->second.lag(now) : 0ns;
    Group& group = groups_[shard.group];
    for (std::size_t i = 0; i < known.slots.size(); ++i) {
        const std::string& address = known.slots[i].address;
        if (known.slots[i].tombstone) continue;
        Published next{.when = now};
        if (i < status.letters.size()) next.letter = status.letters[i];
        const auto detail = status.details.find(static_cast<int>(i));
        if (detail != status.details.end()) next.since = detail->second.since;
        judge(shard, group, address, next, std::string(writer), lag);
        group.backends[address] = next;
    }
}

/// One whose eyes were bad lately, and had no two others of good eyes to ask all the while: its own
/// word counts then.
bool Verdicts::nobody_to_ask(const std::string& writer, std::chrono::nanoseconds window) const {
    const SteadyTime now = world_.clock.now();
    const auto own = world_.hosts.find(writer);
    if (own == world_.hosts.end() || own->second.sees_for(window, now)) return false;
    int others = 0;
    for (const auto& [id, host] : world_.hosts) {
        if (id == writer) continue;
        // Two that see the same wrong thing agree.
        if (!host.sees_for(window, now)) return true;
        others += host.calm_for(window, now) ? 1 : 0;
    }
    return others < 2 || own->second.troubles > 0 || now - own->second.trouble_until < window ||
           !world_.serving();
}

void Verdicts::judge(const ShardId& shard,
                     const Group& group,
                     const std::string& address,
                     const Published& next,
                     const std::string& writer,
                     std::chrono::nanoseconds lag) {
    const auto truth = world_.backends.find(address);
    const auto wanted = world_.groups.find(shard.group);
    if (truth == world_.backends.end() || wanted == world_.groups.end() || !wanted->second.spec)
        return;
    const SteadyTime now = world_.clock.now();
    const Backend& backend = truth->second;
    const auto window = evidence_window(wanted->second.spec->check) + lag;
    const auto was = group.backends.find(address);
    const bool first = was == group.backends.end();
    const Letter before = first ? Letter::unknown : was->second.letter;
    // It was out of the configuration since the last publishing: its verdict starts anew.
    const SteadyTime inactive_until = backend.active ? backend.inactive_until : now;
    const bool interrupted = first || inactive_until + window >= was->second.when ||
                             !group.garbage.empty() || now - group.garbage_until < garbage_memory;

    if (next.letter != before) {
        ++changes_;
        if (next.letter == Letter::unknown) {
            if (!interrupted)
                wrong(fmt::format(
                    "{}: {} went from {} to unknown", shard.str(), address, text(before)));
            return;
        }
        const bool says_up = next.letter != Letter::down;
        if (!says_up && nobody_to_ask(writer, window)) return;
        if (says_up != backend.healthy && now - backend.since > window) {
            wrong(fmt::format("{}: {} was published {} and has been {} for {:.1f} s",
                              shard.str(),
                              address,
                              text(next.letter),
                              backend.healthy ? "healthy" : "dead",
                              std::chrono::duration<double>(now - backend.since).count()));
        }
        return;
    }
    if (next.letter == Letter::unknown || interrupted || next.since == was->second.since) return;
    // The same verdict since another time: it must have been another one in between.
    if (backend.since + window < was->second.when) {
        wrong(fmt::format("{}: the since-time of {} ({}) moved by {} ms without a change",
                          shard.str(),
                          address,
                          text(next.letter),
                          (next.since - was->second.since).count()));
    }
}

std::vector<std::string> Verdicts::differences() const {
    std::vector<std::string> found;
    for (const auto& [name, group] : world_.groups) {
        if (!group.spec) continue;
        const auto found_group = groups_.find(name);
        static const std::map<std::string, Published> none;
        const auto& known = found_group != groups_.end() ? found_group->second.backends : none;
        for (const config::Backend& configured : group.spec->backends) {
            const std::string& address = configured.id.str();
            const Backend& backend = world_.backends.at(address);
            if (!backend.active) continue;
            const auto published = known.find(address);
            const Letter truth = backend.healthy ? Letter::up : Letter::down;
            if (published == known.end() || published->second.letter != truth) {
                found.push_back(
                    fmt::format("{} of {} is {} and published as {}",
                                address,
                                name.str(),
                                backend.healthy ? "healthy" : "dead",
                                published == known.end() ? '-' : text(published->second.letter)));
            }
        }
    }
    return found;
}

}  // namespace muster::sim
