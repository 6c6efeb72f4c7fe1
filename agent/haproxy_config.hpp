#pragma once

#include "agent/haproxy_settings.hpp"
#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A complete haproxy.cfg from what an LB is to do. Pure; equal input, equal bytes.
namespace muster::agent {

struct RenderedHaproxy {
    std::string text;
    /// Tells structures apart: what can't be changed at run time, that is all but the servers with
    /// an IP address. HAProxy shows it in `show info` as "description: muster <16 hex digits>", so
    /// that it can be asked which one it runs.
    std::string structure;
    std::vector<std::string> notes;  ///< what HAProxy can't do, and what it does instead
    bool operator==(const RenderedHaproxy&) const = default;
};

/// HaproxyErrc::hostile_value as by check_values(). `files` stands for the contents of the
/// certificates: another one is another structure.
///
/// | algorithm                        | balance                                              |
/// |----------------------------------|------------------------------------------------------|
/// | round_robin, weighted_...        | roundrobin; above 4,000 servers leastconn, a note    |
/// | least_connections                | leastconn                                            |
/// | least_response_time              | leastconn, a note                                    |
/// | source_hash                      | source, hash-type consistent                         |
/// | uri_hash                         | uri, hash-type consistent; in tcp mode source, a note|
/// | maglev                           | source, hash-type consistent, a note                 |
/// | random_two_choices               | random(2)                                            |
///
/// A server in maintenance is `disabled`, one in drain has weight 0 (nothing new, but by
/// stickiness): so a HAProxy that starts from the file does what it did, without an agent.
[[nodiscard]] Result<RenderedHaproxy> render_haproxy(const LbState& state,
                                                     const HaproxySettings& settings,
                                                     std::string_view files = {});

/// RenderedHaproxy::structure alone, of what render_haproxy() takes: at a small part of the cost,
/// which doesn't grow by the text of the servers.
[[nodiscard]] std::string structure_of(const LbState& state,
                                       const HaproxySettings& settings,
                                       std::string_view files = {});

/// "NAME ADDRESS:PORT id N weight W maxconn M check ...", for a `server` line and for `add server`
/// alike: the latter heeds no default-server.
struct ServerLine {
    const Server& server;
    int number = 0;
    int weight = 0;                     ///< on HAProxy's scale
    std::optional<std::uint16_t> port;  ///< instead of the server's own
};
[[nodiscard]] std::string server_words(const ServerLine& line, const HaproxySettings& settings);

/// The weight that a server begins with: one that may not have any now still comes back with
/// a plausible one.
[[nodiscard]] int initial_weight(const Server& server);

/// Does HAProxy have to look its address up?
[[nodiscard]] bool is_named(const Server& server);
/// Has any of the pool's servers a limit of connections? That of others is then 0.
[[nodiscard]] bool has_limits(const Pool& pool);

}  // namespace muster::agent
