#pragma once

#include "orchestrator/guardian_link.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace muster::test {

/// A ZooKeeper session driven by hand with the single-threaded C client, in a program that must not
/// have threads. Blocking; failures throw std::runtime_error.
class RawSession {
 public:
    RawSession(const std::string& servers, std::chrono::milliseconds timeout);
    RawSession(const RawSession&) = delete;
    RawSession& operator=(const RawSession&) = delete;
    ~RawSession();

    [[nodiscard]] orchestrator::GuardedSession credentials() const;
    void create_ephemeral(const std::string& path);
    [[nodiscard]] bool exists(const std::string& path);
    /// Address and port of the server that it talks to.
    [[nodiscard]] std::string server() const;

    /// One round of the client's loop, `limit` at most.
    void step(std::chrono::milliseconds limit);
    void close();

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::test
