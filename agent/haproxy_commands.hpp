#pragma once

#include "agent/haproxy_settings.hpp"
#include "agent/haproxy_state.hpp"
#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// From what an LB is to do and what HAProxy does: the commands of its Runtime API that lie between.
// Pure.
namespace muster::agent {

struct HaproxyPlan {
    std::vector<std::string> commands;  ///< in order
    std::vector<std::string> reload;    ///< why run time doesn't suffice; empty: it does
    std::set<std::string> leaving;      ///< "backend/server" that the plan removes
    bool only_removals = true;          ///< nothing but further tries of what is out already
    bool operator==(const HaproxyPlan&) const = default;
};

/// What is added and put back comes first, then what is taken out, then what is removed. A flip is
/// one command; nothing to do is no command. A server that goes is put in maintenance and deleted,
/// which HAProxy refuses while it has connections, idle ones too: so a plan repeats the deletion
/// each time, lets idle connections go by a change of the address, and ends the sessions of those
/// in `overdue`. HaproxyErrc::hostile_value as by check_values().
///
/// | server                   | commands                                                          |
/// |--------------------------|-------------------------------------------------------------------|
/// | UP                       | set server web:http/b1 state ready                                |
/// | DOWN                     | set server web:http/b1 state maint                                |
/// | other weight, address    | set server web:http/b1 weight 13 / addr 10.0.0.2 port 80          |
/// | new                      | add server web:http/b2 10.0.0.3:80 id 7 weight 26, .. state ready |
/// | new, with a sticky cookie| the same with another port, .. addr 10.0.0.3 port 80, .. ready:   |
/// |                          | only a change of its address gives it a cookie                    |
/// | gone                     | .. state maint, del server web:http/b3                            |
/// | gone, but still there    | .. addr 10.0.0.4 port 1, del server web:http/b3                   |
/// | stopped by someone       | set server web:http/b1 health up                                  |
/// | LbState::leaving         | set server _leaving/clients state ready                           |
[[nodiscard]] Result<HaproxyPlan> plan_commands(const LbState& wanted,
                                                const ObservedBackends& observed,
                                                const HaproxySettings& settings,
                                                const std::set<std::string>& overdue = {});

/// The servers that `wanted` has otherwise, in their pools (of one with limits all servers): when
/// the same servers are there, in the same pools behind the same listeners.
[[nodiscard]] std::optional<LbState> changes(const LbState& before, const LbState& wanted);

/// Of these servers alone, to plan for them as if there were no others.
[[nodiscard]] ObservedBackends seen_of(const LbState& part, const ObservedBackends& observed);

/// What HAProxy shows of the servers that both have, once it has carried out the plan's commands
/// for them: for who plans the next ones before reading back.
void expect(const LbState& wanted, const HaproxySettings& settings, ObservedBackends& observed);

enum class Verdict {
    done,
    busy,    ///< `del server`: it still has connections
    failed,  ///< anything that isn't known to be good
};
/// HAProxy's answers have no code: silence is success, and so are a few texts.
[[nodiscard]] Verdict judge(std::string_view command, std::string_view answer);

}  // namespace muster::agent
