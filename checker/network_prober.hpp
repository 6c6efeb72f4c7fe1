#pragma once

#include "checker/make_dialogue.hpp"
#include "checker/prober.hpp"
#include "checker/resolver.hpp"

#include <memory>
#include <string>

namespace muster::checker {

struct NetworkProberSettings {
    DialogueSettings dialogue;  ///< an empty user agent = "muster/<version>"
    ResolverSettings resolver;
    /// Deadlines are looked at on this grid, all together.
    std::chrono::nanoseconds tick = std::chrono::milliseconds(10);
};

/// HTTP/1.1 and TCP connect probes over real sockets, a new connection each (see ProbeSocket,
/// HttpReplyCheck). The addresses of a name are tried in turn until one is not refused. Reads at
/// most 96 KiB of a reply. Whatever goes wrong on our side (ports, descriptors, memory, name
/// servers) is inconclusive.
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
