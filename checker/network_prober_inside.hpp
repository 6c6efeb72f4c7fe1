#pragma once

#include "checker/deadlines.hpp"
#include "checker/network_prober.hpp"
#include "checker/phase_outcome.hpp"
#include "checker/poll_set.hpp"
#include "checker/probe_socket.hpp"
#include "checker/secrets.hpp"
#include "checker/spare_sockets.hpp"
#include "checker/tls_client.hpp"
#include "checker/tls_contexts.hpp"

#include <boost/container/small_vector.hpp>

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

// The inside of the network prober. What leads to a connection, and the end of a probe, are in
// network_prober.cpp; what goes over it in network_prober_talk.cpp.
namespace muster::checker {

struct NetworkProber::Inside {
    struct Probe;

    /// A second connection of one probe, until one of the two stands.
    struct Hedge final : PollSet::Waiter {
        Hedge(Inside& the_prober, Probe& the_probe) : prober(the_prober), probe(the_probe) {}
        Hedge(const Hedge&) = delete;
        Hedge& operator=(const Hedge&) = delete;
        ~Hedge() { prober.poll_set.remove(ticket); }

        void on_ready(int /*descriptor*/, std::uint32_t epoll_events) override {
            prober.on_hedge_ready(probe, epoll_events);
        }

        Inside& prober;
        Probe& probe;
        ProbeSocket socket;
        PollSet::Ticket ticket;
    };

    /// One probe under way.
    struct Probe final : PollSet::Waiter {
        Probe(Inside& the_prober, std::uint64_t the_serial)
            : prober(the_prober), serial(the_serial) {}
        Probe(const Probe&) = delete;
        Probe& operator=(const Probe&) = delete;
        ~Probe() = default;

        void on_ready(int /*descriptor*/, std::uint32_t epoll_events) override {
            prober.on_ready(*this, epoll_events);
        }

        Inside& prober;
        std::uint64_t serial;
        std::shared_ptr<const ProbeRequest> request;
        Done done;
        SteadyTime started{};
        SteadyTime end{};           ///< of the phase
        Deadlines::Entry deadline;  ///< at the end or before it
        Phase phase = Phase::resolving;
        boost::container::small_vector<asio::ip::address, 1> addresses;
        std::size_t next_address = 0;
        bool expired = false;  ///< the addresses are, and perhaps others' by now
        Transport transport = Transport::stream;
        SteadyTime connect_began{};
        int hedges = 0;
        ProbeSocket socket;
        PollSet::Ticket ticket;
        std::unique_ptr<Hedge> hedge;
        std::unique_ptr<Dialogue> dialogue;
        bool begun = false;  ///< the dialogue is
        std::unique_ptr<TlsClient> tls;
        std::optional<Finding> expiry;  ///< what makes a success a degraded one
        std::string unsent;             ///< what didn't fit at once
        bool reused = false;            ///< on a connection of an earlier probe
        std::chrono::microseconds resolve{0};
        std::chrono::microseconds connect{0};
        std::chrono::microseconds secured{0};
        std::chrono::microseconds sent{0};
        std::chrono::microseconds first_byte{0};
    };

    Inside(asio::any_io_executor the_executor, Clock& the_clock, NetworkProberSettings the_settings)
        : executor(std::move(the_executor)),
          clock(the_clock),
          settings(std::move(the_settings)),
          poll_set(executor),
          spares(poll_set),
          resolver(executor, the_clock, poll_set, settings.resolver),
          tls_contexts(settings.tls_dir),
          secrets(settings.secrets_dir, the_clock),
          deadlines(executor, the_clock, settings.tick, [this] { on_deadlines(); }) {
        if (!settings.dialogue.patterns)
            settings.dialogue.patterns = std::make_shared<PatternCache>();
        if (settings.dialogue.user_agent.empty())
            settings.dialogue.user_agent = "muster/" MUSTER_VERSION;
        settings.dialogue.secret = [this](const std::string& name) { return secrets.find(name); };
    }

    static constexpr std::uint32_t events_wanted = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    static constexpr std::uint32_t peer_is_done = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

    /// Where a connection is kept between two probes of one request. None is there while one of
    /// them uses it.
    struct Idle final : PollSet::Waiter {
        Idle(Inside& the_prober, const ProbeRequest* the_key) : prober(the_prober), key(the_key) {}
        ~Idle() { prober.poll_set.remove(ticket); }
        Idle(const Idle&) = delete;
        Idle& operator=(const Idle&) = delete;

        /// Whatever the backend says now, it is no answer: most often it has closed.
        void on_ready(int /*descriptor*/, std::uint32_t /*epoll_events*/) override {
            prober.idle.erase(key);
        }

        Inside& prober;
        const ProbeRequest* key;
        std::weak_ptr<const ProbeRequest> request;
        ProbeSocket socket;
        PollSet::Ticket ticket;
        std::unique_ptr<TlsClient> tls;
    };

    /// What the next probe of a request can go on with in place of a whole handshake.
    struct Resumable {
        std::weak_ptr<const ProbeRequest> request;
        TlsClient::Session session{nullptr, SSL_SESSION_free};
        int in_a_row = 0;
    };
    static constexpr int most_hedges = 3;
    /// Reads of one connection before the others have their turn.
    static constexpr int most_reads = 8;
    /// Then a whole handshake is due: a resumed one doesn't show the certificate.
    static constexpr int most_resumptions = 15;

    [[nodiscard]] std::chrono::microseconds age(const Probe& probe) const {
        return std::chrono::ceil<std::chrono::microseconds>(clock.now() - probe.started);
    }

    [[nodiscard]] static const config::PhaseTimeouts& timeouts_of(const Probe& probe) {
        static const config::PhaseTimeouts none;
        return probe.request->timeouts ? *probe.request->timeouts : none;
    }

    /// A source address stays bound to a socket.
    [[nodiscard]] bool uses_spares() const { return settings.source_addresses.empty(); }

    void begin(std::shared_ptr<const ProbeRequest> request, Done done);
    void resolve(Probe& probe);
    void on_resolved(Probe& probe, const Resolution& resolution);
    void connect_next(Probe& probe);
    void connect(Probe& probe);
    [[nodiscard]] int open(Probe& probe, ProbeSocket& socket);
    [[nodiscard]] SteadyTime connect_end(const Probe& probe) const;
    void hedge(Probe& probe);
    void on_hedge_ready(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool renew(Probe& probe);
    [[nodiscard]] bool take_idle(Probe& probe);
    void park(Probe& probe);
    void sweep();
    [[nodiscard]] SSL_SESSION* session_for(const Probe& probe);
    void keep_session(const Probe& probe, bool success);
    void wait_until(Probe& probe, SteadyTime end);
    void wait_for_connection(Probe& probe, SteadyTime now);
    void limit(Probe& probe, std::optional<std::chrono::nanoseconds> span);
    void on_connect_error(Probe& probe, int error);
    void on_connected(Probe& probe);
    void on_ready(Probe& probe, std::uint32_t epoll_events);
    [[nodiscard]] bool transmit(Probe& probe);
    [[nodiscard]] bool send(Probe& probe, std::string_view data);
    void receive(Probe& probe, std::uint32_t epoll_events);
    void on_first_byte(Probe& probe);
    [[nodiscard]] bool take(Probe& probe, std::string_view bytes);
    void on_end_of_input(Probe& probe);
    [[nodiscard]] bool secure(Probe& probe);
    [[nodiscard]] bool on_secured(Probe& probe);
    [[nodiscard]] bool carry_on(Probe& probe, const Dialogue::Turn& turn);
    void put_into_wire(Probe& probe);
    void conclude(Probe& probe, const Finding& finding);
    void on_deadlines();
    void on_timeout(Probe& probe);
    void close(Probe& probe);
    void finish(Probe& probe, ProbeOutcome outcome);
    void stop();

    asio::any_io_executor executor;
    Clock& clock;
    NetworkProberSettings settings;
    PollSet poll_set;
    SpareSockets spares;
    Resolver resolver;
    TlsContexts tls_contexts;
    Secrets secrets;
    std::unordered_map<std::uint64_t, Probe> probes;
    std::unordered_map<const ProbeRequest*, Idle> idle;
    SteadyTime next_sweep{};
    Deadlines deadlines;
    std::unordered_map<const ProbeRequest*, Resumable> sessions;
    std::uint64_t last_serial = 0;
    std::size_t next_source = 0;
    bool starting = false;  ///< inside start(), where nothing may be called back
    bool stopped = false;
    // Kept for their memory:
    std::string out;    ///< what a dialogue has to say
    std::string wire;   ///< what is to go into the socket
    std::string plain;  ///< what TLS has for the dialogue
    std::array<char, 16UZ * 1024UZ> buffer{};
};

}  // namespace muster::checker
