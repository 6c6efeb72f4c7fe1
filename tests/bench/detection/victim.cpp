#include "tests/bench/detection/victim.hpp"

#include "tests/support/ports.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace muster::test {

namespace {

constexpr std::string_view well =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nready\n";
constexpr std::string_view other =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nasleep";
constexpr std::string_view broken =
    "HTTP/1.1 500 x\r\nConnection: close\r\nContent-Length: 6\r\n\r\nready\n";

}  // namespace

std::shared_ptr<SSL_CTX> server_context(const Authority::Pem& pem) {
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    const auto read = [](const std::string& text) {
        return std::unique_ptr<BIO, decltype(&BIO_free)>(
            BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
    };
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(read(pem.certificate).get(), nullptr, nullptr, nullptr), X509_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(read(pem.key).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    if (SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
        throw std::runtime_error("a certificate can't be used");
    return context;
}

Victim::Victim(std::shared_ptr<SSL_CTX> good, std::shared_ptr<SSL_CTX> expired)
    : good_(std::move(good)), expired_(std::move(expired)), port_(free_port()) {
    listen();
    thread_ = std::thread([this] { serve(); });
}

Victim::~Victim() {
    ending_ = true;
    thread_.join();
}

void Victim::listen() {
    listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port_);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the sockets API asks for.
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener_.get(), 64) != 0)
        throw std::system_error(errno, std::generic_category(), "a backend can't listen");
}

void Victim::serve() {
    std::vector<FileDescriptor> hung;
    while (!ending_) {
        const Fault fault = fault_;
        if (fault != Fault::hung) hung.clear();
        if (fault == Fault::refused) {
            listener_ = FileDescriptor();
            ::poll(nullptr, 0, 1);
            continue;
        }
        if (listener_.get() < 0) listen();
        pollfd ready{.fd = listener_.get(), .events = POLLIN};
        if (::poll(&ready, 1, 2) <= 0) continue;
        FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (connection.get() < 0) continue;
        if (fault_ == Fault::hung) {
            hung.push_back(std::move(connection));
        } else {
            answer(connection, fault_);
        }
    }
}

void Victim::answer(const FileDescriptor& connection, Fault fault) const {
    const timeval limit{.tv_usec = 200'000};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const std::string_view reply = fault == Fault::status       ? broken
                                   : fault == Fault::wrong_body ? other
                                                                : well;
    std::array<char, 4096> request{};
    if (!good_) {
        if (::recv(connection.get(), request.data(), request.size(), 0) > 0)
            (void)!::send(connection.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
        return;
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(
        SSL_new(fault == Fault::expired ? expired_.get() : good_.get()), SSL_free);
    SSL_set_fd(ssl.get(), connection.get());
    if (SSL_accept(ssl.get()) != 1) return;
    if (SSL_read(ssl.get(), request.data(), static_cast<int>(request.size())) > 0)
        SSL_write(ssl.get(), reply.data(), static_cast<int>(reply.size()));
    SSL_shutdown(ssl.get());
}

}  // namespace muster::test
