#include "checker/custom_programs.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace muster::checker {

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

tl::expected<CustomPrograms, std::string> resolve_programs(const config::Programs& programs) {
    CustomPrograms resolved;
    for (const auto& [name, program] : programs) {
        if (access(program.program.c_str(), X_OK) != 0) {
            return tl::unexpected(
                fmt::format("{}: {} can't be run: {}", name, program.program, strerror(errno)));
        }
        CustomProgram& one = resolved[name];
        one.program = program;
        const bool is_root = geteuid() == 0;
        std::string user = program.user;
        if (user.empty() && is_root) user = "nobody";
        if (user.empty()) continue;
        const auto identity = find_user(user);
        if (!identity) return tl::unexpected(fmt::format("{}: there is no user {}", name, user));
        if (identity->user == geteuid()) continue;
        if (!is_root) {
            return tl::unexpected(fmt::format(
                "{}: runs as {}, which only root can have it do; leave user out, or start musterd "
                "as root",
                name,
                user));
        }
        one.identity = identity;
    }
    return resolved;
}

std::optional<std::vector<std::string>> fill_arguments(
    const std::vector<std::string>& arguments,
    const std::map<std::string, std::string>& values,
    std::string_view host,
    std::uint16_t port) {
    std::vector<std::string> filled;
    for (const std::string& argument : arguments) {
        std::string& text = filled.emplace_back();
        for (std::size_t at = 0; at < argument.size();) {
            const std::size_t open = argument.find('{', at);
            const std::size_t close =
                open == std::string::npos ? open : argument.find('}', open + 1);
            if (close == std::string::npos) {
                text += argument.substr(at);
                break;
            }
            text += argument.substr(at, open - at);
            const std::string name = argument.substr(open + 1, close - open - 1);
            if (name == "host") {
                text += host;
            } else if (name == "port") {
                text += std::to_string(port);
            } else if (const auto value = values.find(name); value != values.end()) {
                text += value->second;
            } else {
                return std::nullopt;
            }
            at = close + 1;
        }
    }
    return filled;
}

SpawnWish wish_for(const CustomProgram& program, std::vector<std::string> arguments) {
    return {.program = program.program.program,
            .arguments = std::move(arguments),
            .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "LC_ALL=C"},
            .identity = program.identity,
            .memory_bytes = static_cast<std::size_t>(program.program.memory_mib) << 20U,
            .cpu_seconds = program.program.cpu_seconds};
}

}  // namespace muster::checker
