#pragma once

#include "tests/checker/support/hostile_replies.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

/// What a stub sends on each connection, once it has read a request.
struct Script {
    std::vector<std::string> parts;
    std::chrono::milliseconds pause{0};  ///< between parts
    Then then = Then::close;
    bool speaks_first = false;  ///< without a request
};

/// "HTTP/1.1 200 OK", no body, then close.
[[nodiscard]] Script good_script();

/// A backend on a free loopback port that does the same on every connection. Executor: the one
/// given; may be destroyed at any time, and its connections then end with the context.
class BackendStub {
 public:
    BackendStub(
        const boost::asio::any_io_executor& executor,
        Script script,
        const boost::asio::ip::address& address = boost::asio::ip::make_address("127.0.0.1"));
    BackendStub(BackendStub&&) = default;
    ~BackendStub();

    [[nodiscard]] std::uint16_t port() const;
    void change(Script script);

    struct Seen {
        std::vector<std::string> requests;
        int resets = 0;  ///< connections that the peer ended by reset
        int ends = 0;    ///< and those that it ended in order, before the stub did
    };
    [[nodiscard]] const Seen& seen() const;

 private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace muster::checker
