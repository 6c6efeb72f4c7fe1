#include "dnsupdate/desired.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace muster::dnsupdate {

namespace {

struct Source {
    const PublishedFleet* fleet = nullptr;
    const config::DnsEntry* entry = nullptr;
    std::size_t turn = 0;  ///< of its location in this view
};

std::size_t turn_of(const std::string& location,
                    const std::string& view,
                    const std::vector<std::string>& fallback) {
    if (location == view) return 0;
    if (location.empty()) return 1;
    const auto next = std::ranges::find(fallback, location);
    return 2 + static_cast<std::size_t>(next - fallback.begin());
}

bool is_asked_for(const PublishedInstance& instance, const config::DnsEntry& entry) {
    // An SRV record needs the address of its target.
    const bool srv_alone = entry.types == std::set{config::DnsType::srv};
    if (srv_alone) return true;
    return entry.types.contains(config::is_ipv4(instance.address) ? config::DnsType::a
                                                                  : config::DnsType::aaaa);
}

/// Why it can't be published, whatever its health.
std::string impossible(const PublishedInstance& instance, const config::DnsEntry& entry) {
    if (!config::is_ipv4(instance.address) && !config::is_ipv6(instance.address))
        return fmt::format("its address {} is a name", instance.address);
    if (!config::is_destination(instance.address))
        return fmt::format("nothing can be at {}", instance.address);
    if (!instance.unfit.empty()) return instance.unfit;
    if (!is_asked_for(instance, entry)) return "its address is of a type that isn't published";
    return {};
}

bool has_healthy(const Source& source) {
    return std::ranges::any_of(source.fleet->instances, [&](const PublishedInstance& instance) {
        return instance.in && instance.standing != Standing::failing &&
               impossible(instance, *source.entry).empty();
    });
}

void set_weights(std::map<MemberId, Member>& members) {
    std::map<int, std::vector<Member*>> by_priority;
    for (auto& [id, member] : members) by_priority[member.priority].push_back(&member);
    for (auto& [priority, pool] : by_priority) {
        std::vector<int> weights;
        for (const Member* member : pool) weights.push_back(member->weight);
        const std::vector<int> shares = percents(weights);
        for (std::size_t i = 0; i < pool.size(); ++i) pool[i]->weight = shares[i];
    }
}

class Name {
 public:
    Name(const DnsName& name,
         std::vector<Source> sources,
         const Shifted& shifted,
         std::vector<std::string>& problems)
        : name_(name),
          sources_(std::move(sources)),
          shifted_(shifted),
          shares_(shares_of(name, shifted)),
          problems_(problems) {}

    DesiredSet answer() {
        set_.records.ttl = ttl();
        const auto rank = [](const Source& source) {
            return std::pair(source.turn, source.entry->priority);
        };
        std::ranges::sort(sources_, {}, [&](const Source& source) {
            return std::tuple(rank(source), source.fleet->name, source.entry->location);
        });
        const auto first = std::ranges::find_if(sources_, has_healthy);
        for (const Source& source : sources_) {
            const bool active = first == sources_.end() || rank(source) == rank(*first);
            for (const PublishedInstance& instance : source.fleet->instances)
                add(source, instance, active);
        }
        if (shares_ != nullptr && !shares_->percents.empty() && first != sources_.end()) {
            share_out();
        } else {
            set_weights(set_.records.members);
        }
        return std::move(set_);
    }

    /// After answer(): how it came out.
    [[nodiscard]] std::optional<SharedName> shared(const DesiredSet& set) {
        if (shares_ == nullptr) return std::nullopt;
        SharedName name{.asked = shares_->percents, .ttl = set.records.ttl};
        for (const Source& source : sources_) {
            for (const PublishedInstance& instance : source.fleet->instances) {
                if (!impossible(instance, *source.entry).empty()) continue;
                Party& party = name.parties[party_of(source, instance)];
                ++party.known;
                if (instance.in && instance.standing == Standing::good) ++party.good;
                if (instance.in && instance.standing == Standing::failing) ++party.failing;
            }
        }
        for (const auto& [party, percent] : given(set)) name.parties[party].percent = percent;
        return name;
    }

 private:
    static const Shares* shares_of(const DnsName& name, const Shifted& shifted) {
        const auto found = shifted.names.find(name);
        return found == shifted.names.end() ? nullptr : &found->second;
    }

    [[nodiscard]] std::string party_of(const Source& source,
                                       const PublishedInstance& instance) const {
        return shares_->by == znodes::ShiftBy::fleet ? source.fleet->name.str() : instance.zone;
    }

    [[nodiscard]] bool has_weights() const {
        return std::ranges::any_of(sources_, [](const Source& source) {
            return source.entry->types.contains(config::DnsType::srv);
        });
    }

    void share_out() {
        Turn turn = take_turns(candidates_,
                               shares_->percents,
                               has_weights() ? Answered::with_weights : Answered::by_address,
                               slot_at(shifted_.now, set_.records.ttl));
        for (const auto& [id, weight] : turn.published) set_.records.members.at(id).weight = weight;
        for (auto& [id, why] : turn.left_out) {
            set_.records.members.erase(id);
            if (!turn.unproven.contains(id)) set_.unproven.erase(id);
            set_.left_out.insert_or_assign(id, std::move(why));
        }
        set_.resting = std::move(turn.resting);
        given_ = std::move(turn.given);
    }

    [[nodiscard]] znodes::Percents given(const DesiredSet& set) const {
        if (!given_.empty()) return given_;
        std::map<std::string, int> sums;
        for (const Candidate& one : candidates_) {
            const auto member = set.records.members.find(one.id);
            if (member != set.records.members.end())
                sums[one.party] += has_weights() ? member->second.weight : 1;
        }
        std::vector<int> weights;
        for (const auto& [party, sum] : sums) weights.push_back(sum);
        const std::vector<int> shares = percents(weights);
        std::size_t next = 0;
        znodes::Percents given;
        for (const auto& [party, sum] : sums) given.emplace(party, shares[next++]);
        return given;
    }

    [[nodiscard]] Ttl ttl() {
        config::Duration shortest = sources_.front().entry->ttl;
        for (const Source& source : sources_) {
            if (source.entry->ttl != shortest)
                problems_.push_back(
                    fmt::format("{} has TTLs of its own in fleet {}: the shortest counts",
                                name_.str(),
                                source.fleet->name.str()));
            shortest = std::min(shortest, source.entry->ttl);
        }
        return std::chrono::duration_cast<Ttl>(shortest);
    }

    void add(const Source& source, const PublishedInstance& instance, bool active) {
        const MemberId id = member_id(source.fleet->name, instance.id);
        if (set_.records.members.contains(id)) return;
        std::string why = impossible(instance, *source.entry);
        if (!why.empty()) {
            problems_.push_back(fmt::format("{} of fleet {} is not published as {}: {}",
                                            instance.id.str(),
                                            source.fleet->name.str(),
                                            name_.str(),
                                            why));
        } else if (!instance.in) {
            why = instance.why.empty() ? "is not in rotation" : instance.why;
        } else if (!active) {
            why = fmt::format("stands by, with priority {}", source.entry->priority);
            if (source.turn > 0 && !source.entry->location.empty())
                why += " in " + source.entry->location;
        } else if (taken(instance.address)) {
            why = "another instance has its address";
        }
        if (!why.empty()) {
            set_.left_out.emplace(id, std::move(why));
            return;
        }
        const bool srv = source.entry->types.contains(config::DnsType::srv);
        const std::uint16_t port = source.entry->port != 0 ? source.entry->port : instance.port;
        const auto weight = std::int64_t{source.entry->weight} * instance.weight;
        set_.records.members.emplace(
            id,
            Member{.address = instance.address,
                   .port = srv ? port : std::uint16_t{0},
                   .priority = source.entry->priority,
                   .weight = static_cast<int>(std::clamp<std::int64_t>(weight, 1, 1'000'000'000))});
        if (shares_ != nullptr)
            candidates_.push_back({.id = id,
                                   .party = party_of(source, instance),
                                   .weight = set_.records.members.at(id).weight,
                                   .failing = instance.standing == Standing::failing,
                                   .unproven = instance.standing == Standing::unproven});
        if (instance.standing != Standing::good) set_.unproven.insert(id);
        set_.left_out.erase(id);
    }

    [[nodiscard]] bool taken(const std::string& address) const {
        return std::ranges::any_of(set_.records.members, [&](const auto& known) {
            return known.second.address == address;
        });
    }

    const DnsName& name_;
    std::vector<Source> sources_;
    const Shifted& shifted_;
    const Shares* shares_;  ///< null: it has none
    std::vector<std::string>& problems_;
    DesiredSet set_;
    std::vector<Candidate> candidates_;  ///< only with shares
    znodes::Percents given_;
};

}  // namespace

DesiredRecords desired_records(const std::vector<PublishedFleet>& fleets,
                               const std::string& view,
                               bool complete,
                               const std::vector<std::string>& fallback,
                               const Shifted& shifted) {
    std::map<DnsName, std::vector<Source>> names;
    for (const PublishedFleet& fleet : fleets) {
        for (const config::DnsEntry& entry : fleet.dns)
            names[DnsName(entry.name)].push_back({.fleet = &fleet,
                                                  .entry = &entry,
                                                  .turn = turn_of(entry.location, view, fallback)});
    }
    DesiredRecords result{.desired = {.complete = complete}};
    for (auto& [name, sources] : names) {
        Name one(name, std::move(sources), shifted, result.problems);
        const DesiredSet& set = result.desired.sets.emplace(name, one.answer()).first->second;
        if (auto shared = one.shared(set)) result.shared.emplace(name, *std::move(shared));
    }
    return result;
}

MemberId member_id(const FleetName& fleet, const InstanceId& instance) {
    const std::string label = fleet.str() + "-" + instance.str();
    if (config::rules::published_label(label).empty()) return MemberId(label);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    // A fleet's name has no slash.
    const std::string whole = fleet.str() + "/" + instance.str();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what OpenSSL asks for.
    SHA256(reinterpret_cast<const unsigned char*>(whole.data()), whole.size(), digest.data());
    std::string text = "lb-";
    for (std::size_t i = 0; i < 8; ++i) text += fmt::format("{:02x}", digest[i]);
    return MemberId(text);
}

}  // namespace muster::dnsupdate
