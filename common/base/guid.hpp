#pragma once

#include <string>

namespace muster {

/// 32 hex digits from the kernel. Throws std::system_error when it has none.
[[nodiscard]] std::string random_guid();

}  // namespace muster
