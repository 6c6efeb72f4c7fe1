#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace muster::orchestrator {

inline constexpr std::size_t max_sessions = 4;
inline constexpr std::size_t max_effects = 64;

enum class GuardianMessageKind : std::uint8_t {
    beat,
    session_opened,
    session_closed,
    effect_started,
    effect_ended,
};

/// From child to guardian, one to a packet. Both ends are the same executable.
struct GuardianMessage {
    GuardianMessageKind kind = GuardianMessageKind::beat;
    std::uint8_t slot = 0;
    std::int32_t group = 0;
    std::int64_t session = 0;
    std::int32_t timeout_ms = 0;
    std::array<char, 16> password{};
    std::array<char, 1024> servers{};  ///< ends with a zero
};
static_assert(std::is_trivially_copyable_v<GuardianMessage>);

}  // namespace muster::orchestrator
