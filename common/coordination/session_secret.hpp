#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace muster::coordination {

/// What another process needs to take over a ZooKeeper session, in order to close it when this one
/// has died. The password is as good as the session: for a pipe only, never for a log or file.
struct SessionSecret {
    std::int64_t id = 0;
    std::array<char, 16> password{};
    std::chrono::nanoseconds timeout{0};  ///< as negotiated
    std::string server;                   ///< "address:port" that it is connected to

    bool operator==(const SessionSecret&) const = default;
};

}  // namespace muster::coordination
