#include "ctl/tree_rights.hpp"

#include "common/znodes/initial_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::ctl {

namespace {

using coordination::Acl;

constexpr int everything = 31;
constexpr std::array<std::pair<int, std::string_view>, 5> rights = {
    {{1, "read"}, {2, "write"}, {4, "create"}, {8, "delete"}, {16, "admin"}}};

std::string rights_of(int permissions) {
    if (permissions == everything) return "do everything";
    std::string words;
    for (const auto& [bit, word] : rights) {
        if ((permissions & bit) != 0) words += fmt::format("{}{}", words.empty() ? "" : "+", word);
    }
    return words.empty() ? "do nothing" : words;
}

std::string holder(const Acl& entry) {
    if (entry.scheme == "world") return entry.id;
    const std::string name = entry.id.substr(0, entry.id.find(':'));
    return entry.scheme == "digest" ? name : fmt::format("{}:{}", entry.scheme, entry.id);
}

std::vector<Acl> in_order(std::vector<Acl> acl) {
    std::ranges::sort(acl);
    return acl;
}

}  // namespace

std::string describe(std::vector<Acl> acl) {
    std::string text;
    for (const Acl& entry : in_order(std::move(acl)))
        text += fmt::format(
            "{}{} may {}", text.empty() ? "" : "; ", holder(entry), rights_of(entry.permissions));
    return text;
}

asio::awaitable<Result<std::vector<std::string>>> mend_rights(coordination::ZooKeeperStore& store,
                                                              znodes::Paths paths,
                                                              TreeUsers users) {
    std::vector<std::string> changes;
    for (const znodes::InitialNode& node : znodes::initial_tree(paths, {})) {
        if (!node.path.starts_with(paths.root())) continue;
        const std::vector<Acl> wanted = in_order(acl_for(users, paths, node.path));
        auto is = co_await store.acl(node.path);
        if (!is) co_return tl::unexpected(is.error());
        if (in_order(*is) == wanted) continue;
        const auto set = co_await store.set_acl(node.path, wanted);
        if (!set) co_return tl::unexpected(set.error());
        const std::string was = describe(*is);
        const std::string now = describe(wanted);
        changes.push_back(was == now ? fmt::format("{}: these users had other passwords", node.path)
                                     : fmt::format("{}: {}; it was: {}", node.path, now, was));
    }
    co_return changes;
}

}  // namespace muster::ctl
