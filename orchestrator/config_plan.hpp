#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/coordination/types.hpp"
#include "common/znodes/chunks.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// A head as it was read, with the version that compare-and-set needs.
struct KnownHead {
    znodes::GroupHead head;
    std::int32_t version = 0;
};

struct ConfigAuthor {
    std::string cluster;  ///< uuid
    std::string name;     ///< who applies it
    std::string origin;   ///< by which right, from where; for the audit
    std::string detail;   ///< what changes, in words; for the audit
    std::string writer;   ///< the node that writes it
    WallTime time{};
    std::string new_uid;  ///< used if the group is new
};

/// A group or fleet as the tree holds it.
struct ConfigObject {
    znodes::ConfigName name;
    std::string spec;  ///< canonical JSON
    std::vector<znodes::Chunk> chunks;

    ConfigObject(const config::GroupSpec& group);
    ConfigObject(const config::FleetSpec& fleet);
};

/// How one change of a group or fleet gets into the tree: first what can't hurt (chunks are
/// immutable and named by their content), then head and history in one multi, which compares the
/// head's version, and finds every chunk that the head names (the master may have collected one
/// meanwhile). It also writes the audit's entry and sets `config/chunks`, whose version so counts
/// the writes of heads: who deletes a chunk checks it.
struct ConfigWrite {
    std::vector<coordination::CreateOp> prepare;  ///< one by one; "exists already" is success
    std::vector<coordination::Op> commit;
    std::int64_t generation = 0;
};

[[nodiscard]] ConfigWrite plan_apply(const znodes::Paths& paths,
                                     ConfigObject object,
                                     const std::optional<KnownHead>& known,
                                     const ConfigAuthor& author);

/// The tombstone head.
[[nodiscard]] ConfigWrite plan_removal(const znodes::Paths& paths,
                                       const znodes::ConfigName& name,
                                       const KnownHead& known,
                                       const ConfigAuthor& author);

/// Whether applying `object` over this head would change nothing.
[[nodiscard]] bool is_unchanged(const ConfigObject& object, const KnownHead& known);

}  // namespace muster::orchestrator
