#include "agent/agent.hpp"

#include "common/base/files.hpp"
#include "common/observe/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::agent {

using coordination::SessionState;

Agent::Agent(asio::any_io_executor executor,
             coordination::Store& store,
             Clock& clock,
             znodes::Paths paths,
             LbDriver& driver,
             metrics::Registry& registry,
             AgentIdentity identity,
             AgentOptions options,
             LbCounterSource* counters)
    : executor_(executor),
      store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      driver_(driver),
      registry_(registry),
      identity_(std::move(identity)),
      options_(std::move(options)),
      certificates_(options_.certificates, options_.certificate_directory, registry),
      follower_(executor,
                store,
                clock,
                paths_,
                identity_.fleet,
                identity_.instance,
                [this] { wake_.notify(); }),
      report_{.fleet = identity_.fleet,
              .instance = identity_.instance,
              .incarnation = identity_.incarnation,
              .address = identity_.address,
              .build = identity_.build,
              .lb = identity_.lb,
              .exporters = identity_.exporters},
      wake_(executor),
      changed_(executor),
      tasks_(executor) {
    if (counters == nullptr) return;
    connections_ = std::make_unique<ConnectionReporter>(clock_, *counters, metrics_);
    outliers_ = std::make_unique<OutlierReporter>(
        store_,
        clock_,
        paths_,
        *counters,
        metrics_,
        OutlierReporter::Identity{.fleet = identity_.fleet,
                                  .instance = identity_.instance,
                                  .incarnation = identity_.incarnation});
}

void Agent::start() {
    started_ = clock_.now();
    silent_since_ = started_;
    restore();
    follower_.start();
    tasks_.spawn("keep in step", keep_in_step());
    tasks_.spawn("confirm soon", confirm_soon());
    tasks_.spawn("tick", tick());
    if (outliers_) tasks_.spawn("outliers", tell_outliers());
    if (connections_) tasks_.spawn("connections", tell_connections());
}

asio::awaitable<void> Agent::stop() {
    co_await tasks_.stop();
    if (presence_) co_await presence_->stop();
    co_await follower_.stop();
}

void Agent::restore() {
    const Result<std::string> text = read_file(options_.last_good_file);
    if (!text) return;
    const Result<LastGood> kept = decode_last_good(*text);
    if (!kept) {
        log::warn("last_good_unreadable",
                  {{"file", options_.last_good_file}, {"error", kept.error().context}});
        return;
    }
    follower_.restore(*kept);
    restored_ = follower_.view().fleets.contains(identity_.fleet);
    panicking_ = kept->panicking;
    generations_ = applied_of(*kept, follower_.view());
    log::info("last_good_read",
              {{"file", options_.last_good_file}, {"nodes", std::to_string(kept->nodes.size())}});
}

asio::awaitable<void> Agent::tick() {
    for (;;) {
        const bool answers = store_.session().state == SessionState::connected;
        if (answers) {
            if (std::exchange(silent_since_, SteadyTime{}) != SteadyTime{})
                log::info("zookeeper_answers", {{"fleet", identity_.fleet.str()}});
        } else if (silent_since_ == SteadyTime{}) {
            silent_since_ = clock_.now();
            log::warn("zookeeper_silent",
                      {{"fleet", identity_.fleet.str()}, {"advice", "the LB stays as it is"}});
        }
        metrics_.connected.Set(answers ? 1 : 0);
        metrics_.silence_seconds.Set(
            answers ? 0 : std::chrono::duration<double>(clock_.now() - silent_since_).count());
        metrics_.foreign.Set(follower_.foreign_cluster().empty() ? 0 : 1);
        ticked_ = true;
        wake_.notify();
        co_await clock_.sleep_for(options_.tick);
    }
}

asio::awaitable<void> Agent::tell_outliers() {
    for (SteadyTime next = clock_.now();;) {
        next = std::max(next + options_.count_every, clock_.now());
        co_await clock_.sleep_until(next);
        // Without its name nobody could tell whose word it is.
        if (applied_ && presence_ && presence_->registered())
            co_await outliers_->look(applied_->state, follower_.view());
    }
}

asio::awaitable<void> Agent::tell_connections() {
    for (;;) {
        co_await clock_.sleep_for(options_.count_every);
        if (!applied_) continue;
        const LbState& state = applied_->state;
        const auto news = co_await connections_->look(state.listeners, state.leaving);
        if (!news) continue;
        report_.connections = *news;
        report();
    }
}

asio::awaitable<void> Agent::confirm_soon() {
    for (;;) {
        co_await changed_.wait();
        co_await clock_.sleep_for(options_.confirm_after);
        quiet_ = true;
        wake_.notify();
    }
}

/// Not from a view that is still being read: half of what there is to know is no reason to change
/// the LB.
bool Agent::may_plan(SteadyTime now) {
    if (follower_.settled()) {
        restored_ = false;
        unsettled_since_ = SteadyTime{};
        return true;
    }
    if (restored_) return now - started_ >= options_.patience;
    if (!applied_) return false;
    if (unsettled_since_ == SteadyTime{}) unsettled_since_ = now;
    return now - unsettled_since_ >= options_.settling;
}

asio::awaitable<void> Agent::keep_in_step() {
    for (;;) {
        co_await wake_.wait();
        const SteadyTime now = clock_.now();
        if (!may_plan(now)) continue;
        begin_presence();
        std::optional<LbPlan> plan =
            plan_lb(follower_.view(),
                    identity_.fleet,
                    panicking_,
                    clock_.wall(),
                    {.instance = identity_.instance,
                     .applied = generations_,
                     .unread = restored_ ? std::set<GroupName>{} : follower_.unread()});
        if (!plan) {
            if (std::exchange(error_, "the fleet is not known").empty())
                log::warn("fleet_unknown", {{"fleet", identity_.fleet.str()}});
            report();
            continue;
        }
        // Who starts and can't read a group knows less than the LB that goes on beside it.
        if (!applied_ && !plan->unreadable.empty()) {
            const std::string& name = plan->unreadable.begin()->str();
            if (std::exchange(error_, fmt::format("group {} can't be read", name)).empty())
                log::warn("group_unreadable",
                          {{"group", name}, {"advice", "the LB stays as it is"}});
            report();
            continue;
        }
        panicking_ = plan->panicking;
        generations_ = plan->applied;
        for (config::Listener& listener : plan->state.listeners) {
            if (listener.address.empty()) listener.address = options_.bind_address;
        }
        if (certificates_.follow(plan->state.listeners, clock_.wall())) other_certificates_ = true;
        const std::vector<std::string>& complaints = certificates_.problems();
        plan->problems.insert(plan->problems.end(), complaints.begin(), complaints.end());
        show(*plan);
        note(*plan);
        const bool same = !other_certificates_ && applied_ && plan->state == applied_->state;
        const bool settled = in_step_ && !other_certificates_ && (same || co_await change(*plan));
        if (settled) on_applied(std::move(*plan));
        const bool ticked = std::exchange(ticked_, false);
        const bool quiet = std::exchange(quiet_, false);
        if (!settled || now - looked_ >= options_.look_every) {
            co_await apply(settled ? *applied_ : std::move(*plan));
        } else if (ticked || quiet) {
            co_await confirm();
        } else {
            continue;  // what follows is in no hurry
        }
        if (ticked) keep();
        report();
    }
}

/// The quick way: nothing else comes before it, and its check comes later.
asio::awaitable<bool> Agent::change(const LbPlan& plan) {
    const std::optional<Applied> done = co_await driver_.change_quickly(plan.state);
    if (!done) co_return false;
    count(*done, plan.fleet_generation);
    quiet_ = false;
    changed_.notify();
    co_return true;
}

asio::awaitable<void> Agent::apply(LbPlan plan) {
    const bool was_in_step =
        in_step_ && !other_certificates_ && applied_ && plan.state == applied_->state;
    const Result<Applied> done = co_await driver_.apply(plan.state);
    looked_ = clock_.now();
    if (succeeded(done, plan.fleet_generation)) {
        other_certificates_ = false;
        if (was_in_step) on_repaired(*done);
        on_applied(std::move(plan));
    }
    co_await check();
}

asio::awaitable<void> Agent::confirm() {
    const Result<Applied> done = co_await driver_.confirm();
    if (succeeded(done, applied_->fleet_generation)) {
        on_repaired(*done);
    } else {
        co_await check();
    }
}

asio::awaitable<void> Agent::check() {
    const Result<void> checked = co_await driver_.check();
    if (std::exchange(report_.accepting, checked.has_value()) != report_.accepting) {
        log::write(checked ? log::Level::info : log::Level::warn,
                   checked ? "lb_accepts" : "lb_does_not_accept",
                   {{"instance", identity_.instance.str()},
                    {"error", checked ? std::string() : checked.error().message()}});
    }
    metrics_.accepting.Set(report_.accepting ? 1 : 0);
}

bool Agent::succeeded(const Result<Applied>& done, std::int64_t fleet_generation) {
    metrics_.applies.Increment();
    in_step_ = done.has_value();
    metrics_.in_step.Set(in_step_ ? 1 : 0);
    if (!done) {
        metrics_.failures.Increment();
        if (std::exchange(error_, done.error().message()) != error_)
            log::error("apply_failed", {{"error", error_}});
        return false;
    }
    if (!std::exchange(error_, {}).empty()) log::info("applied_again", {});
    count(*done, fleet_generation);
    return true;
}

void Agent::count(const Applied& done, std::int64_t fleet_generation) {
    metrics_.commands.Increment(done.commands);
    metrics_.certificates.Increment(done.certificates);
    if (!done.reloaded) return;
    metrics_.reloads.Increment();
    log::info("lb_reloaded", {{"fleet_generation", std::to_string(fleet_generation)}});
}

/// Of what was in step already.
void Agent::on_repaired(const Applied& done) {
    if (done.commands == 0 && !done.reloaded) return;
    metrics_.repairs.Increment();
    log::warn(
        "lb_repaired",
        {{"commands", std::to_string(done.commands)}, {"why", "somebody else has changed the LB"}});
}

void Agent::on_applied(LbPlan plan) {
    observe_latency(plan);
    report_.fleet_generation = plan.fleet_generation;
    report_.generations = plan.generations;
    for (const auto& [shard, time] : plan.status_times)
        report_.status_time = std::max(report_.status_time, time);
    applied_ = std::move(plan);
}

/// Of the statuses that are new with this plan. What was there at the start says nothing.
void Agent::observe_latency(const LbPlan& plan) {
    if (!applied_) return;
    const WallTime now = clock_.wall();
    for (const auto& [shard, stamp] : plan.statuses) {
        const auto before = applied_->statuses.find(shard);
        if (before == applied_->statuses.end() || before->second == stamp) continue;
        const std::chrono::duration<double> took = now - plan.status_times.at(shard);
        metrics_.apply_seconds.Observe(std::max(0.0, took.count()));
    }
}

/// Also of a plan that the LB refuses for as long as it takes: verdicts go on, and who starts from
/// the file is to have the last ones.
void Agent::note(const LbPlan& plan) {
    Basis basis{.statuses = plan.statuses,
                .generations = plan.generations,
                .newest = plan.newest,
                .rollouts = plan.rollouts,
                .panicking = plan.panicking,
                .fleet_generation = plan.fleet_generation};
    if (basis_ == basis) return;
    basis_ = std::move(basis);
    unkept_ = true;
}

void Agent::keep() {
    // What the file says is not newer than what it was made of.
    if (!unkept_ || restored_) return;
    const Result<void> written = replace_file(
        options_.last_good_file,
        encode(last_good_of(follower_.view(), paths_, identity_.fleet, panicking_, generations_)));
    unkept_ = !written;
    if (!written) log::error("last_good_not_written", {{"error", written.error().message()}});
}

void Agent::show(const LbPlan& plan) {
    std::size_t servers = 0;
    std::size_t ready = 0;
    for (const Pool& pool : plan.state.pools) {
        servers += pool.servers.size();
        ready += static_cast<std::size_t>(
            std::ranges::count(pool.servers, ServerState::ready, &Server::state));
    }
    metrics_.servers.Set(static_cast<double>(servers));
    metrics_.servers_ready.Set(static_cast<double>(ready));
    metrics_.problems.Set(
        static_cast<double>(plan.problems.size() + follower_.view().problems.size()));
}

void Agent::begin_presence() {
    if (presence_ || follower_.view().cluster().empty()) return;
    report_.stamp = {.cluster = follower_.view().cluster(), .writer = identity_.instance.str()};
    const auto read = [cluster = report_.stamp.cluster](const std::string& data) {
        return znodes::decode<znodes::AgentReport>(data, cluster);
    };
    presence_ = std::make_unique<coordination::Presence>(
        executor_,
        store_,
        clock_,
        coordination::PresenceSettings{
            .path = paths_.agent(identity_.fleet, identity_.instance),
            .parent = paths_.agents(identity_.fleet),
            .is_ours =
                [read, incarnation = identity_.incarnation](const std::string& data) {
                    const Result<znodes::AgentReport> other = read(data);
                    return other && other->incarnation == incarnation;
                },
            .on_taken =
                [instance = identity_.instance](const std::string&) {
                    log::warn("instance_name_taken",
                              {{"instance", instance.str()},
                               {"advice",
                                "waiting for the other agent to leave; give each LB a name of its "
                                "own"}});
                },
            .least_gap = std::chrono::seconds(1)});
    report_.time = clock_.wall();
    reported_ = report_;
    presence_->start(znodes::encode(report_));
}

void Agent::report() {
    // What the LB can't do comes first.
    report_.error = error_.empty() && !certificates_.problems().empty()
                        ? certificates_.problems().front()
                        : error_;
    if (!presence_ || report_ == reported_) return;
    ++report_.stamp.sequence;
    report_.time = clock_.wall();
    reported_ = report_;
    presence_->set(znodes::encode(report_));
}

}  // namespace muster::agent
