#include "tests/sim/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;
using znodes::Letter;

namespace {

/// For how long a verdict may be the opposite of the truth: until as many probes as it takes have
/// been made, at the slowest cadence and the slowest clock, and been published.
std::chrono::nanoseconds evidence_window(const config::CheckSpec& check) {
    const auto slowest = std::max({check.interval,
                                   check.fast_interval.value_or(check.interval),
                                   check.down_interval.value_or(check.interval)});
    return (std::max(check.rise, check.fall) + 1) * slowest * 9 / 8 + check.timeout + 1s;
}

char text(Letter letter) {
    return static_cast<char>(letter);
}

}  // namespace

void Verdicts::on_members(const ShardId& shard, const std::string* data) {
    if (data == nullptr) {
        shards_.erase(shard);
        return;
    }
    const auto decoded = znodes::decode<znodes::ShardMembers>(*data, World::cluster);
    if (!decoded) return;
    Shard& known = shards_[shard];
    if (known.group_uid != decoded->group_uid) known.by_backend.clear();
    known.group_uid = decoded->group_uid;
    known.layout = decoded->layout;
    known.slots = decoded->slots;
}

void Verdicts::on_status(const ShardId& shard, const std::string* data, std::string_view writer) {
    if (data == nullptr) return;
    const auto decoded = znodes::decode<znodes::ShardStatus>(*data, World::cluster);
    Shard& known = shards_[shard];
    if (!decoded) {
        if (!writer.empty()) wrong(fmt::format("{} wrote an unreadable status", writer));
        return;
    }
    if (writer.empty()) return;
    const znodes::ShardStatus& status = *decoded;
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
    for (std::size_t i = 0; i < known.slots.size(); ++i) {
        if (known.slots[i].tombstone) {
            known.by_backend.erase(known.slots[i].address);
            continue;
        }
        Published next;
        if (i < status.letters.size()) next.letter = status.letters[i];
        const auto detail = status.details.find(static_cast<int>(i));
        if (detail != status.details.end()) next.since = detail->second.since;
        judge(shard, known, known.slots[i].address, next, lag);
        known.by_backend[known.slots[i].address] = next;
    }
    known.published = now;
    const bool all_known = std::ranges::all_of(
        known.by_backend, [](const auto& item) { return item.second.letter != Letter::unknown; });
    if (all_known) known.tainted = false;
}

void Verdicts::judge(const ShardId& shard,
                     Shard& known,
                     const std::string& address,
                     const Published& next,
                     std::chrono::nanoseconds lag) {
    const auto truth = world_.backends.find(address);
    const auto group = world_.groups.find(shard.group);
    if (truth == world_.backends.end() || group == world_.groups.end() || !group->second.spec)
        return;
    const SteadyTime now = world_.clock.now();
    const Backend& backend = truth->second;
    const auto window = evidence_window(group->second.spec->check) + lag;
    const auto was = known.by_backend.find(address);
    const Letter before = was == known.by_backend.end() ? Letter::unknown : was->second.letter;
    // It was out of the configuration since the last publishing: its verdict starts anew.
    const SteadyTime inactive_until = backend.active ? backend.inactive_until : now;
    const bool interrupted = known.tainted || inactive_until + window >= known.published ||
                             was == known.by_backend.end();

    if (next.letter != before) {
        ++changes_;
        if (next.letter == Letter::unknown) {
            if (!interrupted)
                wrong(fmt::format(
                    "{}: {} went from {} to unknown", shard.str(), address, text(before)));
            return;
        }
        const bool says_up = next.letter != Letter::down;
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
    if (backend.since + window < known.published) {
        wrong(fmt::format("{}: the since-time of {} ({}) moved by {} ms without a change",
                          shard.str(),
                          address,
                          text(next.letter),
                          (next.since - was->second.since).count()));
    }
}

std::vector<std::string> Verdicts::differences() const {
    std::vector<std::string> found;
    std::map<std::string, Letter> letters;
    for (const auto& [shard, known] : shards_) {
        for (const auto& [address, published] : known.by_backend)
            letters[address] = published.letter;
    }
    for (const auto& [name, group] : world_.groups) {
        if (!group.spec) continue;
        for (const config::Backend& configured : group.spec->backends) {
            const std::string& address = configured.id.str();
            const Backend& backend = world_.backends.at(address);
            if (!backend.active) continue;
            const auto letter = letters.find(address);
            const Letter truth = backend.healthy ? Letter::up : Letter::down;
            if (letter == letters.end() || letter->second != truth) {
                found.push_back(
                    fmt::format("{} of {} is {} and published as {}",
                                address,
                                name.str(),
                                backend.healthy ? "healthy" : "dead",
                                letter == letters.end() ? '-' : static_cast<char>(letter->second)));
            }
        }
    }
    return found;
}

}  // namespace muster::sim
