#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/config/endpoint.hpp"
#include "dnsupdate/dns_canary.hpp"
#include "dnsupdate/dns_message.hpp"
#include "dnsupdate/records.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::dnsupdate {

struct VerifierSettings {
    std::vector<config::Endpoint> servers;  ///< addresses
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);
    /// Between two questions for what isn't right yet.
    std::chrono::nanoseconds again = std::chrono::milliseconds(200);
    /// For a change to be seen: then nobody waits for it any longer (a cache, a dead server).
    std::chrono::nanoseconds limit = std::chrono::seconds(10);
    std::chrono::nanoseconds period = std::chrono::seconds(5);  ///< while nothing changes
    std::size_t names = 20;                                     ///< asked for in one period
    CanarySettings canary{};
};

/// What one DNS server answers.
struct ServerState {
    std::string address;
    bool asked = false;
    std::string wrong;                              ///< the first thing; empty: all is as it should
    WallTime since{};                               ///< of `wrong`
    std::size_t waiting = 0;                        ///< changes that it doesn't show yet
    std::optional<std::chrono::nanoseconds> shown;  ///< what the last change took to be seen here
    std::uint64_t given_up = 0;                     ///< changes that were not seen in time
    /// Names that it doesn't answer as they are, and why; no reason: it is given its time.
    std::map<DnsName, std::string> unseen;
    std::string silent;  ///< why the last question had no answer; empty: it had one
    CanaryState canary;
    bool operator==(const ServerState&) const = default;
};

/// Asks each DNS server what the names of a store answer: at once after a change, until it is
/// right; some of all names at a time otherwise; and the canary all the time. One server's silence
/// holds up no other. Executor: the one given.
class DnsVerifier {
 public:
    using Ask = std::function<asio::awaitable<Result<DnsAnswer>>(
        config::Endpoint server, DnsName name, RecordType type, std::chrono::nanoseconds timeout)>;

    /// Whom else its questions serve. Both are called on its executor; either may be empty.
    struct Listeners {
        /// All that a server answered for one name, without a failure, to questions sent at
        /// `asked` or later.
        std::function<void(const std::string& server,
                           const DnsName& name,
                           const std::vector<DnsRecord>& records,
                           SteadyTime asked)>
            answered;
        /// Whether a server answers from its store.
        std::function<void(const std::string& server, bool fails)> noted;
        /// Names that it wants a server's answers for, published or not.
        std::function<std::set<DnsName>(const std::string& server)> open;
    };

    DnsVerifier(asio::any_io_executor executor,
                Clock& clock,
                VerifierSettings settings,
                Ask ask,
                std::function<void()> on_change,
                Listeners listeners = {});

    void start();
    [[nodiscard]] asio::awaitable<void> stop();
    void cancel() { tasks_.cancel(); }

    /// What is in the store now, and what of it has just been written.
    void expect(std::map<DnsName, RecordSet> published, const std::set<DnsName>& changed);
    /// Each server has shown every change, or had time enough for it. One that used up all of it
    /// is not waited for again until it answers right: any name, and then that one.
    [[nodiscard]] bool settled() const;
    [[nodiscard]] std::vector<ServerState> servers() const;

 private:
    struct Change {
        SteadyTime first;  ///< write that it may not have shown yet
        SteadyTime last;
    };
    struct Server {
        Server(const asio::any_io_executor& executor, config::Endpoint at);
        config::Endpoint endpoint;
        ServerState state;
        std::map<DnsName, Change> changed;
        std::set<DnsName> lost;  ///< given up, and not right since
        bool gave_up = false;    ///< and nothing that it answered was right since
        DnsName next;            ///< of all names, where the next look begins
        DnsName next_open;       ///< of those that it should have answered otherwise, too
        Signal wake;
    };

    asio::awaitable<void> watch(Server& server);
    asio::awaitable<void> ask_canary(Server& server);
    asio::awaitable<void> follow_changes(Server& server);
    asio::awaitable<void> look_round(Server& server);
    [[nodiscard]] std::vector<DnsName> open_names(const Server& server) const;
    void tell(Server& server, const DnsName& name, const std::string& wrong) const;
    asio::awaitable<Result<std::string>> what_is_wrong(Server& server, DnsName name);
    void say(Server& server, std::string wrong);
    void note(const Server& server, bool fails);

    Clock& clock_;
    VerifierSettings settings_;
    Ask ask_;
    std::function<void()> on_change_;
    Listeners listeners_;
    TaskGroup tasks_;
    std::map<DnsName, RecordSet> published_;
    SteadyTime canary_from_{};  ///< it may not be written yet before
    std::list<Server> servers_;
};

}  // namespace muster::dnsupdate
