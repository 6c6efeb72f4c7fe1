#pragma once

#include <string_view>

namespace muster::ctl {

inline constexpr std::string_view own_version = MUSTER_VERSION;

}  // namespace muster::ctl
