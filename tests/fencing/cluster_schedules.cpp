#include "tests/fencing/cluster_schedules.hpp"

#include "tests/cluster/cluster.hpp"
#include "tests/cluster/responder.hpp"
#include "tests/fencing/late_network.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <atomic>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace muster::fencing {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t instances = 6;

test::Cluster::Settings settings_of(const LateNetwork& network) {
    test::Cluster::Settings settings;
    settings.more_settings = fmt::format(
        "dns:\n"
        "  allowed_addresses: [127.0.0.0/8]\n"
        "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
        "  zones: [muster.test]\n",
        network.url());
    return settings;
}

class ClusterRun {
 public:
    ClusterRun(std::size_t count, std::uint32_t seed) : count_(count), random_(seed) {
        cluster_.apply(test::make_group(responder_, "web", 0, 1, 1s));
        config::FleetSpec fleet{.name = FleetName("edge")};
        for (std::size_t i = 0; i < instances; ++i)
            fleet.instances.push_back({.id = InstanceId(fmt::format("lb-{}", i)),
                                       .address = responder_.host(i),
                                       .port = responder_.port()});
        fleet.listeners = {{.name = "main", .port = responder_.port(), .group = GroupName("web")}};
        fleet.health = {.interval = 300ms, .timeout = 250ms, .rise = 1, .fall = 1};
        fleet.dns = {{.name = "api.muster.test", .ttl = 5s}};
        cluster_.apply(fleet);
        need(test::eventually(30s, [&] { return records() == instances; }), "all are published");
    }

    Tally all() {
        for (; tally_.schedules < count_; ++tally_.schedules) one();
        const Verdict verdict = judge(history(etcd_), "/skydns", fence_key);
        tally_.transactions = verdict.transactions;
        tally_.violations.insert(
            tally_.violations.end(), verdict.violations.begin(), verdict.violations.end());
        tally_.emptied = verdict.emptied;
        return std::move(tally_);
    }

 private:
    static constexpr auto fence_key = "/muster/main/fence";

    void one() {
        need(cluster_.wait_for_master(30s), "a master");
        const std::size_t master = cluster_.master().value();
        // Its fence is the newest once it writes again.
        for (std::size_t i = 0; i < instances; ++i)
            responder_.set(i, test::Responder::Behaviour::healthy);
        need(test::eventually(30s, [&] { return records() == instances; }), "all are published");
        const std::string old = fence();

        // Removals go one by one: each that is kept keeps the name's later ones, too.
        std::atomic<int> kept = 0;
        network_.set_fate([&, dice = std::mt19937(random_())](const std::string& by) mutable {
            if (by != old) return Fate::pass;
            // The first comes late in any case.
            const auto kind = dice() % (++kept == 1 ? 2 : 3);
            return kind == 0 ? Fate::hold : kind == 1 ? Fate::half : Fate::lose_reply;
        });
        const std::size_t victim = random_() % instances;
        responder_.set(victim, test::Responder::Behaviour::reset);
        need(test::eventually(30s, [&] { return kept > 0; }), "a write of the master is kept");

        const bool sleeps = random_() % 4 != 0;
        if (sleeps) {
            cluster_.pause(master);
        } else {
            cluster_.kill_process(master);
        }
        need(test::eventually(60s, [&] { return fence() > old; }), "another master claims");
        const std::string heir = fence();
        network_.set_fence(heir);
        network_.set_fate({});
        const std::size_t passed_before = network_.stale_passed();
        std::vector<LateWrite> late = network_.take_late();
        for (LateWrite& write : late) {
            ++tally_.attempted;
            const auto said = network_.deliver(write);
            if (said && said->succeeded)
                tally_.violations.push_back(
                    fmt::format("schedule {}: a late write was done", tally_.schedules));
        }
        if (sleeps) {
            // What it had in its hands goes on its way now.
            responder_.set((victim + 1) % instances, test::Responder::Behaviour::reset);
            cluster_.resume(master);
        } else {
            need(cluster_.wait_end(master, 30s).has_value(), "the killed node's end");
            cluster_.start(master);
        }
        need(cluster_.wait_members(cluster_.size(), 60s), "all are members again");
        tally_.attempted += network_.stale_passed() - passed_before;
    }

    /// What etcdctl says, not our own client.
    [[nodiscard]] std::string fence() const {
        std::string text = etcd_.ctl({"get", fence_key, "--print-value-only"});
        while (!text.empty() && text.back() == '\n') text.pop_back();
        return text;
    }
    [[nodiscard]] std::size_t records() const {
        const std::string keys =
            etcd_.ctl({"get", "--prefix", "/skydns/test/muster/api/", "--keys-only"});
        std::size_t found = 0;
        for (std::size_t at = keys.find("edge-"); at != std::string::npos;
             at = keys.find("edge-", at + 1))
            ++found;
        return found;
    }
    void need(bool held, const std::string& what) {
        if (held) return;
        std::string logs;
        for (std::size_t node = 0; node < cluster_.size(); ++node) {
            const std::string output = cluster_.output(node);
            logs += output.substr(output.size() - std::min<std::size_t>(output.size(), 4'000));
        }
        throw std::runtime_error(
            fmt::format("schedule {}: not in time: {}\n{}", tally_.schedules, what, logs));
    }

    std::size_t count_;
    std::mt19937 random_;
    test::EtcdServer etcd_;
    LateNetwork network_{etcd_.port()};
    test::Responder responder_{instances};
    test::Cluster cluster_{settings_of(network_)};
    Tally tally_;
};

}  // namespace

Tally run_cluster_schedules(std::size_t count, std::uint32_t seed) {
    return ClusterRun(count, seed).all();
}

}  // namespace muster::fencing
