#include "checker/custom_programs.hpp"

#include "common/base/process_identity.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace muster::checker {

tl::expected<CustomPrograms, std::string> resolve_programs(const config::Programs& programs) {
    CustomPrograms resolved;
    for (const auto& [name, program] : programs) {
        if (access(program.program.c_str(), X_OK) != 0) {
            return tl::unexpected(
                fmt::format("{}: {} can't be run: {}", name, program.program, strerror(errno)));
        }
        CustomProgram& one = resolved[name];
        one.program = program;
        const auto identity = identity_of(program.user);
        if (!identity) return tl::unexpected(fmt::format("{}: {}", name, identity.error()));
        one.identity = *identity;
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
