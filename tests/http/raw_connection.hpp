#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::test {

/// A TCP client that sends any bytes and never waits. Throws std::system_error when it can't
/// connect to 127.0.0.1.
class RawConnection {
 public:
    explicit RawConnection(std::uint16_t port);
    RawConnection(RawConnection&& other) noexcept;
    RawConnection& operator=(RawConnection&& other) noexcept;
    ~RawConnection();

    /// As much as the kernel takes now; how many bytes that is (0 when the peer has closed).
    std::size_t send(std::string_view bytes);
    /// No more from this side; reading goes on.
    void finish_sending();
    void close();

    /// All that has arrived so far.
    const std::string& received();
    /// The peer has closed, in order or not.
    bool closed();
    void forget_received() { received_.clear(); }

 private:
    void read();

    int fd_ = -1;
    std::string received_;
    bool closed_ = false;
};

}  // namespace muster::test
