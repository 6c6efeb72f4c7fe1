#include "dnsupdate/desired.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace muster::dnsupdate {

namespace {

struct Source {
    const PublishedFleet* fleet = nullptr;
    const config::DnsEntry* entry = nullptr;
};

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
    Name(const DnsName& name, std::vector<Source> sources, std::vector<std::string>& problems)
        : name_(name), sources_(std::move(sources)), problems_(problems) {}

    DesiredSet answer(const std::string& view) {
        set_.records.ttl = ttl();
        // In a view its own entries come first; the others as they stand.
        const auto rank = [&](const Source& source) {
            const bool own = !view.empty() && source.entry->location == view;
            return std::pair(own ? 0 : 1, source.entry->priority);
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
        set_weights(set_.records.members);
        return std::move(set_);
    }

 private:
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
            why = instance.why;
        } else if (!active) {
            why = fmt::format("stands by, with priority {}", source.entry->priority);
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
    std::vector<std::string>& problems_;
    DesiredSet set_;
};

}  // namespace

DesiredRecords desired_records(const std::vector<PublishedFleet>& fleets,
                               const std::string& view,
                               bool complete) {
    std::map<DnsName, std::vector<Source>> names;
    for (const PublishedFleet& fleet : fleets) {
        for (const config::DnsEntry& entry : fleet.dns) {
            if (entry.location.empty() || entry.location == view)
                names[DnsName(entry.name)].push_back({.fleet = &fleet, .entry = &entry});
        }
    }
    DesiredRecords result{.desired = {.complete = complete}};
    for (auto& [name, sources] : names)
        result.desired.sets.emplace(name,
                                    Name(name, std::move(sources), result.problems).answer(view));
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

std::vector<int> percents(const std::vector<int>& weights) {
    constexpr std::int64_t whole = 100;
    const auto count = static_cast<std::int64_t>(weights.size());
    if (count == 0 || count > whole) return std::vector<int>(weights.size(), 1);
    const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    std::vector<int> shares(weights.size(), 1);
    std::vector<std::pair<std::int64_t, std::size_t>> remainders;
    std::int64_t left = whole - count;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        // All but the one point that each has anyhow.
        const std::int64_t exact = sum == 0 ? whole : weights[i] * whole;
        const std::int64_t divisor = sum == 0 ? count : sum;
        const std::int64_t more = std::max<std::int64_t>(0, exact / divisor - 1);
        shares[i] += static_cast<int>(more);
        left -= more;
        remainders.emplace_back(exact < divisor ? 0 : exact % divisor, i);
    }
    std::ranges::sort(remainders, [](const auto& one, const auto& other) {
        return std::pair(-one.first, one.second) < std::pair(-other.first, other.second);
    });
    for (std::size_t i = 0; left > 0; i = (i + 1) % remainders.size(), --left)
        ++shares[remainders[i].second];
    // Those that were raised to 1 took it from the largest.
    while (left < 0) {
        --*std::ranges::max_element(shares);
        ++left;
    }
    return shares;
}

}  // namespace muster::dnsupdate
