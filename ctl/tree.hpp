#pragma once

#include "common/base/result.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/paths.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A cluster's tree in the coordination service: made once, checked often. Over
// coordination::Store, so that `musterctl init`, tests and the simulation share it.
namespace muster::ctl {

enum class TreeErrc {
    other_cluster = 1,  ///< the tree belongs to another cluster uuid than asked for
    foreign_tree,       ///< something is there that is not a cluster's tree
};
const std::error_category& tree_category();
inline std::error_code make_error_code(TreeErrc code) {
    return {static_cast<int>(code), tree_category()};
}

/// Name and password of one of the three users whom the tree knows.
struct User {
    std::string name;
    std::string password;
};

/// ZooKeeper's digest scheme: "name:base64(sha1(name:password))".
[[nodiscard]] std::string digest_id(const User& user);

/// Who may do what: nodes everything, agents read, and everything in `agents/` and `evidence/`,
/// readers read. What an agent makes there has the ACL of `agents/`, which ZooKeeper shows in full
/// to administrators alone.
struct TreeUsers {
    User node{.name = "muster-node", .password = {}};
    User agent{.name = "muster-agent", .password = {}};
    User reader{.name = "muster-reader", .password = {}};
};
/// The ACL for a path of the tree ("/muster" included).
[[nodiscard]] std::vector<coordination::Acl> acl_for(const TreeUsers& users,
                                                     const znodes::Paths& paths,
                                                     std::string_view path);

struct TreeMade {
    std::string cluster;      ///< uuid: the one given, or that of the tree that was there
    std::size_t created = 0;  ///< nodes; 0 = all was there
};

/// What to do with a tree that is there with another uuid.
enum class OtherUuid : std::uint8_t { keep, refuse };

/// Makes the tree in one transaction, or adds what a tree of this cluster lacks. Idempotent, and
/// safe against another one at the same time. `users` null = no ACLs of our own (simulation,
/// tests).
[[nodiscard]] asio::awaitable<Result<TreeMade>> make_tree(coordination::Store& store,
                                                          znodes::Paths paths,
                                                          std::string uuid,
                                                          const TreeUsers* users = nullptr,
                                                          OtherUuid other = OtherUuid::keep);

/// What a session without credentials can do to the tree although it must not: sentences, none when
/// all is well. Changes nothing: each attempt is made with a version that can't be.
[[nodiscard]] asio::awaitable<Result<std::vector<std::string>>> find_open_doors(
    coordination::Store& anonymous, znodes::Paths paths);

/// A random (version 4) uuid.
[[nodiscard]] std::string fresh_uuid();

}  // namespace muster::ctl

template <>
struct std::is_error_code_enum<muster::ctl::TreeErrc> : std::true_type {};
