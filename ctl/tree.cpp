#include "ctl/tree.hpp"

#include "common/znodes/initial_tree.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace muster::ctl {

namespace {

using coordination::Acl;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::Op;
using coordination::SetOp;
using coordination::Store;
using coordination::Watch;

class TreeCategory final : public std::error_category {
 public:
    const char* name() const noexcept override { return "tree"; }

    std::string message(int value) const override {
        switch (static_cast<TreeErrc>(value)) {
            case TreeErrc::other_cluster:
                return "the tree belongs to another cluster";
            case TreeErrc::foreign_tree:
                return "something is there that is not a cluster's tree";
        }
        return "unknown tree error";
    }
};

// ZooKeeper's permission bits.
constexpr int read_only = 1;
constexpr int all_permissions = 31;

std::string parent_of_all(const znodes::Paths& paths) {
    return paths.root().substr(0, paths.root().find('/', 1));
}

std::vector<CreateOp> planned(const znodes::Paths& paths,
                              const std::string& uuid,
                              const TreeUsers* users) {
    znodes::Control control;
    control.stamp.cluster = uuid;
    control.stamp.writer = "musterctl";
    std::vector<CreateOp> ops;
    for (const znodes::InitialNode& node : znodes::initial_tree(paths, control)) {
        CreateOp op{.path = node.path, .data = node.data};
        if (users) op.acl = acl_for(*users, paths, node.path);
        ops.push_back(std::move(op));
    }
    return ops;
}

bool is_unknown(const Error& error) {
    return error.code == coordination::Errc::unknown_outcome;
}

/// True when it was made, false when it was there.
asio::awaitable<Result<bool>> create_if_missing(Store& store, CreateOp op) {
    constexpr int attempts = 3;
    auto made = co_await coordination::create(store, op);
    for (int i = 1; i < attempts && !made && is_unknown(made.error()); ++i) {
        made = co_await coordination::create(store, op);
    }
    if (made) co_return true;
    if (made.error().code == coordination::Errc::node_exists) co_return false;
    co_return tl::unexpected(made.error());
}

/// The uuid of the tree that is there; nothing when there is none.
asio::awaitable<Result<std::optional<std::string>>> existing_cluster(Store& store,
                                                                     znodes::Paths paths) {
    const auto root = co_await store.exists(paths.root(), Watch::none);
    if (!root) co_return tl::unexpected(root.error());
    if (!*root) co_return std::optional<std::string>{};
    const auto node = co_await store.get(paths.control(), Watch::none);
    if (!node && node.error().code == coordination::Errc::no_node) {
        co_return fail(TreeErrc::foreign_tree, paths.root() + " has no control node");
    }
    if (!node) co_return tl::unexpected(node.error());
    const auto control = znodes::decode<znodes::Control>(node->data, "");
    if (!control) {
        co_return fail(TreeErrc::foreign_tree, paths.control() + ": " + control.error().message());
    }
    co_return control->stamp.cluster;
}

/// What was tried without credentials, and whether ZooKeeper let it pass as far as the version.
void note(std::vector<std::string>& doors, const std::error_code& error, std::string door) {
    using coordination::Errc;
    if (error == Errc::no_auth) return;
    const bool answered = !error || error == Errc::bad_version || error == Errc::node_exists ||
                          error == Errc::not_empty || error == Errc::no_node;
    if (answered) doors.push_back(std::move(door));
}

bool is_unanswered(const std::error_code& error) {
    using coordination::Errc;
    return error == Errc::not_connected || error == Errc::session_lost || error == Errc::closed ||
           error == Errc::unknown_outcome;
}

}  // namespace

const std::error_category& tree_category() {
    static const TreeCategory instance;
    return instance;
}

std::string digest_id(const User& user) {
    const std::string text = user.name + ":" + user.password;
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no SHA-1, which ZooKeeper's digest scheme needs");
    }
    std::array<unsigned char, 64> base64{};
    const int length = EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(size));
    return user.name + ":" + std::string(base64.begin(), base64.begin() + length);
}

std::vector<Acl> acl_for(const TreeUsers& users,
                         const znodes::Paths& paths,
                         std::string_view path) {
    const auto may = [](const User& user, int permissions) {
        return Acl{.scheme = "digest", .id = digest_id(user), .permissions = permissions};
    };
    const bool of_agents = path == paths.agents() || path == paths.evidence();
    return {may(users.node, all_permissions),
            may(users.agent, of_agents ? all_permissions : read_only),
            may(users.reader, read_only)};
}

asio::awaitable<Result<TreeMade>> make_tree(
    Store& store, znodes::Paths paths, std::string uuid, const TreeUsers* users, OtherUuid other) {
    std::vector<CreateOp> nodes = planned(paths, uuid, users);
    TreeMade made{.cluster = uuid};
    const auto parent = co_await create_if_missing(store, nodes.front());
    if (!parent) co_return tl::unexpected(parent.error());
    made.created += *parent ? 1U : 0U;
    nodes.erase(nodes.begin());

    // Two inits at once: one transaction wins, the other finds the tree when it looks again. The
    // same look tells what became of a transaction whose reply was lost.
    auto there = co_await existing_cluster(store, paths);
    if (!there) co_return tl::unexpected(there.error());
    if (!*there) {
        const std::vector<Op> ops(nodes.begin(), nodes.end());
        const auto outcome = co_await store.multi(ops);
        if (outcome.ok()) {
            made.created += nodes.size();
            co_return made;
        }
        there = co_await existing_cluster(store, paths);
        if (!there) co_return tl::unexpected(there.error());
        if (!*there) co_return fail(outcome.error, outcome.context);
    }
    if (other == OtherUuid::refuse && **there != uuid) {
        co_return fail(TreeErrc::other_cluster, paths.root() + " is of cluster " + **there);
    }
    made.cluster = **there;
    for (CreateOp& node : planned(paths, made.cluster, users)) {
        const auto added = co_await create_if_missing(store, std::move(node));
        if (!added) co_return tl::unexpected(added.error());
        made.created += *added ? 1U : 0U;
    }
    co_return made;
}

asio::awaitable<Result<std::vector<std::string>>> find_open_doors(Store& anonymous,
                                                                  znodes::Paths paths) {
    constexpr std::int32_t never = std::numeric_limits<std::int32_t>::max();
    const std::vector<std::string> watched = {parent_of_all(paths), paths.root(), paths.epoch()};
    std::vector<std::string> doors;
    std::error_code error;
    for (const std::string& path : watched) {
        const auto read = co_await anonymous.get(path, Watch::none);
        note(doors, read ? std::error_code{} : read.error().code, "read " + path);
        const auto written = co_await coordination::set(
            anonymous, SetOp{.path = path, .data = {}, .version = never});
        note(doors, written ? std::error_code{} : written.error().code, "write " + path);
        // Either fails on a tree that is well: the children are there already.
        const std::string child = path == watched[0]   ? paths.root()
                                  : path == watched[1] ? paths.epoch()
                                                       : znodes::Paths::keep(paths.epoch());
        const auto created = co_await coordination::create(anonymous, CreateOp{.path = child});
        note(doors, created ? std::error_code{} : created.error().code, "create below " + path);
        const auto removed =
            co_await coordination::remove(anonymous, DeleteOp{.path = child, .version = never});
        note(doors, removed ? std::error_code{} : removed.error().code, "delete below " + path);
        if (!removed) error = removed.error().code;
        if (is_unanswered(error)) co_return fail(error, "while checking access to " + path);
    }
    co_return doors;
}

std::string fresh_uuid() {
    std::array<unsigned char, 16> b{};
    if (RAND_bytes(b.data(), static_cast<int>(b.size())) != 1) {
        throw std::runtime_error("no random numbers from OpenSSL");
    }
    b[6] = static_cast<unsigned char>((b[6] & 0x0fU) | 0x40U);
    b[8] = static_cast<unsigned char>((b[8] & 0x3fU) | 0x80U);
    std::string text;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", b[i]);
    }
    return text;
}

}  // namespace muster::ctl
