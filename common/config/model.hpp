#pragma once

#include "common/base/id.hpp"
#include "common/base/shared_value.hpp"
#include "common/config/outlier_model.hpp"
#include "common/config/probe_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// The objects that users define, as values with their defaults. Reading, validation and the JSON
// Schema are in decode.hpp and schema.hpp; what a field means for people is in
// docs/configuration.md.
namespace muster::config {

/// Spans that a part of a probe may take, within its timeout.
struct PhaseTimeouts {
    std::optional<Duration> resolve;     ///< until the name has addresses
    std::optional<Duration> connect;     ///< from there until connected
    std::optional<Duration> tls;         ///< from there until TLS stands
    std::optional<Duration> first_byte;  ///< from there until the reply begins
    std::optional<Duration> reply;       ///< from there until its verdict
    bool operator==(const PhaseTimeouts&) const = default;
};

/// What a backend counts as until it has a verdict of its own.
enum class InitialState {
    first_result,  ///< nothing: the first result decides, whatever rise and fall are
    up,            ///< UP: `fall` failures are needed
    down,          ///< DOWN: `rise` successes are needed
};

/// Route flap damping (RFC 2439) on the way up: each DOWN adds one to a penalty that halves every
/// half-life; a backend whose DOWN brought it to `suppress` stays DOWN until it is below `reuse`,
/// or for max_hold.
struct FlapDamping {
    Duration half_life = 1min;
    int suppress = 3;
    int reuse = 1;
    Duration max_hold = 10min;
    bool operator==(const FlapDamping&) const = default;
};

/// Where a backend says what it wants for itself.
struct IntentSource {
    std::string header;                       ///< of an HTTP probe's reply; empty = none
    std::string json_pointer;                 ///< in its JSON body
    bool json = false;                        ///< json_pointer counts ("" is the whole body)
    std::optional<std::uint16_t> agent_port;  ///< of HAProxy's agent-check protocol
    std::string agent_send;
    Duration agent_interval = 5s;
    Duration ttl = 30s;  ///< how long the words hold when they don't say
    bool operator==(const IntentSource&) const = default;
};

/// How a backend is checked. N of rise and fall means N consecutive results.
struct CheckSpec {
    ProbeSpec probe;
    Duration interval = 2s;
    std::optional<Duration> fast_interval;  ///< while a change is pending; default: interval
    std::optional<Duration> down_interval;  ///< while DOWN; default: interval
    Duration timeout = 1s;                  ///< of one probe, from connect to verdict; <= interval
    PhaseTimeouts timeouts;
    Duration jitter = 0s;  ///< each start is put off by up to this
    int rise = 2;
    int fall = 3;
    InitialState initial = InitialState::first_result;
    Duration min_down = 0s;  ///< a DOWN lasts at least this long
    SharedValue<FlapDamping> flap_damping;
    SharedValue<IntentSource> intent;
    std::optional<int> confirm;         ///< peers that must agree before DOWN; default: by cluster
    std::optional<std::uint16_t> port;  ///< probe this port instead of the backend's
    bool operator==(const CheckSpec&) const = default;
};

/// A backend's own check: the group's, with some fields of its own.
struct BackendCheck {
    std::string fields;  ///< those of its own: a JSON map in canonical form
    CheckSpec check;     ///< both together
    bool operator==(const BackendCheck&) const = default;
};

enum class Admin { active, drain, maintenance };

struct Backend {
    BackendId id;         ///< `name` if given, else the address as written
    std::string address;  ///< host part: IPv4, IPv6 (without brackets) or a host name
    std::uint16_t port = 0;
    int weight = 100;  ///< 0..1000; 0 takes no new traffic
    std::string zone;
    std::map<std::string, std::string> labels;
    Admin admin = Admin::active;
    std::optional<Duration> slow_start;  ///< nothing: the group's
    SharedValue<BackendCheck> check;     ///< nothing: the group's
    bool listed = false;                 ///< an LB of a fleet: its fleet's spec names it
    bool operator==(const Backend&) const = default;
};

enum class Algorithm {
    round_robin,
    weighted_round_robin,
    least_connections,
    least_response_time,
    source_hash,
    uri_hash,
    maglev,
    random_two_choices,
};

struct LbSettings {
    Algorithm algorithm = Algorithm::round_robin;
    std::string sticky_cookie;  ///< empty = none
    bool sticky_source = false;
    int retries = 2;
    Duration connect_timeout = 5s;
    Duration server_timeout = 30s;
    Duration slow_start = 0s;  ///< weight ramp of a backend that came UP
    bool operator==(const LbSettings&) const = default;
};

struct GroupSpec {
    GroupName name;
    std::vector<Backend> backends;  ///< sorted by id
    CheckSpec check;
    LbSettings lb;
    int max_eject_percent =
        100;  ///< at most this share of the enabled backends is taken out as DOWN
    int panic_enter_percent = 50;  ///< healthy share below which all enabled backends get traffic
    int panic_exit_percent = 60;   ///< and from which on only healthy ones do again
    std::optional<int>
        shard_size;  ///< backends of one shard; fixed at creation. Default: by group size
    std::optional<OutlierSpec> outlier;  ///< nothing: what LBs count is not looked at
    bool operator==(const GroupSpec&) const = default;
};

/// What a node must have announced to run the probe: its kind, and those of its parts; a command or
/// plug-in by its own name, "command/NAME".
void add_needs(const ProbeSpec& probe, std::set<std::string>& needs);
[[nodiscard]] std::set<std::string> needs_of(const GroupSpec& group);

[[nodiscard]] inline const CheckSpec& check_of(const GroupSpec& group, const Backend& backend) {
    return backend.check ? backend.check->check : group.check;
}

}  // namespace muster::config
