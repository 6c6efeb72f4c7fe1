#include "tests/stale/host.hpp"

#include <fmt/format.h>

#include <utility>

namespace muster::stale {

using namespace std::chrono_literals;

namespace {

std::vector<std::unique_ptr<test::LossyProxy>> links_to(const test::ZooKeeperServers& servers,
                                                        asio::io_context& network) {
    std::vector<std::unique_ptr<test::LossyProxy>> links;
    for (std::size_t i = 0; i < servers.size(); ++i)
        links.push_back(std::make_unique<test::LossyProxy>(network, servers.port(i)));
    return links;
}

}  // namespace

std::string_view to_string(Separation separation) {
    switch (separation) {
        case Separation::frozen:
            return "frozen";
        case Separation::silent:
            return "silent";
        case Separation::cut:
            return "cut";
        case Separation::requests_lost:
            return "requests lost";
    }
    return "";
}

Host::Host(asio::io_context& network,
           const test::ZooKeeperServers& servers,
           const znodes::Paths& paths,
           const Backends& backends,
           Settings settings)
    : settings_(std::move(settings)),
      random_(settings_.seed),
      links_(links_to(servers, network)),
      zookeeper_(context_.get_executor(),
                 clock_,
                 {.servers = addresses(),
                  .session_timeout = settings_.session_timeout,
                  .seed = settings_.seed | 1U}),
      holding_(context_.get_executor(), zookeeper_, paths, settings_.guards),
      prober_(context_.get_executor(), clock_, backends),
      pool_(context_.get_executor(), clock_, prober_, {}),
      tasks_(context_.get_executor()) {
    orchestrator::NodeOptions options{.tick = settings_.tick};
    // Planned moves begin at once, and writes come often: there is always something to hold.
    options.assignment.balance_delay = 50ms;
    options.worker.progress_period = 150ms;
    node_ = std::make_unique<orchestrator::Node>(
        context_.get_executor(),
        holding_,
        clock_,
        pool_,
        paths,
        orchestrator::NodeIdentity{.node = settings_.id, .incarnation = settings_.incarnation},
        options,
        [this] { return fmt::format("{:016x}{:016x}", random_(), random_()); });
}

Host::~Host() = default;

std::vector<std::string> Host::addresses() const {
    std::vector<std::string> addresses;
    for (const auto& link : links_) addresses.push_back(link->address());
    return addresses;
}

void Host::start() {
    tasks_.spawn("store", zookeeper_.run());
    tasks_.spawn("checks", pool_.run());
    node_->start();
}

asio::awaitable<void> Host::end() {
    co_await node_->stop();
    co_await zookeeper_.close();
    co_await tasks_.stop();
    co_await prober_.finish();
}

void Host::separate(Separation separation) {
    if (separation == Separation::frozen) {
        frozen_ = true;
        return;
    }
    parted_ = true;
    for (const auto& link : links_) {
        link->drop_requests(true);
        link->drop_replies(separation != Separation::requests_lost);
        if (separation == Separation::cut) {
            link->refuse(true);
            link->break_connections();
        }
    }
}

void Host::reunite() {
    frozen_ = false;
    for (const auto& link : links_) {
        // A stream with a hole in it is of no use to anybody.
        if (parted_) link->break_connections();
        link->drop_requests(false);
        link->drop_replies(false);
        link->refuse(false);
    }
    parted_ = false;
}

bool Host::is_master() const {
    return node_->election() != nullptr && node_->election()->may_act(clock_.now());
}

}  // namespace muster::stale
