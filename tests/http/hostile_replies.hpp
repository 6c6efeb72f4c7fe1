#pragma once

#include "common/http/client.hpp"

#include <string>
#include <vector>

namespace muster::test {

/// What a server may answer to a GET, and the error that has to come of it.
struct HostileReply {
    std::string name;
    std::string bytes;
    http::Errc error = http::Errc::bad_reply;
    bool then_closes = false;  ///< else it stays silent with the connection open
};

/// Used on the reader alone and over sockets, with limits of 64 KiB for the head and 1 MiB for the
/// body.
[[nodiscard]] std::vector<HostileReply> hostile_replies();

}  // namespace muster::test
