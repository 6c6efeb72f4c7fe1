#include "tests/support/tls_load.hpp"

#include "common/base/file_descriptor.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr int clients = 3;

struct Answer {
    std::string body;
    std::string certificate;
};

/// Throws what goes wrong.
Answer ask_once(SSL_CTX* context, std::uint16_t port) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets' API.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        throw std::runtime_error(fmt::format("connect: {}", std::strerror(errno)));
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context), SSL_free);
    SSL_set_fd(tls.get(), socket.get());
    ERR_clear_error();
    if (SSL_connect(tls.get()) != 1) {
        const char* const why = ERR_reason_error_string(ERR_peek_last_error());
        throw std::runtime_error(fmt::format("handshake: {}", why == nullptr ? "closed" : why));
    }
    Answer answer;
    const std::unique_ptr<X509, decltype(&X509_free)> leaf(SSL_get1_peer_certificate(tls.get()),
                                                           X509_free);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    X509_digest(leaf.get(), EVP_sha1(), hash.data(), &size);
    for (unsigned int i = 0; i < size; ++i) answer.certificate += fmt::format("{:02X}", hash.at(i));
    const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) <= 0)
        throw std::runtime_error("write");
    std::array<char, 4096> part{};
    for (int got = 0; (got = SSL_read(tls.get(), part.data(), part.size())) > 0;)
        answer.body.append(part.data(), static_cast<std::size_t>(got));
    if (!answer.body.starts_with("HTTP/1.1 200"))
        throw std::runtime_error("answer: " + answer.body.substr(0, 100));
    return answer;
}

}  // namespace

TlsLoad::TlsLoad(std::uint16_t port, std::string bundle) : bundle_(std::move(bundle)) {
    for (int client = 0; client < clients; ++client)
        threads_.emplace_back([this, port] { ask(port); });
}

TlsLoad::~TlsLoad() {
    stopping_ = true;
}

void TlsLoad::ask(std::uint16_t port) {
    // OpenSSL writes without MSG_NOSIGNAL, and a server may be killed in the middle.
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_load_verify_locations(context.get(), bundle_.c_str(), nullptr);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    while (!stopping_) {
        try {
            const Answer answer = ask_once(context.get(), port);
            const std::scoped_lock lock(mutex_);
            ++counts_.answered;
            ++counts_.by_certificate[answer.certificate];
            counts_.newest = answer.certificate;
        } catch (const std::exception& error) {
            const std::scoped_lock lock(mutex_);
            if (counts_.failed++ == 0) counts_.first_failure = error.what();
        }
    }
}

TlsLoad::Counts TlsLoad::counts() const {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

void TlsLoad::wait_for(int requests) const {
    const int before = counts().answered;
    if (!eventually(30s, [&] { return counts().answered >= before + requests; }))
        throw std::runtime_error("the load has stopped: " + counts().first_failure);
}

bool TlsLoad::wait_for_certificate(const std::string& fingerprint) const {
    // What was under way has ended then.
    wait_for(2 * clients);
    return eventually(10s, [&] { return counts().newest == fingerprint; });
}

}  // namespace muster::test
