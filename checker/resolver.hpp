#pragma once

#include "checker/alarm.hpp"
#include "checker/poll_set.hpp"
#include "common/base/clock.hpp"

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::checker {

struct ResolverSettings {
    /// "10.0.0.1:53,[::1]:5353"; empty = those of /etc/resolv.conf.
    std::string servers;
    std::chrono::milliseconds query_timeout{
        1000};  ///< of one try at one server; doubles each round
    int tries = 2;
    std::chrono::seconds shortest_ttl{5};  ///< also of names in /etc/hosts
    std::chrono::seconds longest_ttl{300};
    std::chrono::seconds negative_ttl{5};  ///< how long "no such name" is believed
    std::chrono::seconds retry_after{1};   ///< how long a failure of all servers stands
    /// Past its TTL an answer is still good for want of a better one (RFC 8767, 5), so long, once
    /// the servers have been asked for this time in vain.
    std::chrono::hours longest_expired{24};
    std::chrono::milliseconds patience{100};
    std::size_t max_names = 4096;
    std::size_t max_queries = 256;  ///< names asked for at once
    std::size_t max_addresses = 8;  ///< of one name
};

/// What is known of a name.
struct Resolution {
    enum class Status {
        found,
        no_such_name,  ///< a server (or the hosts file) said so
        unavailable,   ///< no server answered, or we could not ask: says nothing about the name
    };
    Status status = Status::unavailable;
    std::vector<boost::asio::ip::address> addresses;  ///< IPv4 first
    bool expired = false;  ///< `found` is from before, and no server says anything now
    bool operator==(const Resolution&) const = default;
};

/// Host names to addresses, over c-ares on our executor: /etc/hosts, then the name servers, A and
/// AAAA at once. Answers are kept for their TTL; everyone who asks for the same name meanwhile
/// shares one query. Executor: all calls, and the answers, on the one given.
class Resolver {
 public:
    using Done = std::move_only_function<void(const Resolution&)>;

    Resolver(boost::asio::any_io_executor executor,
             Clock& clock,
             PollSet& poll_set,
             ResolverSettings settings = {});
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver();

    /// What can be said at once: an answer that is still valid.
    [[nodiscard]] std::optional<Resolution> cached(const std::string& name);

    /// Asks. `done` may be called from inside. There is no cancelling: who lost interest ignores
    /// it.
    void resolve(const std::string& name, Done done);

    /// Answers all who wait as unavailable.
    void stop();

    /// Queries sent to c-ares so far (A and AAAA of a name are one).
    [[nodiscard]] std::uint64_t queries() const;

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::checker
