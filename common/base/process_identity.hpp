#pragma once

#include "common/base/subprocess.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>

namespace muster {

/// As whom a program of a user's runs: as `user`; if that is empty as we, or as `nobody` when we
/// are root. Nothing: as we. What is wrong, in words: there is no such user, or only root can do
/// it. Asks the system's user database, which may block.
[[nodiscard]] tl::expected<std::optional<ProcessIdentity>, std::string> identity_of(
    std::string user);

}  // namespace muster
