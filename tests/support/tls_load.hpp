#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// A steady load of HTTPS requests on one port of loopback, over a new connection each time, from
/// clients that trust one authority; threads of their own.
class TlsLoad {
 public:
    TlsLoad(std::uint16_t port, std::string bundle);
    TlsLoad(const TlsLoad&) = delete;
    TlsLoad& operator=(const TlsLoad&) = delete;
    ~TlsLoad();

    struct Counts {
        int answered = 0;
        int failed = 0;
        std::map<std::string, int> by_certificate;  ///< SHA-1 of the leaf, in capital hex
        std::string first_failure;
        std::string newest;  ///< leaf of the last answer
    };
    [[nodiscard]] Counts counts() const;

    /// Until so many more have been answered. Throws when that doesn't happen.
    void wait_for(int requests) const;
    /// Until all clients see this certificate.
    [[nodiscard]] bool wait_for_certificate(const std::string& fingerprint) const;

 private:
    void ask(std::uint16_t port);

    std::string bundle_;  ///< a file
    mutable std::mutex mutex_;
    Counts counts_;
    std::atomic<bool> stopping_ = false;
    std::vector<std::jthread> threads_;
};

}  // namespace muster::test
