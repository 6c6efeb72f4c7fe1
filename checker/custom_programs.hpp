#pragma once

#include "common/base/subprocess.hpp"
#include "common/config/probe_model.hpp"
#include "common/config/program_model.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {

/// A registered program, and as whom it runs.
struct CustomProgram {
    config::Program program;
    std::optional<ProcessIdentity> identity;
};
using CustomPrograms = std::map<std::string, CustomProgram>;

/// Looks up the users. Root's programs that name none run as `nobody`. What is wrong with them, in
/// words, when they can't be run so: no such file, no such user, or another user and we are not
/// root.
[[nodiscard]] tl::expected<CustomPrograms, std::string> resolve_programs(
    const config::Programs& programs);

/// The arguments with their placeholders filled in; nothing when one of them is not said. Pure.
[[nodiscard]] std::optional<std::vector<std::string>> fill_arguments(
    const std::vector<std::string>& arguments,
    const std::map<std::string, std::string>& values,
    std::string_view host,
    std::uint16_t port);

[[nodiscard]] SpawnWish wish_for(const CustomProgram& program, std::vector<std::string> arguments);

}  // namespace muster::checker
