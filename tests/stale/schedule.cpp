#include "tests/stale/schedule.hpp"

#include "tests/stale/composed_writes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <utility>

namespace muster::stale {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Role;

namespace {

constexpr std::chrono::seconds settle_limit{30};
constexpr std::chrono::milliseconds provoke_limit{1500};
constexpr std::chrono::seconds succession_limit{20};
constexpr std::chrono::seconds outcome_limit{20};
constexpr int fewest_backends = 22;
constexpr int most_backends = 26;

const std::set<WriteClass> worker_classes{
    WriteClass::status, WriteClass::ack, WriteClass::progress, WriteClass::handoff};
const std::set<WriteClass> all_classes{write_classes.begin(), write_classes.end()};

class Unfinished : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// Null when the view has no such shard.
const follow::ShardView* find_shard(const follow::ClusterView& view, const ShardId& id) {
    const auto group = view.groups.find(id.group);
    if (group == view.groups.end()) return nullptr;
    const auto shard = group->second.shards.find(id.number);
    return shard == group->second.shards.end() ? nullptr : &shard->second;
}

class Schedule {
 public:
    Schedule(StaleCluster& cluster, std::uint64_t seed) : cluster_(cluster), random_(seed) {
        report_.seed = seed;
    }

    ScheduleReport run() {
        try {
            require(cluster_.wait_settled(settle_limit), "the cluster did not settle");
            choose();
            provoke();
            part_and_wait();
            release();
        } catch (const Unfinished& why) {
            report_.unfinished = why.what();
        }
        tidy_up();
        return std::move(report_);
    }

 private:
    static void require(bool held, const char* what) {
        if (!held) throw Unfinished(what);
    }
    std::chrono::milliseconds up_to(std::chrono::milliseconds most) {
        return std::chrono::milliseconds(
            static_cast<std::int64_t>(random_() % (static_cast<std::uint64_t>(most.count()) + 1)));
    }
    [[nodiscard]] const follow::ClusterView& view() const { return cluster_.view(); }

    // --- who, and how ------------------------------------------------------------------------

    void choose() {
        const auto dice = random_() % 10;
        report_.part = dice < 4 ? Part::master : dice < 7 ? Part::worker : Part::claimant;
        report_.separation = static_cast<Separation>(random_() % 4);
        Host* master = cluster_.master();
        require(master != nullptr, "the master went before it began");
        if (report_.part == Part::claimant) {
            const auto line = cluster_.ask(cluster_.witness().candidates());
            if (line.size() > 1 && line[0].node == master->id())
                victim_ = cluster_.find(line[1].node);
            if (victim_ == nullptr || victim_->id() == StaleCluster::roamer_id()) {
                victim_ = nullptr;
                report_.part = Part::worker;
            }
        }
        if (report_.part == Part::master) victim_ = master;
        if (victim_ == nullptr || victim_->id() == StaleCluster::roamer_id()) {
            if (report_.part == Part::master) report_.part = Part::worker;
            std::vector<Host*> others = cluster_.residents();
            std::erase(others, master);
            victim_ = others[random_() % others.size()];
        }
        report_.victim = victim_->id();
    }

    // --- something to hold -------------------------------------------------------------------

    void provoke() {
        HoldingStore& store = victim_->store();
        store.hold(worker_classes);
        if (cluster_.roamer() == nullptr) {
            cluster_.start_roamer();
        } else {
            Host& roamer = *cluster_.roamer();
            roamer.tasks().spawn("leave", roamer.node().leave(30s));
        }
        flip_some();
        cluster_.drive(provoke_limit, [&] {
            return store.holds(WriteClass::status) && store.holds(WriteClass::progress) &&
                   (store.holds(WriteClass::ack) || store.holds(WriteClass::handoff));
        });
        store.hold(all_classes);
        if (report_.part == Part::master) {
            cluster_.apply_group(fewest_backends +
                                 static_cast<int>(random_() % (most_backends - fewest_backends)));
            cluster_.drive(provoke_limit, [&] { return store.holds(WriteClass::control); });
        } else if (report_.part == Part::claimant) {
            Host* master = cluster_.master();
            require(master != nullptr && master != victim_, "the master changed meanwhile");
            master->tasks().spawn("step down", master->node().step_down());
            cluster_.drive(provoke_limit, [&] { return store.holds(WriteClass::claim); });
        }
        cluster_.drive_for(up_to(200ms));
        compose_the_rest();
    }

    void flip_some() {
        const auto assigned = view().assignments.find(victim_->id());
        require(assigned != view().assignments.end(), "the victim has no assignment");
        for (const znodes::AssignedShard& one : assigned->second.value.shards) {
            const follow::ShardView* shard = find_shard(view(), one.shard);
            if (shard == nullptr || !shard->members || random_() % 2 == 0) continue;
            for (const znodes::Slot& slot : shard->members->value.slots) {
                if (!slot.tombstone && random_() % 2 == 0) cluster_.flip(slot.address);
            }
        }
    }

    void compose_the_rest() {
        const follow::ClusterView& believed = victim_->node().view();
        const auto own = believed.assignments.find(victim_->id());
        require(believed.epoch && own != believed.assignments.end(), "the victim knows nothing");
        epoch_ = believed.epoch->version;
        assignment_ = own->second.version;
        Author author{.node = victim_->id(), .epoch = epoch_, .assignment = assignment_};
        for (const KnownCandidate& candidate : cluster_.ask(cluster_.witness().candidates())) {
            if (candidate.session == victim_->store().session().id)
                author.candidacy = candidate.path;
        }
        // Far from the node's own, and different in each schedule.
        author.sequence = static_cast<std::int64_t>(report_.seed % 1'000'000 + 1) * 1'000'000;
        for (const WriteClass kind : write_classes) {
            if (victim_->store().holds(kind)) continue;
            ++author.sequence;
            Author of_this = author;
            // A worker whose master lives on never had this epoch: it writes as under the one
            // before.
            if (kind == WriteClass::control && report_.part == Part::worker) --of_this.epoch;
            if (auto ops = compose(kind, cluster_.paths(), believed, of_this, random_)) {
                victim_->tasks().spawn("composed write",
                                       victim_->store().hold_also(kind, std::move(*ops)));
            }
        }
        require(cluster_.drive(5s,
                               [&] {
                                   return std::ranges::all_of(write_classes, [&](WriteClass kind) {
                                       return victim_->store().holds(kind);
                                   });
                               }),
                "not every class is held");
    }

    // --- parted ------------------------------------------------------------------------------

    void part_and_wait() {
        generation_ = victim_->store().session().generation;
        for (const auto& write : victim_->store().held()) {
            if (write->kind != WriteClass::control && write->kind != WriteClass::claim)
                assignment_ = std::max(assignment_, write->token());
        }
        const auto held_shards = view().assignments.at(victim_->id()).value.shards;
        victim_->separate(report_.separation);
        require(cluster_.drive(succession_limit, [&] { return succeeded(held_shards); }),
                "nobody succeeded");
        cluster_.drive_for(up_to(300ms));
    }

    /// The victim's session is over; the office and the shards have gone to others, who have
    /// written under their own tokens.
    [[nodiscard]] bool succeeded(const std::vector<znodes::AssignedShard>& shards) const {
        if (view().members.contains(victim_->id())) return false;
        const auto assigned = view().assignments.find(victim_->id());
        if (assigned == view().assignments.end() || assigned->second.version <= assignment_)
            return false;
        if (report_.part != Part::worker) {
            if (!view().epoch || view().epoch->version <= epoch_) return false;
            if (assigned->second.value.stamp.token <= epoch_) return false;
        }
        return std::ranges::any_of(shards, [&](const znodes::AssignedShard& one) {
            const follow::ShardView* shard = find_shard(view(), one.shard);
            if (one.role == Role::warm || shard == nullptr || !shard->status) return false;
            const std::string& writer = shard->status->value.stamp.writer;
            const auto heir = view().assignments.find(NodeId(writer));
            return writer != victim_->id().str() && heir != view().assignments.end() &&
                   heir->second.version == shard->status->value.stamp.token;
        });
    }

    // --- and back ----------------------------------------------------------------------------

    void release() {
        HoldingStore& store = victim_->store();
        for (const auto& write : store.held()) report_.writes.push_back(judge(write));
        if (random_() % 3 != 0) {
            store.release();
            victim_->reunite();
        } else {
            // The rest of the node is back at work, and perhaps in office, when they go out.
            store.hold({});
            victim_->reunite();
            require(cluster_.drive(outcome_limit,
                                   [&] {
                                       const auto session = store.session();
                                       return session.generation != generation_ &&
                                              session.state ==
                                                  coordination::SessionState::connected;
                                   }),
                    "the victim does not come back");
            cluster_.drive_for(up_to(300ms));
            store.release();
        }
        require(cluster_.drive(outcome_limit, [&] { return store.all_answered(); }),
                "a released write was not answered");
    }

    [[nodiscard]] ReleasedWrite judge(const std::shared_ptr<HeldWrite>& write) const {
        const std::string epoch = cluster_.paths().epoch();
        const std::string own = cluster_.paths().assignment(victim_->id());
        ReleasedWrite released{.write = write};
        switch (write->kind) {
            case WriteClass::control:
                released.stale = view().epoch->version > write->token() && write->has_payload();
                released.after = cluster_.witness().last_change(epoch);
                break;
            case WriteClass::claim:
                // The candidacy goes with the session, and the claim goes out under another.
                released.stale = true;
                released.after = cluster_.witness().last_change(own);
                break;
            case WriteClass::status:
            case WriteClass::ack:
            case WriteClass::progress:
            case WriteClass::handoff:
                released.stale = view().assignments.at(victim_->id()).version > write->token();
                released.after = cluster_.witness().last_change(own);
                break;
        }
        return released;
    }

    void tidy_up() {
        if (victim_ != nullptr) {
            HoldingStore& store = victim_->store();
            store.withdraw_composed();
            store.release(HoldingStore::Under::any_session);
            victim_->reunite();
            // What is left of an unfinished schedule must not hold up the node for ever.
            if (!cluster_.drive(outcome_limit, [&] { return store.all_answered(); }))
                throw std::runtime_error("a held write was never answered");
            store.forget();
        }
        Host* roamer = cluster_.roamer();
        if (roamer == nullptr || !roamer->node().leaving()) return;
        cluster_.drive(3s, [&] {
            return roamer->node().worker() == nullptr || roamer->node().worker()->idle();
        });
        cluster_.end_roamer();
    }

    StaleCluster& cluster_;
    std::mt19937_64 random_;
    ScheduleReport report_;
    Host* victim_ = nullptr;
    std::int32_t epoch_ = 0;
    std::int32_t assignment_ = 0;
    std::uint64_t generation_ = 0;
};

}  // namespace

std::string_view to_string(Part part) {
    switch (part) {
        case Part::master:
            return "master";
        case Part::worker:
            return "worker";
        case Part::claimant:
            return "claimant";
    }
    return "";
}

bool ScheduleReport::complete() const {
    return unfinished.empty() && std::ranges::all_of(write_classes, [this](WriteClass kind) {
               return std::ranges::any_of(writes, [kind](const ReleasedWrite& released) {
                   return released.stale && released.write->kind == kind &&
                          released.write->outcome.has_value();
               });
           });
}

ScheduleReport run_schedule(StaleCluster& cluster, std::uint64_t seed) {
    return Schedule(cluster, seed).run();
}

std::string to_string(const ScheduleReport& report) {
    std::string text = fmt::format("schedule {}: {} {}, {}: {} writes",
                                   report.seed,
                                   to_string(report.part),
                                   report.victim.str(),
                                   to_string(report.separation),
                                   report.writes.size());
    if (!report.unfinished.empty()) return text + "; unfinished: " + report.unfinished;
    if (!report.complete()) text += "; not every class was stale";
    return text;
}

std::vector<ScheduleReport> run_schedules(StaleCluster& cluster,
                                          std::uint64_t seed,
                                          std::size_t wanted) {
    std::vector<ScheduleReport> reports;
    std::size_t complete = 0;
    const std::size_t most = wanted + wanted / 2 + 1;
    while (complete < wanted && reports.size() < most) {
        reports.push_back(run_schedule(cluster, seed + reports.size()));
        if (reports.back().complete()) ++complete;
        fmt::print("{}\n", to_string(reports.back()));
        std::fflush(stdout);
    }
    return reports;
}

}  // namespace muster::stale
