// ./bench edit: a group of 1,000 backends is edited among 100,000 checks on one node, time and
// again. How long the change takes from being read until the probers have it
// (muster_config_apply_seconds), and whether the checks of other groups are shifted in time by it,
// as their backends see it. MUSTER_BENCH_EDITS (20), MUSTER_BENCH_GROUPS (100).
#include "tests/bench/support/figures.hpp"
#include "tests/bench/support/own_network.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using Time = Responder::Time;

constexpr std::size_t group_size = 1'000;
constexpr std::chrono::seconds interval{20};

class Edits {
 public:
    explicit Edits(std::size_t groups)
        : responder_(groups * group_size), cluster_({.zookeepers = 1, .nodes = 1}) {
        for (std::size_t i = 0; i < groups; ++i) cluster_.apply(group(i));
        require(cluster_.wait_all_up(300s), "all backends UP");
        settle();
    }

    /// Gives the first group a time-out that it did not have.
    std::chrono::nanoseconds edit() {
        config::GroupSpec edited = group(0);
        timeout_ += 1ms;
        edited.check.timeout = timeout_;
        const std::string before = applied();
        cluster_.apply(edited);
        require(eventually(10s, [&] { return applied() != before; }), "the edit in force");
        return std::chrono::nanoseconds(static_cast<std::int64_t>(std::stod(applied()) * 1e9));
    }

    void settle() {
        const Time end = Responder::now() + interval + 1s;
        require(eventually(interval + 10s, [&] { return Responder::now() >= end; }), "an interval");
    }

    /// The place of each backend within the interval, by its last probe in this span.
    std::map<std::uint32_t, Time> places() {
        responder_.trace(true);
        settle();
        std::map<std::uint32_t, Time> found;
        for (const auto& [time, backend] : responder_.traced()) {
            if (backend >= group_size) found[backend] = time % interval;
        }
        responder_.trace(false);
        return found;
    }

 private:
    [[nodiscard]] config::GroupSpec group(std::size_t number) const {
        return make_group(
            responder_, fmt::format("group{}", number), number * group_size, group_size, interval);
    }
    [[nodiscard]] std::string applied() {
        const std::string name = "\nmuster_config_apply_seconds ";
        const std::string text = cluster_.get(0, "/metrics").body;
        const std::size_t at = text.find(name);
        if (at == std::string::npos) return {};
        const std::size_t begin = at + name.size();
        return text.substr(begin, text.find('\n', begin) - begin);
    }

    Responder responder_;
    Cluster cluster_;
    std::chrono::milliseconds timeout_{1000};
};

Spread shifts(const std::map<std::uint32_t, Time>& before,
              const std::map<std::uint32_t, Time>& after) {
    Spread spread;
    for (const auto& [backend, place] : before) {
        const auto found = after.find(backend);
        require(found != after.end(), "every backend probed once an interval");
        const Time apart = std::chrono::abs(found->second - place);
        spread.add(std::min<Time>(apart, interval - apart));
    }
    return spread;
}

void run() {
    bench::enter_own_network();
    Edits edits(static_cast<std::size_t>(setting("MUSTER_BENCH_GROUPS", 100)));
    const auto at_first = edits.places();
    const auto untouched = edits.places();
    Spread took;
    for (int i = setting("MUSTER_BENCH_EDITS", 20); i > 0; --i) took.add(edits.edit());
    const auto edited = edits.places();
    took.print("from an edit's being read until the probers have it");
    const Spread noise = shifts(at_first, untouched);
    const Spread shift = shifts(untouched, edited);
    noise.print("shift of a check, of one interval against the next");
    shift.print("the same with edits of another group between them");
    metric("edit_apply_p50_ms", ms(took.at(0.5)), "ms");
    metric("edit_apply_max_ms", ms(took.at(1)), "ms");
    metric("edit_shift_untouched_p999_ms", ms(noise.at(0.999)), "ms");
    metric("edit_shift_p999_ms", ms(shift.at(0.999)), "ms");
    metric("edit_checks", static_cast<double>(edited.size() + group_size), "checks");
}

}  // namespace
}  // namespace muster::test

int main() {
    return muster::test::exit_code_of(muster::test::run);
}
