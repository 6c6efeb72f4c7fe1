#include "orchestrator/doubt.hpp"

#include <algorithm>

namespace muster::orchestrator {

bool DoubtMeter::look(const std::vector<GroupSight>& groups, SteadyTime now) {
    const bool did = stricken_ || starved_;
    judge_sight(groups, now);
    judge_probes(now);
    const bool does = stricken_ || starved_;
    if (does && !did) count_return(now);
    if (did && !does) ended_ = now;
    return doubts();
}

void DoubtMeter::judge_sight(const std::vector<GroupSight>& groups, SteadyTime now) {
    int watched = 0;
    int serving = 0;
    int failing = 0;
    int refuted = 0;
    int stricken = 0;
    for (const GroupSight& group : groups) {
        watched += group.watched;
        serving += group.serving;
        failing += group.failing;
        refuted += group.refuted;
        if (group.failing > 0) ++stricken;
    }
    if (!stricken_) {
        refuted_ = refuted >= fewest && 10 * refuted > serving;
        stricken_ = refuted_ || (serving >= fewest && stricken >= 2 && 2 * failing > serving);
        watched_ = watched;
        seen_ = now;
    } else if (2 * watched < watched_) {
        stricken_ = now < seen_ + rest_;
    } else {
        stricken_ = 4 * failing > serving || 20 * refuted > serving;
        seen_ = now;
    }
}

void DoubtMeter::note_probes(ProbeSums sums, SteadyTime now) {
    if (!samples_.empty() && samples_.back().sums.finished == sums.finished) return;
    samples_.push_back({.time = now, .sums = sums});
    // The oldest is where the window begins: as late as it may.
    while (samples_.size() > 2 && samples_[1].time <= now - window &&
           sums.finished - samples_[1].sums.finished >= fewest)
        samples_.pop_front();
}

void DoubtMeter::judge_probes(SteadyTime now) {
    std::uint64_t finished = 0;
    std::uint64_t shortages = 0;
    if (!samples_.empty() && samples_.back().time >= samples_.front().time + window) {
        finished = samples_.back().sums.finished - samples_.front().sums.finished;
        shortages = samples_.back().sums.shortages - samples_.front().sums.shortages;
    }
    if (!starved_) {
        starved_ = finished >= fewest && 2 * shortages > finished;
        probed_ = finished;
        fed_ = now;
    } else if (2 * finished < probed_ || now >= samples_.back().time + window) {
        starved_ = now < fed_ + rest_;
        if (!starved_) samples_.clear();
    } else {
        starved_ = 4 * shortages > finished;
        fed_ = now;
    }
}

/// A doubt that comes back at once will do so again.
void DoubtMeter::count_return(SteadyTime now) {
    const bool soon = ended_ && now < *ended_ + rest_;
    rest_ = soon ? std::min(2 * rest_, longest_blind_for) : blind_for;
}

std::string_view DoubtMeter::why() const {
    if (blind_) return "most canaries fail";
    if (starved_) return "most probes lack ports, descriptors, memory or time of this node";
    if (refuted_) return "peers see much of what fails here serve";
    return "most of what served fails at once, in several groups";
}

}  // namespace muster::orchestrator
