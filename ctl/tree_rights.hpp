#pragma once

#include "common/base/result.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/znodes/paths.hpp"
#include "ctl/tree.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

// Who may do what with the nodes that init makes. An earlier build may have made them otherwise.
namespace muster::ctl {

/// "muster-agent may read; muster-node may do everything": of digests the user's name alone. Pure.
[[nodiscard]] std::string describe(std::vector<coordination::Acl> acl);

/// Gives each of them the ACL that this build would give it, and says what has changed, a sentence
/// each. Idempotent. Not "/muster", which other clusters may share, nor what is made later: that
/// has inherited.
[[nodiscard]] asio::awaitable<Result<std::vector<std::string>>> mend_rights(
    coordination::ZooKeeperStore& store, znodes::Paths paths, TreeUsers users);

}  // namespace muster::ctl
