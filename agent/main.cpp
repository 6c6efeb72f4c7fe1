// muster-agent: keeps one LB in step with what its fleet is to do. Joins the concrete classes.
#include "agent/agent.hpp"
#include "agent/agent_settings.hpp"
#include "agent/envoy_driver.hpp"
#include "agent/haproxy_counters.hpp"
#include "agent/haproxy_driver.hpp"
#include "agent/nginx_driver.hpp"
#include "common/base/asio_clock.hpp"
#include "common/base/files.hpp"
#include "common/base/guid.hpp"
#include "common/base/task_group.hpp"
#include "common/config/endpoint.hpp"
#include "common/coordination/running_sessions.hpp"
#include "common/coordination/watch_carriers.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/http/server.hpp"
#include "common/observe/log.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

namespace {

using namespace muster;
namespace asio = boost::asio;

constexpr const char* version = "0.1.0";
constexpr int bad_configuration = 2;

template <class T>
T or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
}

agent::AgentSettings read_settings(const std::string& path) {
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
    };
    agent::DecodedAgentSettings decoded = agent::decode_agent_settings(
        or_throw(read_file(path)), agent::overrides_from_environment(environment));
    if (decoded.problems.empty()) return std::move(decoded.settings);
    std::string all;
    for (const config::Problem& problem : decoded.problems)
        all += fmt::format("{}: {}\n", path, config::to_string(problem));
    all.pop_back();
    throw std::runtime_error(all);
}

coordination::ZooKeeperStore::Settings store_settings(const agent::AgentSettings& settings) {
    coordination::ZooKeeperStore::Settings store{.servers = settings.zookeeper,
                                                 .session_timeout = settings.session_timeout};
    if (!settings.zookeeper_auth_file.empty()) {
        store.digest = or_throw(read_secret(settings.zookeeper_auth_file));
        store.acl_from = znodes::Paths(settings.cluster).agents();
        store.default_acl = {{.scheme = "auth", .id = "", .permissions = 31}};
    }
    return store;
}

struct MakeDriver {
    Clock& clock;

    std::unique_ptr<agent::LbDriver> operator()(const agent::HaproxySettings& settings) const {
        return std::make_unique<agent::HaproxyDriver>(settings, clock);
    }
    std::unique_ptr<agent::LbDriver> operator()(const agent::NginxSettings& settings) const {
        return std::make_unique<agent::NginxDriver>(settings, clock);
    }
    std::unique_ptr<agent::LbDriver> operator()(const agent::EnvoySettings& settings) const {
        return std::make_unique<agent::EnvoyDriver>(settings, clock);
    }
};

/// Of what the LB counts of its servers; null where it doesn't.
struct MakeCounters {
    Clock& clock;

    std::unique_ptr<agent::LbCounterSource> operator()(
        const agent::HaproxySettings& settings) const {
        return std::make_unique<agent::HaproxyCounters>(settings, clock);
    }
    std::unique_ptr<agent::LbCounterSource> operator()(const auto& /*settings*/) const {
        return nullptr;
    }
};

int run(const agent::AgentSettings& settings) {
    if (const std::string failed = log::start(settings.log); !failed.empty())
        throw std::runtime_error(failed);
    std::filesystem::create_directories(settings.state_dir);
    asio::io_context context(1);
    const auto executor = context.get_executor();
    AsioClock clock;
    coordination::ZooKeeperStore::Settings zookeeper = store_settings(settings);
    const coordination::WatchLimits watch_limits;
    zookeeper.limits = coordination::carrier_limits(zookeeper.limits, watch_limits);
    coordination::ZooKeeperStore primary(executor, clock, zookeeper);
    coordination::RunningSessions<coordination::ZooKeeperStore> further(
        executor, [&context, &clock, &zookeeper] {
            return std::make_unique<coordination::ZooKeeperStore>(
                context.get_executor(), clock, zookeeper);
        });
    coordination::WatchCarriers store(primary, further, watch_limits);

    metrics::Registry registry;
    const std::unique_ptr<agent::LbDriver> driver = std::visit(MakeDriver{clock}, settings.lb);
    const std::unique_ptr<agent::LbCounterSource> counters =
        std::visit(MakeCounters{clock}, settings.lb);
    // The port is known once it is open, and it answers once there is an agent.
    std::unique_ptr<agent::Agent> agent;
    const auto listen = config::parse_endpoint(settings.listen, 0);
    http::Server server(executor,
                        clock,
                        {.address = listen->host, .port = listen->port},
                        [&agent](http::Request request) -> asio::awaitable<http::Reply> {
                            co_return agent->answer(request);
                        });
    if (const Result<void> opened = server.open(); !opened)
        throw std::runtime_error(opened.error().message());
    agent = std::make_unique<agent::Agent>(
        executor,
        store,
        clock,
        znodes::Paths(settings.cluster),
        *driver,
        registry,
        agent::AgentIdentity{.fleet = settings.fleet,
                             .instance = settings.instance,
                             .incarnation = random_guid(),
                             .address = settings.address,
                             .build = MUSTER_BUILD,
                             .lb = std::string(agent::lb_kind(settings)),
                             .exporters = agent::exporters_of(settings, server.port())},
        agent::AgentOptions{.bind_address = settings.bind_address,
                            .last_good_file = settings.state_dir + "/last-good." +
                                              settings.fleet.str() + "." + settings.instance.str(),
                            .certificates = settings.tls,
                            .certificate_directory = settings.state_dir + "/certificates." +
                                                     settings.fleet.str() + "." +
                                                     settings.instance.str()},
        counters.get());

    TaskGroup tasks(executor);
    tasks.spawn("store", primary.run());
    tasks.spawn("http", server.run());
    agent->start();
    log::info("started",
              {{"fleet", settings.fleet.str()},
               {"instance", settings.instance.str()},
               {"address",
                fmt::format("http://{}/",
                            config::to_string(
                                config::Endpoint{.host = listen->host, .port = server.port()}))}});
    asio::signal_set ending(context, SIGTERM, SIGINT);
    asio::signal_set reopening(context, SIGHUP);
    const auto reopen = [&reopening]() -> asio::awaitable<void> {
        for (;;) {
            co_await reopening.async_wait(asio::use_awaitable);
            log::reopen();
        }
    };
    tasks.spawn("logs", reopen());
    const auto end = [&]() -> asio::awaitable<void> {
        co_await ending.async_wait(asio::use_awaitable);
        log::info("leaving", {{"instance", settings.instance.str()}});
        co_await agent->stop();
        store.end();
        co_await primary.close();
        co_await further.close();
        co_await tasks.stop();
    };
    asio::co_spawn(context, end(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    log::stop();
    return EXIT_SUCCESS;
}

int parse_and_run(int argc, char** argv) {
    CLI::App app{"muster-agent, beside a load balancer (docs/agent.md)"};
    app.set_version_flag("--version",
                         std::string("muster-agent ") + version + " (" + MUSTER_BUILD + ")");
    std::string file;
    bool check = false;
    app.add_option("-c,--config", file, "settings of this agent (YAML or JSON)")->required();
    app.add_flag("--check", check, "only read the settings, and say what is wrong with them");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : bad_configuration;
    }
    agent::AgentSettings settings;
    try {
        settings = read_settings(file);
        (void)store_settings(settings);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return bad_configuration;
    }
    if (check) {
        std::cout << file << ": ok\n";
        return EXIT_SUCCESS;
    }
    return run(settings);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return parse_and_run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "muster-agent: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
