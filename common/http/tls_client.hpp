#pragma once

#include "common/base/result.hpp"
#include "common/base/tls_files.hpp"

#include <boost/system/error_code.hpp>
#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace muster::http {

/// The client's side of TLS 1.2 and 1.3: whom it trusts and what it shows. The files are looked at
/// for each connection, and read again when one of them has changed. New files that can't be used
/// (one may be half written) are told in the log, and what worked goes on working. Blocking for as
/// long as local files take. Executor: none; one call at a time.
class TlsClient {
 public:
    explicit TlsClient(TlsFiles files) : files_(std::move(files)) {}

    /// Errc::bad_tls_files: which file, and what is wrong with it.
    [[nodiscard]] Result<std::shared_ptr<SSL_CTX>> context();

    [[nodiscard]] const TlsFiles& files() const { return files_; }

 private:
    /// What says that a file is another one than before.
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t bytes = -1;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        bool operator==(const Stamp&) const = default;
    };
    using Stamps = std::array<Stamp, 3>;

    [[nodiscard]] static Stamp stamp_of(const std::string& file);
    [[nodiscard]] Result<std::shared_ptr<SSL_CTX>> make() const;

    TlsFiles files_;
    Stamps looked_at_{};
    std::shared_ptr<SSL_CTX> context_;
};

/// Before the handshake: the name to ask for, and that the certificate must be for. `host`: of the
/// URL; a name or an address.
[[nodiscard]] bool expect_server(SSL* ssl, const std::string& host);

/// Why there is no TLS connection: what is wrong with the server's certificate, or what the server
/// says of ours. `host`: as in expect_server().
[[nodiscard]] std::string why_no_tls(const SSL* ssl,
                                     const boost::system::error_code& error,
                                     const TlsFiles& files,
                                     const std::string& host);

/// The server has ended the connection with an alert about our certificate, or the lack of one. In
/// TLS 1.3 that comes when our side of the handshake is over; the server has carried nothing out.
[[nodiscard]] bool is_refusal_of_ours(const boost::system::error_code& error);

}  // namespace muster::http
