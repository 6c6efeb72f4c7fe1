#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/base/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace muster::orchestrator {

/// How one node asks another. Real: PeerChannel. Simulation and tests have their own.
class Peers {
 public:
    Peers() = default;
    Peers(const Peers&) = delete;
    Peers& operator=(const Peers&) = delete;
    virtual ~Peers() = default;
    /// One question, one answer, within `limit`.
    [[nodiscard]] virtual asio::awaitable<Result<std::string>> ask(
        std::string address, std::string question, std::chrono::nanoseconds limit) = 0;
};

/// Questions and answers between nodes over TLS 1.3 with the cluster's secret as a pre-shared key
/// (RFC 8446, 2.2, with (EC)DHE): both sides prove that they have it, nothing can be read or forged
/// by others, and there are no certificates to expire. Frames: a length of four bytes, big-endian,
/// and at most 64 KiB of text; one question a connection. Executor: the one given.
class PeerChannel final : public Peers {
 public:
    using Answer = std::function<asio::awaitable<std::string>(std::string question)>;

    /// Throws when OpenSSL can't be set up.
    PeerChannel(asio::any_io_executor executor, Clock& clock, const std::string& secret);
    ~PeerChannel() override;

    /// Listens on ip:port, 0 = any free one.
    [[nodiscard]] Result<void> open(const std::string& ip, std::uint16_t port);
    [[nodiscard]] std::uint16_t port() const;
    /// Answers until stop(); at most 64 connections at a time, of 5 s each.
    void start(Answer answer);
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] asio::awaitable<Result<std::string>> ask(std::string address,
                                                           std::string question,
                                                           std::chrono::nanoseconds limit) override;

 private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace muster::orchestrator
