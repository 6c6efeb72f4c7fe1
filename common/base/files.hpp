#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

// Whole files at once. An error names the file. Blocking.
namespace muster {

[[nodiscard]] Result<std::string> read_file(const std::string& path);

/// The first line of a file that nobody else may read.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

/// Written beside it, synced and renamed: a crash leaves the old content or the new one.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace muster
