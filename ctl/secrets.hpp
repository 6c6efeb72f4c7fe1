#pragma once

#include "common/base/result.hpp"
#include "ctl/tree.hpp"

#include <filesystem>
#include <string>

namespace muster::ctl {

/// What `init` makes once for a cluster and what must be kept: files of mode 0600 in a directory of
/// mode 0700. `node.auth`, `agent.auth` and `reader.auth` hold "user:password" for ZooKeeper (the
/// first is musterd's zookeeper_auth_file), `cluster.secret` is shared by the nodes, `cluster.uuid`
/// says whose all this is.
struct Secrets {
    TreeUsers users;
    std::string cluster_uuid;
};

/// Reads them, or makes those that are missing. Refuses a file that others may read, and one that
/// does not hold what its name says.
[[nodiscard]] Result<Secrets> load_or_make_secrets(const std::filesystem::path& directory);

/// A file of at most `max_bytes` that only its owner may read, without the line end at its end.
[[nodiscard]] Result<std::string> read_private_file(const std::filesystem::path& path,
                                                    std::size_t max_bytes);

}  // namespace muster::ctl
