#include "checker/resolver.hpp"

#include "checker/ares_answer.hpp"

#include <ares.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace muster::checker {

namespace {

using Status = Resolution::Status;

/// How often c-ares is asked for time-outs while queries are under way, and how long the IPv4
/// addresses of a name wait for the IPv6 ones before they go alone.
constexpr auto beat = std::chrono::milliseconds(50);

bool is_localhost(std::string_view name) {
    return name == "localhost" || name.ends_with(".localhost");
}

void init_library_once() {
    static const int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
}

}  // namespace

struct Resolver::Inside final : PollSet::Waiter {
    Inside(boost::asio::any_io_executor executor,
           Clock& the_clock,
           PollSet& the_poll_set,
           ResolverSettings the_settings);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

    struct Query {
        std::string name;
        SteadyTime asked{};
        AresAnswer v4;
        AresAnswer v6;
        std::vector<Done> waiting;
    };
    struct Kept {
        Resolution resolution;
        SteadyTime until{};
        SteadyTime expired{};  ///< the end of the TTL, if there are addresses
    };
    /// What c-ares gives back to us with an answer.
    struct Asked {
        Inside* resolver;
        Query* query;
        bool is_v6;
    };

    void ask(Query& query, int family);
    static void on_answer(void* argument, int status, int timeouts, ares_addrinfo* answer);
    static void on_socket_state(void* argument, ares_socket_t socket, int readable, int writable);
    void on_ready(int descriptor, std::uint32_t epoll_events) override;
    void on_beat();
    void settle();
    void settle(Query& query);
    void keep(const std::string& name, const Resolution& resolution, std::chrono::seconds ttl);
    [[nodiscard]] std::optional<Resolution> outlived(const std::string& name) const;

    Clock& clock;
    PollSet& poll_set;
    ResolverSettings settings;
    ares_channel channel = nullptr;
    std::map<int, PollSet::Ticket> sockets;
    std::unordered_map<std::string, std::unique_ptr<Query>> queries;
    std::unordered_map<std::string, Kept> cache;
    std::uint64_t asked = 0;
    bool stopped = false;
    Alarm alarm;
};

Resolver::Inside::Inside(boost::asio::any_io_executor executor,
                         Clock& the_clock,
                         PollSet& the_poll_set,
                         ResolverSettings the_settings)
    : clock(the_clock),
      poll_set(the_poll_set),
      settings(std::move(the_settings)),
      alarm(std::move(executor), the_clock, [this] { on_beat(); }) {
    init_library_once();
    ares_options options{};
    options.timeout = static_cast<int>(settings.query_timeout.count());
    options.tries = settings.tries;
    char lookups[] = "fb";  // the hosts file, then name servers
    options.lookups = lookups;
    options.sock_state_cb = &Inside::on_socket_state;
    options.sock_state_cb_data = this;
    const int status = ares_init_options(
        &channel,
        &options,
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
    if (settings.servers.empty()) return;
    if (const int set = ares_set_servers_ports_csv(channel, settings.servers.c_str());
        set != ARES_SUCCESS) {
        ares_destroy(channel);
        throw std::runtime_error(std::string("name servers: ") + ares_strerror(set));
    }
}

Resolver::Inside::~Inside() {
    stopped = true;
    ares_destroy(channel);
    for (auto& [socket, ticket] : sockets) poll_set.remove(ticket);
}

void Resolver::Inside::on_socket_state(void* argument,
                                       ares_socket_t socket,
                                       int readable,
                                       int writable) {
    Inside& self = *static_cast<Inside*>(argument);
    const std::uint32_t events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
    const auto found = self.sockets.find(socket);
    if (events == 0) {
        if (found == self.sockets.end()) return;
        self.poll_set.remove(found->second);
        self.sockets.erase(found);
    } else if (found != self.sockets.end()) {
        self.poll_set.change(found->second, events);
    } else {
        // When this fails the query times out, which is as much as could be said about it.
        PollSet::Ticket ticket;
        if (!self.poll_set.add(socket, events, self, ticket)) self.sockets[socket] = ticket;
    }
}

void Resolver::Inside::on_ready(int descriptor, std::uint32_t epoll_events) {
    const bool readable = (epoll_events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    const bool writable = (epoll_events & EPOLLOUT) != 0;
    ares_process_fd(
        channel, readable ? descriptor : ARES_SOCKET_BAD, writable ? descriptor : ARES_SOCKET_BAD);
    settle();
}

void Resolver::Inside::on_beat() {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle();
}

void Resolver::Inside::ask(Query& query, int family) {
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    // Sorting would connect a socket to each address to see whether there is a route.
    hints.ai_flags = ARES_AI_NOSORT;
    auto argument = std::make_unique<Asked>(Asked{this, &query, family == AF_INET6});
    ares_getaddrinfo(
        channel, query.name.c_str(), nullptr, &hints, &Inside::on_answer, argument.release());
}

void Resolver::Inside::on_answer(void* argument,
                                 int status,
                                 int /*timeouts*/,
                                 ares_addrinfo* answer) {
    const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
    if (!asked->resolver->stopped) {
        // Waiters hear of it in settle(): they may ask again, and c-ares is in the middle of
        // things.
        AresAnswer& half = asked->is_v6 ? asked->query->v6 : asked->query->v4;
        half = read_ares_answer(status, answer, asked->resolver->settings.longest_ttl);
    }
    if (answer != nullptr) ares_freeaddrinfo(answer);
}

/// Answers the waiters of all queries that have come to an end.
void Resolver::Inside::settle() {
    std::vector<std::pair<std::vector<Done>, Resolution>> answers;
    for (auto at = queries.begin(); at != queries.end();) {
        Query& query = *at->second;
        const bool v4_is_enough =
            query.v4.status == Status::found && clock.now() - query.asked >= beat;
        const bool ended = query.v4.done && query.v6.done;
        const bool takes_long = clock.now() - query.asked >= settings.patience;
        if (!query.waiting.empty() && (ended || v4_is_enough)) {
            settle(query);
            answers.emplace_back(std::move(query.waiting), cache.at(query.name).resolution);
            query.waiting.clear();
        } else if (auto known = takes_long ? outlived(query.name) : std::nullopt;
                   known && !query.waiting.empty() && !ended) {
            answers.emplace_back(std::exchange(query.waiting, {}), std::move(*known));
        } else if (ended) {
            settle(query);  // the late half completes what is kept
        }
        at = ended ? queries.erase(at) : std::next(at);
    }
    if (queries.empty()) {
        alarm.clear();
    } else if (alarm.when() == SteadyTime::max()) {
        alarm.set(clock.now() + beat);
    }
    for (auto& [waiting, resolution] : answers) {
        for (Done& done : waiting) done(resolution);
    }
}

void Resolver::Inside::settle(Query& query) {
    Resolution resolution{.status = combine(query.v4, query.v6)};
    std::chrono::seconds ttl = settings.longest_ttl;
    for (const AresAnswer* half : {&query.v4, &query.v6}) {
        if (half->status != Status::found) continue;
        resolution.addresses.insert(
            resolution.addresses.end(), half->addresses.begin(), half->addresses.end());
        ttl = std::min(ttl, half->ttl);
    }
    if (resolution.addresses.size() > settings.max_addresses) {
        resolution.addresses.resize(settings.max_addresses);
    }
    switch (resolution.status) {
        case Status::found:
            ttl = std::max(ttl, settings.shortest_ttl);
            break;
        case Status::no_such_name:
            ttl = settings.negative_ttl;
            break;
        case Status::unavailable:
            ttl = settings.retry_after;
            break;
    }
    keep(query.name, resolution, ttl);
}

void Resolver::Inside::keep(const std::string& name,
                            const Resolution& resolution,
                            std::chrono::seconds ttl) {
    const SteadyTime now = clock.now();
    if (cache.size() >= settings.max_names && !cache.contains(name)) {
        std::erase_if(cache, [now](const auto& entry) { return entry.second.until <= now; });
        if (cache.size() >= settings.max_names) cache.erase(cache.begin());
    }
    Kept kept{.resolution = resolution, .until = now + ttl, .expired = now + ttl};
    if (resolution.status == Status::unavailable) {
        if (auto known = outlived(name)) {
            kept.resolution = std::move(*known);
            kept.expired = cache.at(name).expired;
        }
    }
    cache.insert_or_assign(name, std::move(kept));
}

std::optional<Resolution> Resolver::Inside::outlived(const std::string& name) const {
    const auto found = cache.find(name);
    if (found == cache.end() || found->second.resolution.status != Status::found ||
        clock.now() >= found->second.expired + settings.longest_expired)
        return std::nullopt;
    Resolution known = found->second.resolution;
    known.expired = true;
    return known;
}

Resolver::Resolver(boost::asio::any_io_executor executor,
                   Clock& clock,
                   PollSet& poll_set,
                   ResolverSettings settings)
    : inside_(std::make_unique<Inside>(std::move(executor), clock, poll_set, std::move(settings))) {
}

Resolver::~Resolver() = default;

std::optional<Resolution> Resolver::cached(const std::string& name) {
    const auto found = inside_->cache.find(name);
    if (found == inside_->cache.end() || found->second.until <= inside_->clock.now()) {
        return std::nullopt;
    }
    return found->second.resolution;
}

void Resolver::resolve(const std::string& name, Done done) {
    if (const auto found = inside_->queries.find(name); found != inside_->queries.end()) {
        found->second->waiting.push_back(std::move(done));
        return;
    }
    if (inside_->stopped || inside_->queries.size() >= inside_->settings.max_queries) {
        done({.status = Status::unavailable});
        return;
    }
    auto query = std::make_unique<Inside::Query>();
    query->name = name;
    query->asked = inside_->clock.now();
    query->waiting.push_back(std::move(done));
    Inside::Query& asked = *query;
    inside_->queries.emplace(name, std::move(query));
    ++inside_->asked;
    if (is_localhost(name)) {
        // Never goes to a name server; and c-ares 1.18 leaks memory when asked for its IPv6 address
        // alone while the hosts file has only the other.
        asked.v6 = {.done = true, .status = Status::no_such_name};
        inside_->ask(asked, AF_UNSPEC);
    } else {
        inside_->ask(asked, AF_INET);
        inside_->ask(asked, AF_INET6);
    }
    inside_->settle();
}

void Resolver::stop() {
    if (inside_->stopped) return;
    inside_->stopped = true;
    inside_->alarm.clear();
    ares_cancel(inside_->channel);
    auto queries = std::exchange(inside_->queries, {});
    for (auto& [name, query] : queries) {
        for (Done& done : query->waiting) done({.status = Status::unavailable});
    }
}

std::uint64_t Resolver::queries() const {
    return inside_->asked;
}

}  // namespace muster::checker
