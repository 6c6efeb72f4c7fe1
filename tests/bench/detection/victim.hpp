#pragma once

#include "common/base/file_descriptor.hpp"
#include "tests/support/certificates.hpp"

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace muster::test {

/// A backend in a thread of its own that can fail in different ways, over TLS or without. Any
/// thread.
class Victim {
 public:
    enum class Fault : std::uint8_t {
        none,
        refused,     ///< nobody listens
        hung,        ///< accepts, and says nothing
        status,      ///< 500
        wrong_body,  ///< 200, and another text
        expired,     ///< its certificate; of TLS only
    };

    /// Null contexts: without TLS.
    Victim(std::shared_ptr<SSL_CTX> good, std::shared_ptr<SSL_CTX> expired);
    ~Victim();
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    void set(Fault fault) { fault_ = fault; }

 private:
    void serve();
    void answer(const FileDescriptor& connection, Fault fault) const;
    void listen();

    std::shared_ptr<SSL_CTX> good_;
    std::shared_ptr<SSL_CTX> expired_;
    std::uint16_t port_;
    FileDescriptor listener_;
    std::atomic<Fault> fault_ = Fault::none;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

[[nodiscard]] std::shared_ptr<SSL_CTX> server_context(const Authority::Pem& pem);

}  // namespace muster::test
