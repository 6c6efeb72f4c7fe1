// musterd: one node of a muster cluster. Joins the concrete classes; everything else is in the
// folder's library.
#include "checker/prober_settings.hpp"
#include "common/base/asio_clock.hpp"
#include "common/base/files.hpp"
#include "common/base/guid.hpp"
#include "common/base/task_group.hpp"
#include "common/config/decode.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/node_settings.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/coordination/running_sessions.hpp"
#include "common/coordination/watch_carriers.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/observe/log.hpp"
#include "common/znodes/initial_tree.hpp"
#include "dnsupdate/tsig.hpp"
#include "orchestrator/daemon.hpp"
#include "orchestrator/guardian.hpp"
#include "scaler/machine_supervisor.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <malloc.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using namespace muster;
using namespace std::chrono_literals;

constexpr const char* version = "0.1.0";
constexpr auto handover_limit = 30s;
constexpr int bad_configuration = 2;

template <class T>
T or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
}

config::NodeSettings read_settings(const std::string& path) {
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
    };
    const config::DecodedNodeSettings decoded = config::decode_node_settings(
        or_throw(read_file(path)), config::overrides_from_environment(environment));
    if (decoded.problems.empty()) return decoded.settings;
    std::string all;
    for (const config::Problem& problem : decoded.problems) {
        all += fmt::format("{}: {}\n", path, config::to_string(problem));
    }
    all.pop_back();
    throw std::runtime_error(all);
}

void report_exception(const std::exception_ptr& error) {
    if (!error) return;
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) throw;
    }
}

/// What a process does until a signal ends it.
class Process {
 public:
    Process(asio::io_context& context, orchestrator::Daemon& daemon)
        : context_(context),
          daemon_(daemon),
          ending_(context, SIGTERM, SIGINT),
          reopening_(context, SIGHUP) {}

    asio::awaitable<void> watch_signals(std::function<asio::awaitable<void>()> close_store) {
        co_await ending_.async_wait(asio::use_awaitable);
        asio::co_spawn(context_, second_signal(), report_exception);
        co_await daemon_.leave(handover_limit);
        co_await close_store();
        reopening_.cancel();
        ending_.cancel();
        context_.stop();
    }

    asio::awaitable<void> reopen_logs() {
        for (;;) {
            co_await reopening_.async_wait(asio::use_awaitable);
            log::reopen();
        }
    }

 private:
    asio::awaitable<void> second_signal() {
        co_await ending_.async_wait(asio::use_awaitable);
        log::warn("leaving_at_once", {{"why", "a second signal"}});
        // The guardian closes the session.
        std::_Exit(128 + SIGTERM);
    }

    asio::io_context& context_;
    orchestrator::Daemon& daemon_;
    asio::signal_set ending_;
    asio::signal_set reopening_;
};

asio::awaitable<void> beat(Clock& clock, orchestrator::GuardianLink& link) {
    for (;;) {
        link.beat();
        co_await clock.sleep_for(250ms);
    }
}

checker::ProberSetSettings probers_of(const config::NodeSettings& settings) {
    auto probers = checker::prober_settings(settings);
    if (!probers) throw std::runtime_error(probers.error());
    return std::move(*probers);
}

orchestrator::ProgramIdentities identities_of(const config::NodeSettings& settings) {
    auto identities = orchestrator::program_identities(settings);
    if (!identities) throw std::runtime_error(identities.error());
    return std::move(*identities);
}

std::string dns_password(const config::NodeSettings& settings) {
    const bool has = settings.dns && settings.dns->etcd && !settings.dns->etcd->user.empty();
    return has ? or_throw(read_secret(settings.dns->etcd->password_file)) : std::string();
}

std::vector<std::string> dns_key_secrets(const config::NodeSettings& settings) {
    std::vector<std::string> secrets;
    if (!settings.dns) return secrets;
    for (const config::DnsUpdateServer& server : settings.dns->rfc2136) {
        secrets.push_back(or_throw(read_secret(server.secret_file)));
        if (const auto key = dnsupdate::make_tsig_key(server.key, secrets.back()); !key)
            throw std::runtime_error(server.secret_file + ": " + key.error().message());
    }
    return secrets;
}

orchestrator::DaemonSettings daemon_settings(const config::NodeSettings& settings,
                                             scaler::ProgramEffects effects = {}) {
    return {.node = settings,
            .probers = probers_of(settings),
            .token = settings.token_file.empty() ? std::string()
                                                 : or_throw(read_secret(settings.token_file)),
            .dns_password = dns_password(settings),
            .dns_key_secrets = dns_key_secrets(settings),
            .cluster_secret = settings.cluster_secret_file.empty()
                                  ? std::string()
                                  : or_throw(read_secret(settings.cluster_secret_file)),
            .version = version,
            .build = MUSTER_BUILD,
            .new_guid = random_guid,
            .machine_supervisor = {std::filesystem::read_symlink("/proc/self/exe").string(),
                                   "run-machine"},
            .program_identities = identities_of(settings),
            .effects = std::move(effects)};
}

/// "host:port,host:port" for the guardian: the server of the session first, then the others that
/// need no resolver.
std::string guardian_servers(const std::string& current,
                             const std::vector<std::string>& configured) {
    std::string list = current;
    for (const std::string& server : configured) {
        if (server == current) continue;
        const auto endpoint = config::parse_endpoint(server);
        if (endpoint && (config::is_ipv4(endpoint->host) || config::is_ipv6(endpoint->host)))
            list += "," + server;
    }
    return list;
}

int run_node(const config::NodeSettings& settings, orchestrator::GuardianLink& link) {
    if (const std::string failed = log::start(settings.log); !failed.empty())
        throw std::runtime_error(failed);
    asio::io_context context(1);
    AsioClock clock;
    // Made before the daemon, asked only once both run.
    orchestrator::Daemon* running = nullptr;
    coordination::ZooKeeperStore::Settings store_settings{
        .servers = settings.zookeeper,
        .session_timeout = settings.session_timeout,
        .alive = [&running] { return running == nullptr || running->probers_tick(); }};
    if (!settings.zookeeper_auth_file.empty()) {
        store_settings.digest = or_throw(read_secret(settings.zookeeper_auth_file));
        // `musterctl init` has said at the root who may do what below it. On a tree without a root:
        // whoever is authenticated as we are may do everything.
        store_settings.acl_from = znodes::Paths(settings.cluster).root();
        store_settings.default_acl = {{.scheme = "auth", .id = "", .permissions = 31}};
    }
    const coordination::WatchLimits watch_limits;
    store_settings.limits = coordination::carrier_limits(store_settings.limits, watch_limits);
    coordination::ZooKeeperStore primary(context.get_executor(), clock, store_settings);
    coordination::RunningSessions<coordination::ZooKeeperStore> further(
        context.get_executor(), [&context, &clock, &store_settings] {
            return std::make_unique<coordination::ZooKeeperStore>(
                context.get_executor(), clock, store_settings);
        });
    coordination::WatchCarriers store(primary, further, watch_limits);
    orchestrator::Daemon daemon(
        context.get_executor(),
        clock,
        store,
        daemon_settings(settings,
                        {.started = [&link](pid_t group) { link.effect_started(group); },
                         .ended = [&link](pid_t group) { link.effect_ended(group); }}));
    running = &daemon;

    TaskGroup tasks(context.get_executor());
    tasks.spawn("store", primary.run());
    tasks.spawn("guardian beat", beat(clock, link));
    std::int64_t guarded = 0;
    std::string guarded_server;
    const coordination::Subscription sessions =
        store.listen_session([&](const coordination::SessionStatus& session) {
            if (session.state != coordination::SessionState::connected) return;
            const auto secret = primary.session_secret();
            if (!secret || (secret->id == guarded && secret->server == guarded_server)) return;
            guarded = secret->id;
            guarded_server = secret->server;
            link.session_opened(
                0,
                {.id = secret->id,
                 .password = secret->password,
                 .timeout = std::chrono::ceil<std::chrono::milliseconds>(secret->timeout),
                 .servers = guardian_servers(secret->server, settings.zookeeper)});
        });
    if (const Result<void> started = daemon.start(); !started)
        throw std::runtime_error(started.error().message());

    Process process(context, daemon);
    const auto close_store = [&]() -> asio::awaitable<void> {
        return [](coordination::WatchCarriers& the_store,
                  coordination::RunningSessions<coordination::ZooKeeperStore>& the_further,
                  coordination::ZooKeeperStore& the_primary,
                  orchestrator::GuardianLink& the_link,
                  TaskGroup& the_tasks) -> asio::awaitable<void> {
            the_store.end();
            // First what holds our candidacy and membership.
            co_await the_primary.close();
            co_await the_further.close();
            the_link.session_closed(0);
            co_await the_tasks.stop();
        }(store, further, primary, link, tasks);
    };
    asio::co_spawn(context, process.watch_signals(close_store), report_exception);
    asio::co_spawn(context, process.reopen_logs(), report_exception);
    context.run();
    log::stop();
    return EXIT_SUCCESS;
}

/// The tree of a new cluster with what is defined.
void fill(coordination::MemoryEnsemble& ensemble,
          Clock& clock,
          const config::NodeSettings& settings,
          const std::string& file,
          const config::Decoded& defined) {
    const znodes::Paths paths(settings.cluster);
    const znodes::Control control{.stamp = {.cluster = random_guid(), .writer = "dev"}};
    std::vector<coordination::Op> tree;
    for (znodes::InitialNode& node : znodes::initial_tree(paths, control)) {
        tree.emplace_back(
            coordination::CreateOp{.path = std::move(node.path), .data = std::move(node.data)});
    }
    std::set<std::string> made;
    const auto add = [&](orchestrator::ConfigObject object) {
        orchestrator::ConfigWrite write =
            orchestrator::plan_apply(paths,
                                     std::move(object),
                                     std::nullopt,
                                     {.cluster = control.stamp.cluster,
                                      .name = file,
                                      .writer = "dev",
                                      .time = clock.wall(),
                                      .new_uid = random_guid()});
        for (coordination::CreateOp& op : write.prepare) {
            // Groups with equal backends share their chunks.
            if (made.insert(op.path).second) tree.emplace_back(std::move(op));
        }
        for (coordination::Op& op : write.commit) tree.push_back(std::move(op));
    };
    for (const config::GroupSpec& group : defined.groups) add(group);
    for (const config::FleetSpec& fleet : defined.fleets) add(fleet);
    if (!ensemble.write(std::move(tree)).applied())
        throw std::runtime_error(file + ": two have one name");
}

/// `musterd dev`: one node, its store in memory, nothing else needed.
int run_dev(const std::string& file, const std::string& listen) {
    config::Decoded decoded = config::decode(or_throw(read_file(file)));
    for (const config::Problem& problem : decoded.problems) {
        std::cerr << file << ": " << config::to_string(problem) << '\n';
    }
    if (!decoded.problems.empty()) return bad_configuration;
    config::NodeSettings settings{
        .node = NodeId("dev"), .cluster = "dev", .listen = listen, .state_dir = ""};
    if (const std::string failed = log::start(settings.log); !failed.empty())
        throw std::runtime_error(failed);

    asio::io_context context(1);
    AsioClock clock;
    coordination::MemoryEnsemble ensemble(context.get_executor(), clock);
    fill(ensemble, clock, settings, file, decoded);
    decoded = {};
    coordination::MemoryStore store(context.get_executor(), clock, ensemble, {.client = "dev"});
    orchestrator::Daemon daemon(context.get_executor(), clock, store, daemon_settings(settings));
    TaskGroup tasks(context.get_executor());
    tasks.spawn("memory", ensemble.run());
    tasks.spawn("store", store.run());
    if (const Result<void> started = daemon.start(); !started)
        throw std::runtime_error(started.error().message());
    std::cout << "dashboard: http://" << daemon.api_address() << "/   (ctrl-c ends it)"
              << std::endl;

    Process process(context, daemon);
    const auto close_store = [&]() -> asio::awaitable<void> {
        return [](coordination::MemoryStore& the_store,
                  TaskGroup& the_tasks) -> asio::awaitable<void> {
            co_await the_store.close();
            co_await the_tasks.stop();
        }(store, tasks);
    };
    asio::co_spawn(context, process.watch_signals(close_store), report_exception);
    asio::co_spawn(context, process.reopen_logs(), report_exception);
    context.run();
    log::stop();
    return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
    CLI::App app{"musterd, a node of a muster cluster (docs/operations.md)"};
    app.set_version_flag("--version",
                         std::string("musterd ") + version + " (" + MUSTER_BUILD + ")");
    std::string file;
    bool check = false;
    app.add_option(
        "-c,--config", file, "settings of this node (YAML or JSON; docs/configuration.md)");
    app.add_flag("--check", check, "only read the settings, and say what is wrong with them");
    CLI::App* dev = app.add_subcommand(
        "dev", "run a single node on a store in memory, with the groups and fleets of FILE");
    std::string groups;
    std::string listen = "127.0.0.1:0";
    dev->add_option("FILE", groups, "groups and fleets (YAML or JSON)")->required();
    dev->add_option("--listen", listen, "address of API and dashboard; port 0 = any free one");
    // Of the process provider, which starts it itself.
    CLI::App* run_machine = app.add_subcommand("run-machine")->group("");
    std::string machine;
    run_machine->add_option("DIRECTORY", machine)->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : bad_configuration;
    }
    if (*dev) return run_dev(groups, listen);
    if (*run_machine) return scaler::run_machine(machine);
    if (file.empty()) {
        std::cerr << "musterd: --config FILE is missing (or: musterd dev FILE)\n";
        return bad_configuration;
    }
    std::optional<config::NodeSettings> settings;
    try {
        settings = read_settings(file);
        if (settings->zookeeper.empty())
            throw std::runtime_error(file + ": zookeeper: is empty; name at least one host:port");
        (void)probers_of(*settings);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return bad_configuration;
    }
    if (check) {
        std::cout << file << ": ok\n";
        return EXIT_SUCCESS;
    }
    std::error_code error;
    std::filesystem::create_directories(settings->state_dir, error);
    if (error) {
        std::cerr << "musterd: state_dir " << settings->state_dir << ": " << error.message()
                  << '\n';
        return EXIT_FAILURE;
    }
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(settings->session_timeout);
    return orchestrator::run_guarded({.hang_after = 3 * timeout},
                                     [&](orchestrator::GuardianLink& link) {
                                         try {
                                             return run_node(*settings, link);
                                         } catch (const std::exception& failure) {
                                             std::cerr << "musterd: " << failure.what() << '\n';
                                             return EXIT_FAILURE;
                                         }
                                     });
}

}  // namespace

int main(int argc, char** argv) {
    // What is read and written in one piece (configurations, snapshots) comes and goes by the
    // megabyte. Left to itself glibc moves such pieces into its heap, where what stays behind
    // between them keeps it from shrinking: a fifth of all memory with 50,000 checks.
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024);
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "musterd: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
