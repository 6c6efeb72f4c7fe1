#pragma once

#include "agent/lb_state.hpp"
#include "agent/nginx_settings.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// What an operator's nginx.conf includes, from what an LB is to do. Pure; equal input, equal bytes.
namespace muster::agent {

/// What a rendering needs to know of the host that nginx runs on.
struct NginxHost {
    /// Of the servers that have a host name. nginx 1.22 would look names up when it reads its
    /// configuration, and read none when one of them has no answer.
    std::map<std::string, std::string> addresses;
    /// Stands for the contents of the certificates: with another one the bytes are others.
    std::uint64_t certificates = 0;
    bool operator==(const NginxHost&) const = default;
};

struct RenderedNginx {
    std::string http;                ///< to be included in `http {}`
    std::string stream;              ///< to be included in `stream {}`
    std::vector<std::string> notes;  ///< what nginx can't do, and what it does instead
    bool operator==(const RenderedNginx&) const = default;
};

/// NginxErrc::hostile_value as by check_for_nginx().
///
/// | algorithm                 | in the upstream                                         |
/// |---------------------------|---------------------------------------------------------|
/// | round_robin, weighted_... | nothing: weighted round robin                           |
/// | least_connections         | least_conn                                              |
/// | least_response_time       | least_conn, a note                                      |
/// | source_hash               | hash $remote_addr consistent                            |
/// | uri_hash                  | hash $uri consistent; in tcp mode by source, a note     |
/// | maglev                    | hash $remote_addr consistent, a note                    |
/// | random_two_choices        | random two least_conn                                   |
/// | with stickiness of a kind | hash $remote_addr consistent instead, a note            |
///
/// A server in drain or maintenance is `down`: consistent hashes keep its place for it. A pool
/// without any other server answers 503, or closes connections in tcp mode. Each host of a
/// listener's routes has a `server` of its own with all the routes that may concern it, in their
/// order, as regular expressions: so that the first that matches decides, as it does elsewhere.
[[nodiscard]] Result<RenderedNginx> render_nginx(const LbState& state,
                                                 const NginxSettings& settings,
                                                 const NginxHost& host = {});

}  // namespace muster::agent
