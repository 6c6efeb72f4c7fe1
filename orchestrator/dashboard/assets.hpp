#pragma once

#include <span>
#include <string_view>

// The dashboard's files, linked into the binary (assets.S): a node needs nothing from outside.
namespace muster::dashboard {

struct Asset {
    std::string_view name;  ///< below /assets/
    std::string_view type;  ///< content type
    std::string_view body;
};

[[nodiscard]] std::span<const Asset> assets();

/// The page itself; "<!--summary-->" stands where a summary without scripts may go.
[[nodiscard]] std::string_view page();

}  // namespace muster::dashboard
