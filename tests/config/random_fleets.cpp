#include "tests/config/random_fleets.hpp"

#include "tests/config/dice.hpp"
#include "tests/config/random_scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace muster::config {
namespace {

ListenerTls random_tls(Dice& dice) {
    ListenerTls tls;
    for (int n = dice.number(0, 2); n > 0; --n)
        tls.certificates.push_back(fmt::format("/etc/{}{}.pem", dice.word("ab_.-+@", 1, 9), n));
    for (int n = dice.number(0, 2); n > 0; --n)
        tls.secrets.push_back(fmt::format("{}{}", dice.word("ab09", 1, 9), n));
    if (tls.on() && dice.chance()) tls.minimum = "1.3";
    return tls;
}

/// Each matches something that no other does.
Route random_route(Dice& dice, int number) {
    constexpr std::array<std::string_view, 3> hosts = {"h{}.example.org", "*.h{}.org", "10.0.0.{}"};
    Route route{.group = GroupName(random_name(dice))};
    const bool has_host = dice.chance();
    if (has_host) route.host = fmt::format(fmt::runtime(dice.one_of(hosts)), number);
    if (!has_host || dice.chance())
        route.path = fmt::format("/{}/{}", number, dice.word("abAB09/._-~+:@=,", 0, 9));
    // Servers read these in different ways, so they are refused.
    for (const std::string_view odd : {"//", "/."}) {
        for (std::size_t at = route.path.find(odd); at != std::string::npos;
             at = route.path.find(odd))
            route.path.replace(at, odd.size(), "/x");
    }
    return route;
}

ClientLimits random_limits(Dice& dice) {
    ClientLimits limits;
    if (dice.chance()) limits.connections = dice.number(1, 1'000'000);
    if (dice.chance())
        limits.connections_per_client =
            dice.number(0, limits.connections > 0 ? limits.connections : 1'000'000);
    if (dice.chance()) limits.requests_per_client = dice.number(1, 1'000'000);
    if (limits.requests_per_client > 0 && dice.chance()) limits.period = dice.duration(1s, 1h);
    return limits;
}

Listener random_listener(Dice& dice, int number) {
    const std::array<std::string, 5> addresses = {
        "", "0.0.0.0", "::", fmt::format("10.0.0.{}", number), fmt::format("2001:db8::{}", number)};
    Listener listener{.name = fmt::format("{}{}", random_name(dice), number),
                      .address = dice.one_of(addresses),
                      .port = static_cast<std::uint16_t>(number * 1'000 + dice.number(0, 999))};
    listener.tls = random_tls(dice);
    if (dice.number(0, 2) == 0) {
        listener.mode = ListenMode::tcp;
    } else {
        for (int n = dice.number(0, 4); n > 0; --n)
            listener.routes.push_back(random_route(dice, n));
    }
    if (listener.routes.empty() || dice.chance()) listener.group = GroupName(random_name(dice));
    if (dice.chance()) listener.client_timeout = dice.duration(1ms, 24h);
    if (dice.chance()) listener.tunnel_timeout = dice.duration(1ms, 24h);
    if (dice.chance()) listener.limits = random_limits(dice);
    return listener;
}

FleetInstance random_instance(Dice& dice, int number) {
    constexpr std::array<std::string_view, 3> hosts = {"192.0.2.{}", "2001:db8::{}", "lb{}.org"};
    constexpr std::array<Admin, 3> states = {Admin::active, Admin::drain, Admin::maintenance};
    FleetInstance instance{.id = InstanceId(fmt::format("{}{}", random_name(dice), number)),
                           .address = fmt::format(fmt::runtime(dice.one_of(hosts)), number),
                           .port = static_cast<std::uint16_t>(dice.number(1, 65'535))};
    if (dice.chance()) instance.weight = dice.number(0, 1'000);
    if (dice.chance()) instance.zone = fmt::format("z{}", number);
    instance.admin = dice.one_of(states);
    return instance;
}

InstanceHealth random_health(Dice& dice) {
    InstanceHealth health;
    if (dice.chance()) health.interval = dice.duration(10ms, 1h);
    health.timeout = std::min(health.timeout, health.interval);
    if (dice.chance()) health.timeout = std::min(health.interval, dice.duration(1ms, 1h));
    if (dice.chance()) health.rise = dice.number(1, 100);
    if (dice.chance()) health.fall = dice.number(1, 100);
    health.requests = dice.chance();
    if (dice.chance()) health.agent_port = static_cast<std::uint16_t>(dice.number(1, 65'535));
    if (dice.chance()) health.forget_after = dice.duration(1s, 24h);
    return health;
}

DnsEntry random_dns(Dice& dice, int number) {
    DnsEntry entry{.name = "n" + std::to_string(number) + ".example.org"};
    if (dice.chance()) entry.types = {DnsType::srv};
    if (dice.chance()) entry.types.insert(DnsType::a);
    if (entry.types.contains(DnsType::srv) && dice.chance())
        entry.port = static_cast<std::uint16_t>(dice.number(1, 65'535));
    if (dice.chance()) entry.ttl = std::chrono::seconds(dice.number(5, 3'600));
    if (dice.chance()) entry.priority = dice.number(1, 65'535);
    if (dice.chance()) entry.weight = dice.number(1, 65'535);
    if (dice.chance()) entry.location = "eu-" + std::to_string(dice.number(1, 9));
    return entry;
}

}  // namespace

FleetSpec random_fleet(std::mt19937_64& random) {
    Dice dice(random);
    FleetSpec fleet{.name = FleetName(random_name(dice))};
    for (int n = dice.number(1, 5); n > 0; --n) fleet.listeners.push_back(random_listener(dice, n));
    std::ranges::sort(fleet.listeners, {}, &Listener::name);
    if (dice.chance()) {
        fleet.scaling = random_scaling(dice);
        if (!fleet.scaling->shadow || dice.chance()) fleet.provider = random_provider(dice);
    }
    for (int n = fleet.provider ? 0 : dice.number(0, 3); n > 0; --n)
        fleet.instances.push_back(random_instance(dice, n));
    std::ranges::sort(fleet.instances, {}, &FleetInstance::id);
    if (dice.chance()) fleet.health = random_health(dice);
    for (int n = 1; n <= 3; ++n) {
        if (dice.chance()) fleet.dns.push_back(random_dns(dice, n));
    }
    return fleet;
}

}  // namespace muster::config
