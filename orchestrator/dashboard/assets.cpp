#include "orchestrator/dashboard/assets.hpp"

#include <array>

// Begin and end of each file, defined in assets.S.
extern "C" {
extern const char muster_dashboard_page[];
extern const char muster_dashboard_page_end[];
extern const char muster_dashboard_script[];
extern const char muster_dashboard_script_end[];
extern const char muster_dashboard_scaling[];
extern const char muster_dashboard_scaling_end[];
extern const char muster_dashboard_style[];
extern const char muster_dashboard_style_end[];
extern const char muster_dashboard_icon[];
extern const char muster_dashboard_icon_end[];
}

namespace muster::dashboard {
namespace {

std::string_view between(const char* begin, const char* end) {
    return {begin, end};
}

}  // namespace

std::span<const Asset> assets() {
    static const std::array<Asset, 4> all = {
        Asset{.name = "muster.js",
              .type = "text/javascript; charset=utf-8",
              .body = between(muster_dashboard_script, muster_dashboard_script_end)},
        Asset{.name = "scaling.js",
              .type = "text/javascript; charset=utf-8",
              .body = between(muster_dashboard_scaling, muster_dashboard_scaling_end)},
        Asset{.name = "muster.css",
              .type = "text/css; charset=utf-8",
              .body = between(muster_dashboard_style, muster_dashboard_style_end)},
        Asset{.name = "muster.svg",
              .type = "image/svg+xml",
              .body = between(muster_dashboard_icon, muster_dashboard_icon_end)},
    };
    return all;
}

std::string_view page() {
    return between(muster_dashboard_page, muster_dashboard_page_end);
}

}  // namespace muster::dashboard
