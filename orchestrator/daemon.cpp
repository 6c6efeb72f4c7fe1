#include "orchestrator/daemon.hpp"

#include "checker/prober_settings.hpp"
#include "common/config/endpoint.hpp"
#include "common/observe/log.hpp"
#include "orchestrator/api.hpp"
#include "orchestrator/metric_source.hpp"
#include "orchestrator/provider_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace muster::orchestrator {

namespace {

constexpr std::chrono::milliseconds snapshot_gap{100};
constexpr std::chrono::seconds snapshot_period{1};
constexpr std::chrono::seconds prober_patience{1};

http::ServerSettings server_settings(const config::Endpoint& endpoint) {
    return {.address = endpoint.host, .port = endpoint.port};
}

config::Endpoint listen_endpoint(const std::string& text) {
    const auto endpoint = config::parse_endpoint(text, 0);
    if (!endpoint) throw std::invalid_argument(fmt::format("listen: {}", endpoint.error()));
    return *endpoint;
}

/// Connections, and no more.
std::vector<std::shared_ptr<const checker::ProbeRequest>> canaries_of(
    const config::NodeSettings& node) {
    constexpr std::chrono::milliseconds canary_timeout{500};
    std::vector<std::shared_ptr<const checker::ProbeRequest>> canaries;
    for (const std::string& text : node.canaries) {
        const auto at = config::parse_endpoint(text);
        if (!at) throw std::invalid_argument(fmt::format("canaries: {}", at.error()));
        canaries.push_back(std::make_shared<const checker::ProbeRequest>(
            checker::ProbeRequest{.host = at->host,
                                  .port = at->port,
                                  .probe = config::ProbeSpec(config::TcpCheck{}),
                                  .timeout = canary_timeout}));
    }
    return canaries;
}

RecordingLimits limits_of(const config::RecordingSettings& settings) {
    return {.keep = settings.keep, .bytes = static_cast<std::uint64_t>(settings.max_mib) << 20U};
}

}  // namespace

Daemon::Daemon(asio::any_io_executor control,
               Clock& clock,
               coordination::Store& store,
               DaemonSettings settings)
    : control_(control),
      clock_(clock),
      store_(store),
      settings_(std::move(settings)),
      incarnation_(settings_.new_guid()),
      started_(clock.wall()),
      changed_(control),
      tasks_(control) {
    const config::NodeSettings& own = settings_.node;
    settings_.probers.on_lb = [this](const checker::ProbeRequest& request,
                                     const std::vector<checker::ProbeOutcome>& outcomes) {
        hops_.take(request, outcomes);
    };
    pool_ = std::make_unique<checker::ThreadedPool>(
        control_,
        clock_,
        own.prober_threads,
        checker::engine_settings(own),
        [settings = settings_.probers](asio::any_io_executor executor, Clock& its_clock) {
            return std::make_unique<checker::ProberSet>(std::move(executor), its_clock, settings);
        });
    const config::Endpoint listen = listen_endpoint(own.listen);
    api_thread_ = std::make_unique<ApiThread>(
        clock_, server_settings(listen), [this](const asio::any_io_executor&) {
            return [this](http::Request request) { return api_->handle(std::move(request)); };
        });
}

Daemon::~Daemon() = default;

std::string Daemon::api_address() const {
    const config::Endpoint listen = listen_endpoint(settings_.node.listen);
    return config::to_string(config::Endpoint{.host = listen.host, .port = api_thread_->port()});
}

bool Daemon::probers_tick() const {
    return clock_.now() - pool_->last_tick() < prober_patience;
}

Result<void> Daemon::start() {
    if (Result<void> opened = api_thread_->open(); !opened) return opened;
    const config::NodeSettings& own = settings_.node;
    std::string peer_address;
    if (!settings_.cluster_secret.empty()) {
        const config::Endpoint at = listen_endpoint(own.peer_listen);
        peers_ = std::make_unique<PeerChannel>(control_, clock_, settings_.cluster_secret);
        if (Result<void> opened = peers_->open(at.host, at.port); !opened) return opened;
        peer_address = config::to_string(config::Endpoint{.host = at.host, .port = peers_->port()});
        peers_->start(
            [this](std::string question) { return node_->answer_peer(std::move(question)); });
    }
    node_ = std::make_unique<Node>(
        control_,
        store_,
        clock_,
        *pool_,
        znodes::Paths(own.cluster),
        NodeIdentity{.node = own.node,
                     .incarnation = incarnation_,
                     .zone = own.zone,
                     .capacity = own.capacity,
                     .api_address = api_address(),
                     .build = settings_.build,
                     .probes = checker::announced_probes(settings_.probers.commands.programs,
                                                         settings_.probers.plugins),
                     .peer_address = peer_address,
                     .providers = provider_names(own)},
        NodeOptions{.tick = own.zookeeper_tick,
                    .worker = {.peers = peers_.get(), .canaries = canaries_of(own)}},
        settings_.new_guid);
    commands_ = std::make_unique<NodeCommands>(
        control_,
        store_,
        clock_,
        *node_,
        *pool_,
        settings_.new_guid,
        [this](const SelfPause& pause) { return keep_pause(pause); },
        own.prometheus ? check_with(clock_, *own.prometheus) : check_with_nothing(),
        hops_);
    if (own.dns)
        dns_ = std::make_unique<DnsDuty>(
            control_,
            store_,
            clock_,
            *node_,
            DnsDutySettings{.dns = *own.dns,
                            .cluster = own.cluster,
                            .password = settings_.dns_password,
                            .key_secrets = settings_.dns_key_secrets},
            settings_.new_guid,
            [this] { return commands_->self_pause().paused; },
            [this] { changed_.notify(); });
    if (dns_)
        shifts_ = std::make_unique<ShiftDuty>(control_, store_, clock_, *node_, *dns_, [this] {
            return commands_->self_pause().paused;
        });
    if (dns_)
        dns_commands_ = std::make_unique<NodeDnsCommands>(control_, store_, clock_, *node_, *dns_);
    begin_scaling();
    const config::Endpoint listen = listen_endpoint(own.listen);
    api_ = std::make_unique<Api>(
        slot_,
        *commands_,
        clock_,
        ApiSettings{
            .access = {.loopback_bind = config::is_loopback(listen.host), .token = settings_.token},
            .build = {.version = settings_.version, .build = settings_.build},
            .past = past_ ? ReadPast([this](FleetName fleet, WallTime at) {
                return past_->read(std::move(fleet), at);
            })
                          : ReadPast(),
            .dns = dns_commands_.get(),
            .metrics = [this] { return registry_.text(); }});
    node_->on_change([this](const follow::ViewChange& change) {
        if (dns_ && change.control) dns_->look();
        if (scaling_ && (change.control || change.scaling)) scaling_->look();
        if (actuator_ && change.scaling) actuator_->look();
        changed_.notify();
        if (!change.config) return;
        pool_->after_all([this, read = change.read] { metrics_.config_took(clock_.now() - read); });
    });
    session_subscription_ =
        store_.listen_session([this](const coordination::SessionStatus& session) {
            if (std::exchange(last_state_, session.state) == session.state) return;
            const char* const names[] = {"connecting", "connected", "lost"};
            log::info("session", {{"state", names[static_cast<int>(session.state)]}});
            changed_.notify();
        });
    commands_->restore_pause(kept_pause());
    publish();
    tasks_.spawn("snapshots", publish_snapshots());
    tasks_.spawn("metrics", feed_metrics());
    if (dns_) dns_->start();
    if (shifts_) shifts_->start();
    if (scaling_) scaling_->start();
    if (actuator_) actuator_->start();
    node_->start();
    api_thread_->start();
    log::info("started",
              {{"node", own.node.str()},
               {"api", "http://" + api_address() + "/"},
               {"incarnation", incarnation_}});
    return {};
}

void Daemon::begin_scaling() {
    const config::NodeSettings& own = settings_.node;
    ProviderSet providers = make_providers(own,
                                           settings_.machine_supervisor,
                                           settings_.effects,
                                           settings_.program_identities,
                                           clock_,
                                           *node_);
    const bool decides = own.prometheus || !own.providers.empty();
    if (decides && own.recordings.enabled && !own.state_dir.empty()) {
        const std::string recordings = own.state_dir + "/recordings";
        recorder_ = std::make_unique<TickRecorder>(
            recordings, own.node, limits_of(own.recordings), registry_);
        past_ = std::make_unique<PastReader>(recordings);
    }
    scaling_ = std::make_unique<ScaleDuty>(
        control_,
        store_,
        clock_,
        *node_,
        dns_.get(),
        ScaleDutySettings{
            .providers = std::move(providers.asked),
            .observe = own.prometheus ? observe_with(clock_, *own.prometheus) : Observe{},
            .record = recorder_ ? RecordTick([this](TickRecord tick) {
                recorder_->record(std::move(tick));
            })
                                : RecordTick()},
        settings_.new_guid,
        [this] { return commands_->self_pause().paused; },
        [this] { changed_.notify(); });
    if (own.providers.empty()) return;
    actuator_ =
        std::make_unique<Actuator>(control_, store_, clock_, *node_, std::move(providers.local));
}

asio::awaitable<void> Daemon::leave(std::chrono::nanoseconds limit) {
    log::info("leaving", {{"node", settings_.node.node.str()}});
    co_await node_->leave(limit);
    co_await stop();
}

asio::awaitable<void> Daemon::stop() {
    // The API first: its handlers may wait for this executor, which therefore must go on meanwhile.
    // So it ends in a thread of its own, and we wait for that without blocking.
    session_subscription_ = {};
    std::atomic<bool> api_ended = false;
    std::thread ender([&] {
        api_thread_->stop();
        api_ended = true;
    });
    while (!api_ended) co_await clock_.sleep_for(std::chrono::milliseconds(2));
    ender.join();
    if (peers_) co_await peers_->stop();
    if (scaling_) co_await scaling_->stop();
    if (actuator_) co_await actuator_->stop();
    if (shifts_) co_await shifts_->stop();
    if (dns_) co_await dns_->stop();
    co_await node_->stop();
    co_await tasks_.stop();
    pool_->stop();
}

void Daemon::publish() {
    const coordination::SessionStatus session = store_.session();
    const Election* election = node_->election();
    SnapshotFacts facts{.cluster_name = settings_.node.cluster,
                        .self = {.node = settings_.node.node,
                                 .incarnation = incarnation_,
                                 .version = settings_.version,
                                 .build = settings_.build,
                                 .zone = settings_.node.zone,
                                 .started = started_,
                                 .is_master = election != nullptr && election->office().has_value(),
                                 .paused = commands_->self_pause().paused,
                                 .pause_reason = commands_->self_pause().reason,
                                 .leaving = node_->leaving()},
                        .session = session,
                        .settled = node_->settled(),
                        .now = clock_.now(),
                        .wall = clock_.wall()};
    if (election != nullptr && election->office()) {
        facts.office = election->office();
        facts.lease_until = election->lease_until();
    }
    if (dns_) facts.dns = dns_->row();
    if (scaling_) facts.scaling_notes = scaling_->notes();
    const std::shared_ptr<const Snapshot> snapshot = builder_.build(node_->view(), facts);
    metrics_.take(*snapshot);
    slot_.publish(snapshot);
    if (dns_) dns_->take(*snapshot);
    if (shifts_) shifts_->look();
    if (scaling_) scaling_->take(snapshot);
}

asio::awaitable<void> Daemon::publish_snapshots() {
    for (;;) {
        co_await changed_.wait();
        publish();
        // Whatever changes meanwhile goes into the next one.
        co_await clock_.sleep_for(snapshot_gap);
    }
}

asio::awaitable<void> Daemon::feed_metrics() {
    for (;;) {
        co_await clock_.sleep_for(snapshot_period);
        metrics_.take(*node_);
        metrics_.take(co_await pool_->counters());
        changed_.notify();  // ages grow, and a snapshot a second shows that this loop comes round
    }
}

std::string Daemon::pause_file() const {
    return settings_.node.state_dir + "/paused";
}

std::string Daemon::keep_pause(const SelfPause& pause) const {
    if (settings_.node.state_dir.empty()) return {};
    const std::string path = pause_file();
    if (!pause.paused) {
        if (std::remove(path.c_str()) != 0 && errno != ENOENT)
            return fmt::format("{} can't be removed", path);
        return {};
    }
    std::ofstream file(path, std::ios::trunc);
    file << pause.reason << '\n';
    file.flush();
    return file ? std::string() : fmt::format("{} can't be written", path);
}

SelfPause Daemon::kept_pause() const {
    std::ifstream file(pause_file());
    SelfPause pause{.paused = file.is_open()};
    if (pause.paused) std::getline(file, pause.reason);
    return pause;
}

}  // namespace muster::orchestrator
