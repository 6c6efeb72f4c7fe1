#pragma once

#include "common/base/result.hpp"
#include "dnsupdate/dns_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A plan that a person looks at, keeps in a file and then has carried out. The file is a consent,
// not a command: the plan is made anew from the same request, and must come out the same. So an
// edited file can't write what muster wouldn't, and a stale one is refused. Pure.
namespace muster::dnsupdate {

/// What a plan is asked for.
struct PlanRequest {
    std::set<DnsName> names;  ///< of these alone; empty: of all
    std::set<DnsName> adopt;  ///< what others have at these names is taken over
    std::set<DnsName> empty;  ///< these may lose all that they have
    bool operator==(const PlanRequest&) const = default;
};

/// What is to be written at one name.
struct PlannedWrite {
    DnsName name;
    std::string version;  ///< of its anchor when it was read; empty: there was none
    std::int64_t generation = 1;
    Ttl ttl{0};
    bool empties = false;  ///< nothing is left of it
    std::map<MemberId, Member> puts;
    std::set<MemberId> removals;
    std::set<std::pair<std::string, std::string>> moved_aside;  ///< keys and their versions
    bool operator==(const PlannedWrite&) const = default;
};

/// A plan for one store, with all that must not have moved when it is carried out.
struct OperatorPlan {
    std::string cluster;  ///< its uuid
    std::string store;
    Token token;  ///< of the fence under which the store was read
    std::int64_t revision = 0;
    std::int64_t term = 0;
    PlanRequest request;
    std::map<DnsName, PlannedWrite> writes;
    std::vector<PlanLine> lines;  ///< for people; not read from a file
    bool operator==(const OperatorPlan&) const = default;
};

/// The planner's policy for a person's plan: neither a budget nor a wait holds removals, but no
/// name is emptied that the request doesn't name.
[[nodiscard]] PlanPolicy policy_of(const PlanRequest& request, PlanPolicy rounds);

/// Those writes and lines of `made` that the request is about.
[[nodiscard]] Plan only_asked_for(Plan made, const PlanRequest& request);

/// To each line that `rounds` holds back: why.
void tell_what_waits(std::vector<PlanLine>& lines, const std::vector<PlanLine>& rounds);

[[nodiscard]] std::map<DnsName, PlannedWrite> planned(const std::vector<SetWrite>& writes);

/// Which guards of `file` have moved, in sentences; empty: it may be carried out.
[[nodiscard]] std::vector<std::string> moved_guards(const OperatorPlan& file,
                                                    const OperatorPlan& now);

/// What can't be done as it is asked for, in a sentence; empty: all can.
[[nodiscard]] std::string what_is_impossible(const PlanRequest& request,
                                             const Desired& desired,
                                             const Observed& observed);

inline constexpr std::size_t max_plan_bytes = 8UZ << 20U;

[[nodiscard]] std::string encode(const std::vector<OperatorPlan>& plans);
/// Anyone may have written it. The error says where it is wrong ("plans/0/writes/2/name").
[[nodiscard]] Result<std::vector<OperatorPlan>> decode_plans(std::string_view text);

}  // namespace muster::dnsupdate
