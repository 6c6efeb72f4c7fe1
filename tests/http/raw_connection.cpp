#include "tests/http/raw_connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace muster::test {

RawConnection::RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE: the socket API's own cast
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::system_error(errno, std::generic_category(), "connect");
    }
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

RawConnection::RawConnection(RawConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)),
      closed_(other.closed_) {}

RawConnection& RawConnection::operator=(RawConnection&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(received_, other.received_);
    std::swap(closed_, other.closed_);
    return *this;
}

RawConnection::~RawConnection() {
    close();
}

std::size_t RawConnection::send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count =
            ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
    }
    return sent;
}

void RawConnection::finish_sending() {
    ::shutdown(fd_, SHUT_WR);
}

void RawConnection::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawConnection::read() {
    std::array<char, 65536> piece{};
    while (!closed_ && fd_ >= 0) {
        const ssize_t count = ::recv(fd_, piece.data(), piece.size(), MSG_DONTWAIT);
        if (count > 0) {
            received_.append(piece.data(), static_cast<std::size_t>(count));
        } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            closed_ = true;
        } else {
            return;
        }
    }
}

const std::string& RawConnection::received() {
    read();
    return received_;
}

bool RawConnection::closed() {
    read();
    return closed_;
}

}  // namespace muster::test
