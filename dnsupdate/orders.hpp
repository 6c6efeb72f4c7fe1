#pragma once

#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/operator_plan.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// What a person has an updater do, between its rounds and under its own fence.
namespace muster::dnsupdate {

struct Order {
    enum class Verb : std::uint8_t {
        look,          ///< at `request.names`: reads the store, writes nothing
        plan,          ///< reads the store, writes nothing
        apply,         ///< carries out `plan`, if it comes out the same again
        show_fence,    ///< reads it
        repair_fence,  ///< puts ours in the place of one that is missing or unreadable
        bootstrap,     ///< puts ours in the place of anything
    };
    Verb verb = Verb::plan;
    std::string cluster;  ///< uuid
    PlanRequest request;
    OperatorPlan plan{};             ///< of `apply`
    std::set<DnsName> empty{};       ///< of `apply`: said again, of each name that it empties
    std::string expected_version{};  ///< of `repair_fence`
};

/// One name, as just read.
struct NameNow {
    std::optional<ObservedSet> observed;
    std::optional<DesiredSet> desired;
    std::vector<PlanLine> lines;  ///< of the planner's next round
    std::vector<Stray> strays;    ///< that touch it
    /// When this office saw that generation for the first time; nothing: it has none.
    std::optional<WallTime> since;
    bool operator==(const NameNow&) const = default;
};

/// What a name's records in a store differ in from what is desired.
struct NameDifference {
    DnsName name;
    std::vector<std::string> sentences;  ///< "+ lb-1 10.0.0.1", "- lb-2 10.0.0.2", "~ lb-3 ..."
    bool operator==(const NameDifference&) const = default;
};
[[nodiscard]] std::vector<NameDifference> differences(const Desired& desired,
                                                      const Observed& observed);

struct OrderDone {
    OperatorPlan plan;                        ///< plan, apply
    std::vector<NameDifference> differences;  ///< plan
    std::vector<std::string> refused;  ///< apply: what has moved, or was not said; nothing written
    std::vector<WriteResult> results;  ///< apply
    StoredFence fence;                 ///< show, and as it was before repair or bootstrap
    std::string mine;                  ///< the fence of this office
    std::optional<Claim> judged;       ///< what a claim would come to; nothing: not known
    bool replaced = false;             ///< repair, bootstrap
    std::map<DnsName, NameNow> names;  ///< look
};

}  // namespace muster::dnsupdate
