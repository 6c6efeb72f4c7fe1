#pragma once

#include <cstdint>

namespace muster::ctl {

/// What musterctl says to scripts (docs/operations.md). `diff` differs: 0 nothing, 1 something to
/// change, 2 could not tell.
enum class Exit : std::uint8_t {
    ok = 0,
    failed = 1,
    usage = 2,
    not_found = 3,
    conflict = 4,
    unreachable = 5,
    degraded = 6,  ///< of `status` and `probe run`: something is not well
};

[[nodiscard]] constexpr Exit exit_of_status(int http_status) {
    if (http_status >= 200 && http_status < 300) return Exit::ok;
    if (http_status == 404) return Exit::not_found;
    if (http_status == 409 || http_status == 412) return Exit::conflict;
    if (http_status == 503) return Exit::unreachable;
    return Exit::failed;
}

}  // namespace muster::ctl
