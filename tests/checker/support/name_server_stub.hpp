#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

/// What the stub does when asked for a name.
struct NameAnswer {
    enum class Kind { addresses, no_such_name, server_failure, silence };
    Kind kind = Kind::addresses;
    std::vector<std::string> addresses;  ///< IPv4 and IPv6, each for its own type of query
    std::uint32_t ttl = 60;
    bool silent_for_v6 = false;
};

/// A name server over UDP on a free loopback port. Names it does not know do not exist.
class NameServerStub {
 public:
    explicit NameServerStub(const boost::asio::any_io_executor& executor);
    ~NameServerStub();
    NameServerStub(const NameServerStub&) = delete;
    NameServerStub& operator=(const NameServerStub&) = delete;

    /// "127.0.0.1:port".
    [[nodiscard]] std::string address() const;

    void set(const std::string& name, NameAnswer answer);
    /// A queries seen for this name.
    [[nodiscard]] int queries(const std::string& name) const;

 private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace muster::checker
