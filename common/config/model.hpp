#pragma once

#include "common/base/id.hpp"
#include "common/config/probe_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The objects that users define, as values with their defaults. Reading, validation and the JSON
// Schema are in decode.hpp and schema.hpp; what a field means for people is in
// docs/configuration.md.
namespace muster::config {

/// How a backend is checked. N of rise and fall means N consecutive results.
struct CheckSpec {
    ProbeSpec probe;
    Duration interval = 2s;
    std::optional<Duration> fast_interval;  ///< while a change is pending; default: interval
    std::optional<Duration> down_interval;  ///< while DOWN; default: interval
    Duration timeout = 1s;                  ///< of one probe, from connect to verdict; <= interval
    int rise = 2;
    int fall = 3;
    std::optional<std::uint16_t> port;  ///< probe this port instead of the backend's
    bool operator==(const CheckSpec&) const = default;
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
    bool operator==(const GroupSpec&) const = default;
};

}  // namespace muster::config
