#include "orchestrator/doubt.hpp"

namespace muster::orchestrator {

bool DoubtMeter::look(const std::vector<GroupSight>& groups, SteadyTime now) {
    int serving = 0;
    int failing = 0;
    int stricken = 0;
    for (const GroupSight& group : groups) {
        serving += group.serving;
        failing += group.failing;
        if (group.failing > 0) ++stricken;
    }
    if (serving > 0) seen_ = now;
    if (!doubts_) {
        doubts_ = serving >= fewest && stricken >= 2 && 2 * failing > serving;
    } else if (serving == 0) {
        doubts_ = now < seen_ + blind_for;
    } else {
        doubts_ = 4 * failing > serving;
    }
    return doubts();
}

}  // namespace muster::orchestrator
