#include "orchestrator/master.hpp"

#include "common/observe/log.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace muster::orchestrator {

namespace {
constexpr std::chrono::milliseconds lease_retry{100};
/// After refusals in a row, when nothing that we hear of changes in between.
constexpr std::chrono::milliseconds longest_retry{5'000};
}  // namespace

Master::Master(asio::any_io_executor executor,
               coordination::Store& store,
               Clock& clock,
               znodes::Paths paths,
               follow::Mirror& mirror,
               const follow::ClusterView& view,
               Election& election,
               MasterSettings settings)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      mirror_(mirror),
      view_(view),
      election_(election),
      settings_(std::move(settings)),
      tasks_(executor),
      wake_(executor),
      retry_(lease_retry) {}

void Master::start() {
    tasks_.spawn("master", run());
}

asio::awaitable<void> Master::stop() {
    co_await tasks_.stop();
}

void Master::on_office(const std::optional<Office>& office) {
    // Called when office is taken, and again when it was confirmed after trouble: from then on we
    // hear everything.
    if (office && (!office_ || office_->epoch != office->epoch)) {
        memory_ = {};
        counters_.first_write = {};
    }
    office_ = office;
    listening_since_ = clock_.now();
    wake_.notify();
}

void Master::on_view(const follow::ViewChange& change) {
    if (!office_) return;
    // Progress is no reason to plan: it only puts off the moment at which a shard counts as
    // stalled, and for that moment the last plan has set an alarm.
    if (change.control || change.members || change.config || change.layout || change.assignments ||
        change.answers || (change.agents && registered() != registered_)) {
        wake_.notify();
    }
}

std::map<FleetName, std::vector<Registration>> Master::registered() const {
    std::map<FleetName, std::vector<Registration>> all;
    for (const auto& [name, fleet] : view_.fleets) all[name] = registrations_of(view_, name);
    return all;
}

asio::awaitable<void> Master::run() {
    for (;;) {
        co_await wake_.wait();
        if (office_) co_await govern();
    }
}

asio::awaitable<void> Master::govern() {
    while (office_) {
        // What we know may be older than what an earlier master wrote; our writes would be refused,
        // but a plan made from half a tree is also noise.
        co_await mirror_.wait_settled();
        if (!office_) co_return;
        const SteadyTime now = clock_.now();
        if (!election_.may_act(now)) {
            wake_at(now + lease_retry);
            co_return;
        }
        ControlContext context{.paths = paths_,
                               .cluster = settings_.cluster,
                               .node = settings_.node,
                               .office = *office_,
                               .wall = clock_.wall(),
                               .time = {.now = now, .listening_since = listening_since_},
                               .assignment = settings_.assignment};
        registered_ = registered();
        ControlPlan plan = plan_control(view_, context, memory_);
        ++counters_.plans;
        memory_ = std::move(plan.memory);
        unplaceable_ = std::move(plan.unplaceable);
        for (const std::string& line : plan.notes) log::info("plan", {{"what", line}});
        if (plan.again) wake_at(*plan.again);
        if (plan.transactions.empty()) co_return;
        if (co_await carry_out(std::move(plan.transactions))) {
            retry_ = lease_retry;
        } else {
            wake_at(clock_.now() + retry_);
            retry_ = std::min<std::chrono::nanoseconds>(2 * retry_, longest_retry);
            co_return;
        }
    }
}

asio::awaitable<bool> Master::carry_out(std::vector<Transaction> transactions) {
    std::vector<std::string> touched;
    bool all = true;
    std::set<std::optional<GroupName>> refused;
    for (Transaction& transaction : transactions) {
        if (refused.contains(transaction.group)) continue;
        if (!election_.may_act(clock_.now())) {
            all = false;
            break;
        }
        touched.insert(touched.end(), transaction.touched.begin(), transaction.touched.end());
        const coordination::MultiOutcome outcome =
            co_await store_.multi(std::move(transaction.ops));
        ++counters_.transactions;
        if (outcome.ok()) {
            if (counters_.first_write == SteadyTime{}) counters_.first_write = clock_.now();
            continue;
        }
        all = false;
        if (outcome.fenced_off()) {
            ++counters_.fenced_off;
            election_.doubt_office();
        } else {
            ++counters_.conflicts;
        }
        log::warn("transaction_refused",
                  {{"what", transaction.what},
                   {"error", outcome.error.message()},
                   {"context", outcome.context}});
        // What nobody makes good in one group (a stranger's node in the way) must not hold up the
        // others; after an unknown outcome or a doubt there is no use in going on.
        if (outcome.fenced_off() || outcome.op_errors.empty()) break;
        refused.insert(transaction.group);
    }
    // Also after a failure, and after an unknown outcome: what is there now decides what comes
    // next.
    mirror_.refresh(touched);
    co_return all;
}

void Master::wake_at(SteadyTime when) {
    if (alarm_at_ && *alarm_at_ <= when) return;
    alarm_at_ = when;
    tasks_.spawn("master alarm", alarm(when));
}

asio::awaitable<void> Master::alarm(SteadyTime when) {
    co_await clock_.sleep_until(when);
    if (alarm_at_ == when) alarm_at_.reset();
    wake_.notify();
}

}  // namespace muster::orchestrator
