#include "common/base/process_identity.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace muster {

namespace {

std::optional<ProcessIdentity> find_user(const std::string& name) {
    std::array<char, 16UZ * 1024UZ> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return ProcessIdentity{.user = entry.pw_uid, .group = entry.pw_gid};
}

}  // namespace

tl::expected<std::optional<ProcessIdentity>, std::string> identity_of(std::string user) {
    const bool is_root = geteuid() == 0;
    if (user.empty() && is_root) user = "nobody";
    if (user.empty()) return std::nullopt;
    const auto identity = find_user(user);
    if (!identity) return tl::unexpected(fmt::format("there is no user {}", user));
    if (identity->user == geteuid()) return std::nullopt;
    if (!is_root) {
        return tl::unexpected(fmt::format(
            "runs as {}, which only root can have it do; leave user out, or start musterd as root",
            user));
    }
    return identity;
}

}  // namespace muster
