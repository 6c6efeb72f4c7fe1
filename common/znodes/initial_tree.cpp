#include "common/znodes/initial_tree.hpp"

#include "common/znodes/traffic_shift.hpp"

namespace muster::znodes {

std::vector<InitialNode> initial_tree(const Paths& paths, const Control& control) {
    const std::string& root = paths.root();
    const Epoch nobody{.stamp = {.cluster = control.stamp.cluster, .writer = control.stamp.writer}};
    std::vector<InitialNode> nodes{
        {.path = root.substr(0, root.find('/', 1))},
        {.path = root},
        {.path = paths.epoch(), .data = encode(nobody)},
        {.path = Paths::keep(paths.epoch())},
        {.path = paths.election()},
        {.path = paths.members()},
        {.path = paths.config()},
        {.path = paths.heads(ConfigKind::group)},
        {.path = paths.heads(ConfigKind::fleet)},
        {.path = paths.chunks()},
        {.path = root + "/config/history"},
        {.path = paths.histories(ConfigKind::group)},
        {.path = paths.histories(ConfigKind::fleet)},
        {.path = paths.assignments()},
        {.path = paths.acks()},
        {.path = paths.progresses()},
        {.path = paths.groups()},
        {.path = paths.agents()},
        {.path = paths.fleets()},
        {.path = paths.rollouts()},
        {.path = paths.evidence()},
        {.path = paths.dns()},
        {.path = paths.dns_state(),
         .data = encode(DnsState{
             .stamp = {.cluster = control.stamp.cluster, .writer = control.stamp.writer}})},
        {.path = paths.dns_shifts(),
         .data = encode(TrafficShifts{
             .stamp = {.cluster = control.stamp.cluster, .writer = control.stamp.writer}})},
        {.path = paths.audit()},
        // Last: a node that finds it finds the rest, too.
        {.path = paths.control(), .data = encode(control)},
    };
    return nodes;
}

}  // namespace muster::znodes
