#pragma once

#include <string>
#include <vector>

namespace muster::test {

/// Bytes that a client may send, and the status with which the server has to refuse them.
struct MalformedRequest {
    std::string name;
    std::string bytes;
    int status = 400;
};

/// Used twice: on the reader alone (in one piece and byte by byte), and over a socket.
[[nodiscard]] std::vector<MalformedRequest> malformed_requests();

}  // namespace muster::test
