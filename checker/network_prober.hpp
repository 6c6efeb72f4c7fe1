#pragma once

#include "checker/make_dialogue.hpp"
#include "checker/prober.hpp"
#include "checker/resolver.hpp"

#include <boost/asio/ip/address.hpp>

#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

struct NetworkProberSettings {
    DialogueSettings dialogue;  ///< an empty user agent = "muster/<version>"
    ResolverSettings resolver;
    std::string tls_dir;      ///< of the bundles and certificates that checks name; empty = none
    std::string secrets_dir;  ///< of the secrets; empty = none
    /// Local addresses to probe from, in turn: each has some 28,000 ports towards one backend.
    /// Empty, or none of the backend's family: the kernel's choice.
    std::vector<boost::asio::ip::address> source_addresses;
    /// When a TCP connection takes so long, a second one is tried beside it, and after as long
    /// again another in the place of that, three in all; the first to stand is taken. A SYN that
    /// got lost is only sent again after a second (RFC 6298, 2.1).
    std::chrono::nanoseconds hedge_after = std::chrono::milliseconds(300);
    /// Deadlines are looked at on this grid, all together.
    std::chrono::nanoseconds tick = std::chrono::milliseconds(10);
};

/// Dialogues over real sockets, a new connection each (see ProbeSocket), with TLS and the PROXY
/// protocol below them. The addresses of a name are tried in turn until one is not refused.
/// Whatever goes wrong on our side (ports, descriptors, memory, name servers, certificates that are
/// not there) is inconclusive.
class NetworkProber final : public Prober {
 public:
    /// Throws when the process can't have the descriptors it starts with.
    NetworkProber(asio::any_io_executor executor,
                  Clock& clock,
                  NetworkProberSettings settings = {});
    ~NetworkProber() override;

    void start(std::shared_ptr<const ProbeRequest> request, Done done) override;
    void stop() override;

    [[nodiscard]] std::size_t running() const;

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::checker
