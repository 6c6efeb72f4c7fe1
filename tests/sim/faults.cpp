#include "tests/sim/faults.hpp"

#include "common/observe/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::nanoseconds tick_period = 500ms;
constexpr int most_groups = 3;
constexpr int most_backends = 10;  // of one group
constexpr int most_hosts = 5;

}  // namespace

std::string_view to_string(Fault fault) {
    switch (fault) {
        case Fault::crash_adopted:
            return "crash_adopted";
        case Fault::crash_left:
            return "crash_left";
        case Fault::restart:
            return "restart";
        case Fault::pause_short:
            return "pause_short";
        case Fault::pause_long:
            return "pause_long";
        case Fault::cut_noticed:
            return "cut_noticed";
        case Fault::cut_unnoticed:
            return "cut_unnoticed";
        case Fault::cut_long:
            return "cut_long";
        case Fault::blind:
            return "blind";
        case Fault::lost_reply:
            return "lost_reply";
        case Fault::disconnect:
            return "disconnect";
        case Fault::session_expired:
            return "session_expired";
        case Fault::zookeeper_down:
            return "zookeeper_down";
        case Fault::step_down:
            return "step_down";
        case Fault::leave:
            return "leave";
        case Fault::backend_dies:
            return "backend_dies";
        case Fault::backend_flaps:
            return "backend_flaps";
        case Fault::backend_returns:
            return "backend_returns";
        case Fault::group_added:
            return "group_added";
        case Fault::group_changed:
            return "group_changed";
        case Fault::group_recreated:
            return "group_recreated";
        case Fault::wall_clock_step:
            return "wall_clock_step";
        case Fault::clock_rate:
            return "clock_rate";
        case Fault::garbage:
            return "garbage";
        case Fault::node_joins:
            return "node_joins";
    }
    return "";
}

Swarm::Swarm(World& world, Invariants& invariants, std::uint64_t seed)
    : world_(world), invariants_(invariants), random_(seed), longest_gap_(span(6s, 60s)) {
    while (on_.size() < 3) {
        on_.clear();
        const std::uint64_t share = 10 + draw(80);  // percent
        for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
            if (draw(100) < share) on_.push_back(static_cast<Fault>(kind));
        }
    }
    next_tick_ = world_.clock.now() + tick_period;
    const int hosts = draw(10) < 7 ? 3 : 2 + static_cast<int>(draw(3));
    for (int i = 0; i < hosts; ++i) {
        const double rate = 0.9 + 0.01 * static_cast<double>(draw(21));
        world_.start_node(fmt::format("n{}", ++hosts_made_), rate);
    }
    new_group();
    if (draw(2) == 0) new_group();
}

// --- time ----------------------------------------------------------------------------------------

void Swarm::step_until(SteadyTime when) {
    while (world_.clock.now() < when && invariants_.violations().none()) {
        SteadyTime next = std::min(when, next_tick_);
        if (!ends_.empty()) next = std::min(next, ends_.begin()->first);
        world_.clock.run_until(next);
        while (!ends_.empty() && ends_.begin()->first <= next) {
            const auto node = ends_.extract(ends_.begin());
            node.mapped()();
        }
        if (next == next_tick_) {
            invariants_.tick();
            next_tick_ += tick_period;
        }
    }
}

void Swarm::run_until(SteadyTime when) {
    while (world_.clock.now() < when && invariants_.violations().none()) {
        // Now and then, two at once.
        const auto gap = draw(6) == 0 ? span(0ms, 1s) : span(1s, longest_gap_);
        const SteadyTime next = world_.clock.now() + gap;
        step_until(std::min(next, when));
        if (next <= when && invariants_.violations().none()) strike();
    }
}

bool Swarm::calm_until(SteadyTime when, const std::function<bool()>& done) {
    while (!done() && world_.clock.now() < when && invariants_.violations().none())
        step_until(std::min(when, world_.clock.now() + 250ms));
    return done();
}

void Swarm::later(std::chrono::nanoseconds after, Action action) {
    ends_.emplace(world_.clock.now() + after, std::move(action));
}

void Swarm::heal() {
    world_.start_ensemble();
    // What ends by itself, ends now, in order; an end may bring another.
    while (!ends_.empty()) {
        const auto node = ends_.extract(ends_.begin());
        node.mapped()();
    }
    for (auto& [id, host] : world_.hosts) {
        world_.heal_node(id);
        world_.start_node(id);
    }
    while (!overwritten_.empty()) {
        const auto [path, before] = *overwritten_.begin();
        replace_garbage(path, before);
    }
}

// --- choices -------------------------------------------------------------------------------------

std::string Swarm::any_host() {
    auto host = world_.hosts.begin();
    std::advance(host, static_cast<std::ptrdiff_t>(draw(world_.hosts.size())));
    return host->first;
}

std::string Swarm::any_running() {
    if (world_.nodes.empty()) return {};
    // The master is the more interesting half of the time.
    if (const auto acting = world_.masters(); !acting.empty() && draw(2) == 0)
        return acting.front();
    auto node = world_.nodes.begin();
    std::advance(node, static_cast<std::ptrdiff_t>(draw(world_.nodes.size())));
    return node->first;
}

std::string Swarm::any_backend(bool healthy) {
    std::vector<std::string> found;
    for (const auto& [address, backend] : world_.backends) {
        if (backend.healthy == healthy && backend.active) found.push_back(address);
    }
    return found.empty() ? std::string{} : found[draw(found.size())];
}

// --- faults --------------------------------------------------------------------------------------

void Swarm::strike() {
    const Fault fault = on_[draw(on_.size())];
    const double at = world_.seconds();
    if (!strike(fault)) return;
    log::info("fault",
              {{"at", fmt::format("{:.3f}", at)}, {"kind", std::string(to_string(fault))}});
    ++counts_[static_cast<std::size_t>(fault)];
    ++total_;
}

bool Swarm::strike(Fault fault) {
    switch (fault) {
        case Fault::crash_adopted:
        case Fault::crash_left:
        case Fault::restart:
        case Fault::pause_short:
        case Fault::pause_long:
        case Fault::step_down:
        case Fault::leave:
        case Fault::node_joins:
            return strike_process(fault);
        case Fault::cut_noticed:
        case Fault::cut_unnoticed:
        case Fault::cut_long:
        case Fault::blind:
        case Fault::lost_reply:
        case Fault::disconnect:
        case Fault::session_expired:
        case Fault::zookeeper_down:
            return strike_link(fault);
        case Fault::backend_dies:
        case Fault::backend_flaps:
        case Fault::backend_returns:
            return strike_backend(fault);
        case Fault::group_added:
        case Fault::group_changed:
        case Fault::group_recreated:
            return strike_group(fault);
        case Fault::wall_clock_step:
        case Fault::clock_rate:
            return strike_clock(fault);
        case Fault::garbage:
            return write_garbage();
    }
    return false;
}

bool Swarm::strike_process(Fault fault) {
    if (fault == Fault::node_joins) {
        if (std::ssize(world_.hosts) >= most_hosts) return false;
        const double rate = 0.9 + 0.01 * static_cast<double>(draw(21));
        world_.start_node(fmt::format("n{}", ++hosts_made_), rate);
        return true;
    }
    const std::string id = any_running();
    if (id.empty()) return false;
    SimNode& node = *world_.find(id);
    const auto start_again = [this, id] { world_.start_node(id); };
    switch (fault) {
        case Fault::crash_adopted:
            world_.crash_node(id, World::Session::adopted);
            later(span(1s, 30s), start_again);
            return true;
        case Fault::crash_left:
            world_.crash_node(id, World::Session::left);
            later(span(1s, 30s), start_again);
            return true;
        case Fault::restart:
            world_.crash_node(id, draw(2) == 0 ? World::Session::adopted : World::Session::left);
            world_.start_node(id);
            return true;
        case Fault::pause_short:
            world_.pause_node(id, span(100ms, 1s));
            return true;
        case Fault::pause_long:
            world_.pause_node(id, span(2s, 12s));
            return true;
        case Fault::step_down: {
            const auto acting = world_.masters();
            if (acting.empty()) return false;
            world_.find(acting.front())->step_down();
            return true;
        }
        default:
            break;
    }
    if (node.clock().frozen()) return false;
    node.leave();
    // Its end: the session is closed, the process is gone; some seconds later it is back.
    const std::string incarnation = world_.hosts[id].incarnation;
    later(span(5s, 31s), [this, id, incarnation] {
        if (world_.hosts[id].incarnation != incarnation) return;
        world_.crash_node(id, World::Session::adopted);
        later(span(1s, 10s), [this, id] { world_.start_node(id); });
    });
    return true;
}

bool Swarm::strike_link(Fault fault) {
    if (fault == Fault::zookeeper_down) {
        if (!world_.serving()) return false;
        world_.stop_ensemble();
        later(span(500ms, 25s), [this] { world_.start_ensemble(); });
        return true;
    }
    const std::string id = any_running();
    if (id.empty() || world_.hosts[id].cut) return false;
    const auto heal = [this, id] { world_.heal_node(id); };
    switch (fault) {
        case Fault::cut_noticed:
            world_.cut_node(id, 0ns);
            later(span(100ms, 3s), heal);
            return true;
        case Fault::cut_unnoticed:
            world_.cut_node(id, span(500ms, 10s));
            later(span(100ms, 3s), heal);
            return true;
        case Fault::cut_long:
            world_.cut_node(id, span(0ms, 5s));
            later(span(3s, 40s), heal);
            return true;
        case Fault::blind:
            world_.blind_node(id, draw(3) == 0 ? 3 : 1 + static_cast<unsigned>(draw(2)));
            later(span(2s, 40s), [this, id] { world_.blind_node(id, 0); });
            return true;
        case Fault::lost_reply:
            world_.ensemble.lose_next_reply(id);
            break;
        case Fault::disconnect:
            world_.ensemble.disconnect(id);
            break;
        case Fault::session_expired:
            world_.ensemble.expire(id);
            break;
        default:
            return false;
    }
    world_.hosts[id].shake(world_.clock.now());
    return true;
}

bool Swarm::strike_backend(Fault fault) {
    const std::string address = any_backend(fault != Fault::backend_returns);
    if (address.empty()) return false;
    Backend& backend = world_.backends.at(address);
    backend.hangs = draw(2) == 0;
    if (fault == Fault::backend_flaps) {
        flap(address, 2 + static_cast<int>(draw(8)), span(1s, 10s));
    } else {
        backend.set_healthy(fault == Fault::backend_returns, world_.clock.now());
    }
    return true;
}

void Swarm::flap(const std::string& address, int times, std::chrono::nanoseconds period) {
    Backend& backend = world_.backends.at(address);
    backend.set_healthy(!backend.healthy, world_.clock.now());
    if (times > 1) later(period, [=, this] { flap(address, times - 1, period); });
}

bool Swarm::strike_group(Fault fault) {
    if (!world_.serving()) return false;  // people, too, come through ZooKeeper
    std::vector<GroupName> living;
    for (const auto& [name, wanted] : world_.groups) {
        // One head is not replaced twice at a time, nor while it holds garbage.
        if (wanted.spec && !overwritten_.contains(world_.paths.group_head(name)))
            living.push_back(name);
    }
    if (fault == Fault::group_added) {
        if (std::ssize(living) >= most_groups) return false;
        new_group();
        return true;
    }
    if (living.empty()) return false;
    const GroupName name = living[draw(living.size())];
    config::GroupSpec spec = *world_.groups.at(name).spec;
    if (fault == Fault::group_changed) {
        change(spec);
        world_.apply(spec);
        return true;
    }
    world_.remove(name);
    later(span(10ms, 20s), [this, spec] { create_again(spec); });
    return true;
}

void Swarm::create_again(const config::GroupSpec& spec) {
    if (!world_.serving()) return later(1s, [this, spec] { create_again(spec); });
    const bool free = !overwritten_.contains(world_.paths.group_head(spec.name));
    if (free && !world_.groups.at(spec.name).spec) world_.apply(spec);
}

void Swarm::new_group() {
    const int net = ++groups_made_;
    static constexpr std::array intervals{2s, 3s, 5s};
    config::GroupSpec group = make_group(world_,
                                         fmt::format("g{}", net),
                                         2 + static_cast<int>(draw(5)),
                                         1 + static_cast<int>(draw(4)),
                                         net);
    group.check.interval = intervals[draw(intervals.size())];
    group.check.rise = 1 + static_cast<int>(draw(3));
    group.check.fall = 1 + static_cast<int>(draw(3));
    if (draw(4) == 0) group.check.fast_interval = 1s;
    if (draw(4) == 0) group.check.down_interval = 5s;
    world_.apply(group);
}

void Swarm::change(config::GroupSpec& group) {
    const auto any = [&]() -> config::Backend& {
        return group.backends[draw(group.backends.size())];
    };
    switch (draw(5)) {
        case 0:
        case 1:
            if (std::ssize(group.backends) >= most_backends) break;
            group.backends.push_back(make_backend(world_, 100, ++backends_made_));
            std::ranges::sort(group.backends, {}, &config::Backend::id);
            return;
        case 2:
            any().admin = config::Admin::drain;
            return;
        case 3:
            any().admin = draw(2) == 0 ? config::Admin::maintenance : config::Admin::active;
            return;
        default:
            break;
    }
    if (group.backends.size() < 2) return;
    group.backends.erase(group.backends.begin() +
                         static_cast<std::ptrdiff_t>(draw(group.backends.size())));
}

bool Swarm::strike_clock(Fault fault) {
    const std::string id = any_host();
    Host& host = world_.hosts[id];
    SimNode* node = world_.find(id);
    if (fault == Fault::wall_clock_step) {
        const auto by = std::chrono::floor<std::chrono::milliseconds>(span(0ms, 2h)) - 1h;
        host.wall_offset += by;
        if (node != nullptr) node->clock().step_wall(by);
    } else {
        host.clock_rate = 0.9 + 0.01 * static_cast<double>(draw(21));
        if (node != nullptr) node->clock().set_rate(host.clock_rate);
    }
    return true;
}

// --- garbage -------------------------------------------------------------------------------------

bool Swarm::write_garbage() {
    if (!world_.serving()) return false;
    const auto& tree = world_.ensemble.tree();
    const znodes::Paths& paths = world_.paths;
    const auto child_of = [&](const std::string& parent) -> std::string {
        const auto* node = tree.find(parent);
        if (node == nullptr || node->children.empty()) return {};
        auto child = node->children.begin();
        std::advance(child, static_cast<std::ptrdiff_t>(draw(node->children.size())));
        return parent + "/" + *child;
    };
    const auto below = [](const std::string& parent, const char* name) {
        return parent.empty() ? std::string{} : parent + name;
    };
    struct Target {
        const char* kind;
        std::function<std::string()> path;
        bool needs_people;  ///< the cluster keeps what it knows; only people can repair it
    };
    const auto group = [&] { return child_of(paths.groups()); };
    const auto shard = [&] { return child_of(below(group(), "/shards")); };
    const std::array<Target, 14> targets{{
        {"epoch", [&] { return paths.epoch(); }, false},
        {"control", [&] { return paths.control(); }, true},
        {"candidate", [&] { return child_of(paths.election()); }, false},
        {"member", [&] { return child_of(paths.members()); }, false},
        {"head", [&] { return child_of(paths.group_heads()); }, true},
        {"chunk", [&] { return child_of(paths.chunks()); }, true},
        {"assignment", [&] { return child_of(paths.assignments()); }, false},
        {"map", [&] { return paths.map(); }, false},
        {"ack", [&] { return child_of(paths.acks()); }, false},
        {"progress", [&] { return child_of(paths.progresses()); }, false},
        {"index", [&] { return below(group(), "/index"); }, false},
        {"members", [&] { return below(shard(), "/members"); }, false},
        {"status", [&] { return below(shard(), "/status"); }, false},
        {"handoff", [&] { return below(shard(), "/handoff"); }, false},
    }};
    const Target& target = targets[draw(targets.size())];
    const std::string path = target.path();
    const auto* node = path.empty() ? nullptr : tree.find(path);
    if (node == nullptr || overwritten_.contains(path)) return false;
    const std::string before = node->data;

    std::string bytes;
    switch (draw(6)) {
        case 0:
            break;  // empty
        case 1:
            bytes = before.substr(0, before.size() / 2);
            break;
        case 2:
            bytes = "{}";
            break;
        case 3:
            bytes = std::string(1 + draw(64), static_cast<char>(draw(256)));
            break;
        case 4:
            bytes = draw(2) == 0 ? "[]" : R"({"cluster":"another","v":1})";
            break;
        default:
            for (std::uint64_t i = draw(200); i > 0; --i)
                bytes.push_back(static_cast<char>(draw(256)));
            break;
    }
    if (!world_.ensemble.write({coordination::SetOp{.path = path, .data = bytes}}).applied())
        return false;
    invariants_.vandalised(path);
    ++garbage_[target.kind];
    log::info("garbage", {{"path", path}, {"bytes", std::to_string(bytes.size())}});
    if (target.needs_people) {
        overwritten_[path] = before;
        later(span(2s, 20s), [this, path, before] { replace_garbage(path, before); });
    }
    return true;
}

void Swarm::replace_garbage(const std::string& path, const std::string& before) {
    if (!world_.serving()) return later(1s, [=, this] { replace_garbage(path, before); });
    if (overwritten_.erase(path) == 0) return;
    // By now the group may be another one; its new head stays.
    world_.ensemble.write({coordination::SetOp{.path = path, .data = before}});
    invariants_.vandalised(path);
}

}  // namespace muster::sim
