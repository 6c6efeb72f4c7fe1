// ./bench detection: from the moment a backend fails until its DOWN is in ZooKeeper, in a real
// cluster of three nodes that confirm each other's suspicions, beside the bound that the check
// promises. MUSTER_BENCH_KILLS: of each kind (50).
#include "common/config/decode.hpp"
#include "tests/bench/detection/victim.hpp"
#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <deque>
#include <map>
#include <random>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using Fault = Victim::Fault;

constexpr std::size_t backends = 24;  ///< of each group
constexpr std::size_t at_once = 8;    ///< fail within one interval
constexpr config::Duration interval = 1s;
constexpr config::Duration fast_interval = 500ms;
constexpr config::Duration timeout = 500ms;
constexpr int fall = 3;
constexpr auto bound =
    interval + (fall - 1) * fast_interval + timeout + (fast_interval + timeout) + 500ms;

config::GroupSpec group(const std::string& name, const std::deque<Victim>& victims, bool tls) {
    config::GroupSpec group{.name = GroupName(name)};
    config::ProbeSpec probe = config::HttpCheck{.expect_body = {{.text = "ready"}}};
    if (tls) probe.tls = config::TlsSettings{.ca = "ca"};
    group.check = {.probe = probe,
                   .interval = interval,
                   .fast_interval = fast_interval,
                   .timeout = timeout,
                   .rise = 1,
                   .fall = fall};
    for (const Victim& victim : victims) {
        group.backends.push_back({.id = BackendId("b" + std::to_string(victim.port())),
                                  .address = "127.0.0.1",
                                  .port = victim.port()});
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

class Detection {
 public:
    Detection() {
        const Authority authority;
        tls_.write("ca.pem", authority.bundle());
        const auto good = server_context(authority.issue({}));
        const auto expired = server_context(authority.issue({.expires_in = -1h}));
        for (std::size_t i = 0; i < backends; ++i) plain_.emplace_back(nullptr, nullptr);
        for (std::size_t i = 0; i < backends; ++i) secure_.emplace_back(good, expired);
        cluster_.emplace(
            Cluster::Settings{.more_settings = "tls_dir: " + tls_.path().string() + "\n"});
        cluster_->apply(group("plain", plain_, false));
        cluster_->apply(group("secure", secure_, true));
        require(cluster_->wait_all_up(60s), "all backends UP");
    }

    Spread measure(Fault fault, int kills) {
        std::deque<Victim>& victims = fault == Fault::expired ? secure_ : plain_;
        Spread spread;
        for (int done = 0; done < kills;) {
            cluster_->observer().forget();
            std::map<std::string, std::chrono::nanoseconds> failed;
            std::ranges::shuffle(order_, random_);
            for (std::size_t i = 0; i < at_once && done + static_cast<int>(i) < kills; ++i) {
                // At any place of its interval.
                const auto when = Responder::now() + std::chrono::milliseconds(random_() % 250);
                require(eventually(1s, [&] { return Responder::now() >= when; }), "its time");
                Victim& victim = victims[order_[i]];
                failed["b" + std::to_string(victim.port())] = Responder::now();
                victim.set(fault);
            }
            require(eventually(30s, [&] { return detected(failed).size() == failed.size(); }),
                    "every failure detected");
            for (const auto& [backend, took] : detected(failed)) spread.add(took);
            done += static_cast<int>(failed.size());
            for (Victim& victim : victims) victim.set(Fault::none);
            require(cluster_->wait_all_up(60s), "all backends UP again");
        }
        return spread;
    }

    [[nodiscard]] std::size_t wrong() const { return wrong_; }

 private:
    /// How long each took; the others are not DOWN yet.
    std::map<std::string, std::chrono::nanoseconds> detected(
        const std::map<std::string, std::chrono::nanoseconds>& failed) {
        std::map<std::string, std::chrono::nanoseconds> found;
        std::size_t wrong = 0;
        for (const auto& change : cluster_->observer().verdict_changes()) {
            if (change.to != znodes::Letter::down) continue;
            const auto known = failed.find(change.backend.str());
            if (known == failed.end() || change.seen < known->second) {
                ++wrong;
            } else {
                found.emplace(known->first, change.seen - known->second);
            }
        }
        wrong_ = std::max(wrong_, wrong);
        return found;
    }

    TempDir tls_;
    std::deque<Victim> plain_;
    std::deque<Victim> secure_;
    std::optional<Cluster> cluster_;
    std::mt19937 random_{7};
    std::vector<std::size_t> order_ = [] {
        std::vector<std::size_t> all(backends);
        for (std::size_t i = 0; i < backends; ++i) all[i] = i;
        return all;
    }();
    std::size_t wrong_ = 0;
};

void run() {
    const int kills = setting("MUSTER_BENCH_KILLS", 50);
    Detection detection;
    std::printf("interval %s, fast %s, timeout %s, fall %d, one peer confirms: bound %.0f ms\n",
                config::to_string(interval).c_str(),
                config::to_string(fast_interval).c_str(),
                config::to_string(timeout).c_str(),
                fall,
                ms(bound));
    constexpr std::array<std::pair<Fault, const char*>, 5> kinds = {
        {{Fault::refused, "refused"},
         {Fault::hung, "hung"},
         {Fault::status, "status_500"},
         {Fault::wrong_body, "wrong_body"},
         {Fault::expired, "tls_expired"}}};
    std::vector<std::pair<std::string, Spread>> spreads;
    for (const auto& [fault, name] : kinds) {
        spreads.emplace_back(name, detection.measure(fault, kills));
        spreads.back().second.print(name);
        std::fflush(stdout);
    }
    for (const auto& [name, spread] : spreads) {
        metric("detection_" + name + "_p50_ms", ms(spread.at(0.5)), "ms");
        metric("detection_" + name + "_p99_ms", ms(spread.at(0.99)), "ms");
    }
    metric("detection_bound_ms", ms(bound), "ms");
    metric("detection_wrong_down", static_cast<double>(detection.wrong()), "verdicts");
}

}  // namespace
}  // namespace muster::test

int main() {
    // A peer that is gone is no reason to end.
    std::signal(SIGPIPE, SIG_IGN);
    return muster::test::exit_code_of(muster::test::run);
}
