#include "agent/haproxy_commands.hpp"

#include "agent/haproxy_config.hpp"
#include "agent/haproxy_names.hpp"
#include "agent/haproxy_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::agent {
namespace {

std::string_view word(ServerState state) {
    switch (state) {
        case ServerState::ready:
            return "ready";
        case ServerState::drain:
            return "drain";
        case ServerState::maintenance:
            return "maint";
    }
    return "maint";
}

/// The commands of all backends, by when they go.
struct Phases {
    std::vector<std::string> in;
    std::vector<std::string> out;
    std::vector<std::string> removals;
};

class BackendPlan {
 public:
    BackendPlan(std::string name,
                const Pool& pool,
                bool with_cookie,
                const ObservedServers& observed,
                const HaproxySettings& settings,
                Phases& phases,
                HaproxyPlan& plan)
        : name_(std::move(name)),
          pool_(pool),
          with_cookie_(with_cookie),
          limited_(has_limits(pool)),
          observed_(observed),
          settings_(settings),
          phases_(phases),
          plan_(plan) {
        for (const auto& [_, server] : observed) taken_.insert(server.number);
    }

    void run(const std::set<std::string>& overdue) {
        const std::vector<int> numbers = server_numbers(pool_.servers);
        std::set<std::string_view> wanted;
        names_.reserve(pool_.servers.size());
        for (std::size_t i = 0; i < pool_.servers.size(); ++i) {
            const Server& server = pool_.servers[i];
            const std::string& name = names_.emplace_back(server_name(server.id));
            wanted.insert(name);
            const auto known = observed_.find(name);
            if (known == observed_.end()) {
                add(server, path(name), numbers[i]);
            } else {
                change(server, path(name), known->second);
            }
        }
        for (const auto& [name, server] : observed_) {
            if (!wanted.contains(name)) remove(path(name), server, overdue);
        }
    }

 private:
    [[nodiscard]] std::string path(std::string_view server) const {
        return fmt::format("{}/{}", name_, server);
    }

    static std::string set(std::string_view path, std::string_view what) {
        return fmt::format("set server {} {}", path, what);
    }
    static std::string state(std::string_view path, ServerState state) {
        return fmt::format("set server {} state {}", path, word(state));
    }
    static std::string address(std::string_view path, const Server& server) {
        return fmt::format("set server {} addr {} port {}", path, server.address, server.port);
    }

    void add(const Server& server, const std::string& path, int number) {
        if (is_named(server)) {
            plan_.reload.push_back(fmt::format("{} has a host name", path));
            return;
        }
        while (!taken_.insert(number).second) number = next_number(number);
        ServerLine line{.server = server, .number = number, .weight = initial_weight(server)};
        if (with_cookie_) line.port = server.port == 1 ? 2 : 1;
        phases_.in.push_back(fmt::format("add server {}/{}", name_, server_words(line, settings_)));
        if (with_cookie_) phases_.in.push_back(address(path, server));
        if (settings_.own_checks) phases_.in.push_back(fmt::format("enable health {}", path));
        // It begins in maintenance.
        if (server.state != ServerState::maintenance)
            phases_.in.push_back(state(path, server.state));
    }

    void change(const Server& server, const std::string& path, const ObservedServer& now) {
        move(server, path, now);
        const bool serves = server.state == ServerState::ready;
        auto& phase = serves ? phases_.in : phases_.out;
        // Of no use before it serves, and then it may be another.
        if (serves && now.weight != haproxy_weight(server.weight))
            phase.push_back(set(path, fmt::format("weight {}", haproxy_weight(server.weight))));
        const int limit = server.max_connections.value_or(0);
        if (limited_ && now.max_connections.value_or(0) != limit)
            phase.push_back(fmt::format("set maxconn server {} {}", path, limit));
        if (now.state != server.state) phase.push_back(state(path, server.state));
        const bool ours_alone = !settings_.own_checks;
        if (now.stopped && ours_alone && server.state != ServerState::maintenance)
            phase.push_back(set(path, "health up"));
    }

    void move(const Server& server, const std::string& path, const ObservedServer& now) {
        if (is_named(server)) {
            if (now.host != server.address || now.port != server.port)
                plan_.reload.push_back(fmt::format("{} has another host name", path));
        } else if (!now.host.empty()) {
            plan_.reload.push_back(fmt::format("{} has no host name any more", path));
        } else if (now.address != server.address || now.port != server.port) {
            phases_.in.push_back(address(path, server));
        }
    }

    void remove(const std::string& path,
                const ObservedServer& now,
                const std::set<std::string>& overdue) {
        if (now.state != ServerState::maintenance) {
            phases_.out.push_back(state(path, ServerState::maintenance));
        } else if (!now.address.empty()) {
            // A request that was under way leaves an idle connection, which HAProxy may keep for
            // minutes; another address is what makes it let go.
            phases_.removals.push_back(
                set(path, fmt::format("addr {} port {}", now.address, now.port == 1 ? 2 : 1)));
        }
        if (overdue.contains(path))
            phases_.removals.push_back(fmt::format("shutdown sessions server {}", path));
        phases_.removals.push_back(fmt::format("del server {}", path));
        plan_.leaving.insert(path);
    }

    std::string name_;
    const Pool& pool_;
    bool with_cookie_;
    bool limited_;
    const ObservedServers& observed_;
    const HaproxySettings& settings_;
    Phases& phases_;
    HaproxyPlan& plan_;
    std::set<int> taken_;
    std::vector<std::string> names_;
};

/// Whether responses tell clients to open another connection.
void plan_leaving(const LbState& wanted,
                  const ObservedBackends& observed,
                  Phases& phases,
                  HaproxyPlan& plan) {
    const auto backend = observed.find(leaving_backend);
    const ObservedServer* now = nullptr;
    if (backend != observed.end()) {
        const auto server = backend->second.find(leaving_server);
        if (server != backend->second.end()) now = &server->second;
    }
    if (now == nullptr) {
        if (wanted.leaving) plan.reload.push_back(fmt::format("there is no {}", leaving_backend));
        return;
    }
    const ServerState state = wanted.leaving ? ServerState::ready : ServerState::maintenance;
    if (now->state == state) return;
    phases.in.push_back(
        fmt::format("set server {}/{} state {}", leaving_backend, leaving_server, word(state)));
}

}  // namespace

Result<HaproxyPlan> plan_commands(const LbState& wanted,
                                  const ObservedBackends& observed,
                                  const HaproxySettings& settings,
                                  const std::set<std::string>& overdue) {
    if (const auto right = check_settings(settings); !right) return tl::unexpected(right.error());
    if (const auto right = check_values(wanted); !right) return tl::unexpected(right.error());
    HaproxyPlan plan;
    Phases phases;
    for (const auto& [group, mode] : uses_of(wanted.listeners)) {
        const std::string name = backend_name(group, mode);
        const auto known = observed.find(name);
        if (known == observed.end()) {
            plan.reload.push_back(fmt::format("there is no backend {}", name));
            continue;
        }
        const auto pool = std::ranges::find(wanted.pools, group, &Pool::group);
        // Not known (yet) is not empty: what it has stays.
        if (pool == wanted.pools.end()) continue;
        const bool with_cookie =
            !pool->lb.sticky_cookie.empty() && mode == config::ListenMode::http;
        BackendPlan(name, *pool, with_cookie, known->second, settings, phases, plan).run(overdue);
    }
    plan_leaving(wanted, observed, phases, plan);
    plan.only_removals = phases.in.empty() && phases.out.empty();
    plan.commands = std::move(phases.in);
    std::ranges::move(phases.out, std::back_inserter(plan.commands));
    std::ranges::move(phases.removals, std::back_inserter(plan.commands));
    return plan;
}

std::optional<LbState> changes(const LbState& before, const LbState& wanted) {
    if (wanted.listeners != before.listeners || wanted.pools.size() != before.pools.size() ||
        wanted.leaving != before.leaving)
        return {};
    LbState part{.listeners = wanted.listeners, .pools = {}, .leaving = wanted.leaving};
    for (std::size_t i = 0; i < wanted.pools.size(); ++i) {
        const Pool& pool = wanted.pools[i];
        const Pool& was = before.pools[i];
        const bool alike =
            pool.group == was.group &&
            std::ranges::equal(pool.servers, was.servers, {}, &Server::id, &Server::id);
        if (!alike) return {};
        if (pool == was) continue;
        // Whether there are limits is said of all servers of a pool.
        const bool all = has_limits(pool);
        Pool& changed = part.pools.emplace_back(Pool{.group = pool.group, .lb = pool.lb});
        for (std::size_t s = 0; s < pool.servers.size(); ++s) {
            if (all || pool.servers[s] != was.servers[s])
                changed.servers.push_back(pool.servers[s]);
        }
    }
    return part;
}

ObservedBackends seen_of(const LbState& part, const ObservedBackends& observed) {
    ObservedBackends seen;
    if (const auto leaving = observed.find(leaving_backend); leaving != observed.end())
        seen.insert(*leaving);
    for (const auto& [group, mode] : uses_of(part.listeners)) {
        const auto known = observed.find(backend_name(group, mode));
        if (known == observed.end()) continue;
        ObservedServers& servers = seen[known->first];
        const auto pool = std::ranges::find(part.pools, group, &Pool::group);
        if (pool == part.pools.end()) continue;
        for (const Server& server : pool->servers) {
            const auto found = known->second.find(server_name(server.id));
            if (found != known->second.end()) servers.insert(*found);
        }
    }
    return seen;
}

void expect(const LbState& wanted, const HaproxySettings& settings, ObservedBackends& observed) {
    for (const auto& [group, mode] : uses_of(wanted.listeners)) {
        const auto known = observed.find(backend_name(group, mode));
        const auto pool = std::ranges::find(wanted.pools, group, &Pool::group);
        if (known == observed.end() || pool == wanted.pools.end()) continue;
        const bool limited = has_limits(*pool);
        for (const Server& server : pool->servers) {
            const auto shown = known->second.find(server_name(server.id));
            if (shown == known->second.end()) continue;
            ObservedServer& now = shown->second;
            if (!is_named(server)) {
                now.address = server.address;
                now.port = server.port;
            }
            if (server.state == ServerState::ready) now.weight = haproxy_weight(server.weight);
            if (limited) now.max_connections = server.max_connections.value_or(0);
            if (!settings.own_checks) now.stopped = false;
            now.state = server.state;
        }
    }
}

Verdict judge(std::string_view command, std::string_view answer) {
    while (answer.ends_with('\n')) answer.remove_suffix(1);
    if (answer.empty()) return Verdict::done;
    if (answer.contains('\n')) return Verdict::failed;
    if (command.starts_with("add server "))
        return answer == "New server registered." ? Verdict::done : Verdict::failed;
    if (command.starts_with("del server ")) {
        if (answer == "Server deleted.") return Verdict::done;
        return answer.starts_with("Server still has connections attached to it") ? Verdict::busy
                                                                                 : Verdict::failed;
    }
    const bool moves = command.starts_with("set server ") && command.contains(" addr ");
    const bool moved = answer.ends_with("by 'stats socket command'") &&
                       (answer.starts_with("no need to change the addr") ||
                        answer.starts_with("IP changed from "));
    return moves && moved ? Verdict::done : Verdict::failed;
}

}  // namespace muster::agent
