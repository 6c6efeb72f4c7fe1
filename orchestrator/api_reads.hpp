#pragma once

#include "common/base/result.hpp"
#include "common/http/message.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_routes.hpp"
#include "orchestrator/commands.hpp"

#include <string>
#include <vector>

// Reads that a snapshot alone answers. Pure.
namespace muster::orchestrator {

struct ReadCall {
    const http::Request& request;
    const std::vector<std::string>& parameters;
    View view;
};

/// For state, cluster, nodes, groups, group, fleets, fleet, agents, dns, backends, shards and
/// events.
[[nodiscard]] http::Response answer_read(Route route, const ReadCall& call);

/// The one read that also asks the owner: its answer, or why there is none.
[[nodiscard]] http::Response answer_backend(const ReadCall& call, const Result<Evidence>& evidence);

/// Why the scaling of a fleet can't be shown; nothing: it can.
[[nodiscard]] std::optional<http::Response> no_scaling(const ReadCall& call);
/// `notes`: what the master makes of it (api_json.hpp).
[[nodiscard]] http::Response answer_scaling(const ReadCall& call, boost::json::object notes);

/// What the audit holds, read at this moment.
[[nodiscard]] http::Response answer_audit(const ReadCall& call, const std::vector<AuditRow>& rows);

/// 404, with the nearest existing name; nothing if both exist.
[[nodiscard]] std::optional<http::Response> missing(const Snapshot& snapshot,
                                                    const GroupName& group);
[[nodiscard]] std::optional<http::Response> missing(const Snapshot& snapshot,
                                                    const GroupName& group,
                                                    const BackendId& backend);

/// /version: needs no snapshot.
struct BuildInfo {
    std::string version = "0.1.0";
    std::string build;  ///< commit
};
[[nodiscard]] http::Response answer_version(const BuildInfo& build);

}  // namespace muster::orchestrator
