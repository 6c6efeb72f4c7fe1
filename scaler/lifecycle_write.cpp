#include "scaler/lifecycle_write.hpp"

#include "common/znodes/config_name.hpp"

#include <string>

namespace muster::scaler {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::Op;
using coordination::SetOp;

namespace {

void add_first(std::vector<Op>& ops,
               const znodes::Paths& paths,
               const FleetName& fleet,
               const FleetWrite& write,
               const FleetVersions& versions) {
    if (!versions.fleet_is_there) ops.emplace_back(CreateOp{.path = paths.fleet(fleet)});
    if (!versions.instances_are_there) ops.emplace_back(CreateOp{.path = paths.instances(fleet)});
    if (!versions.pause_is_there) {
        znodes::FleetPause pause{.stamp = write.state.stamp};
        pause.stamp.token = 0;
        ops.emplace_back(CreateOp{.path = paths.fleet_pause(fleet), .data = encode(pause)});
    }
    ops.emplace_back(CreateOp{.path = paths.fleet_state(fleet), .data = encode(write.state)});
}

}  // namespace

std::vector<Op> multi_of(const znodes::Paths& paths,
                         const FleetName& fleet,
                         const FleetWrite& write,
                         const FleetVersions& versions) {
    std::vector<Op> ops{CheckOp{.path = paths.epoch(), .version = versions.epoch}};
    if (write.starts) {
        ops.emplace_back(CheckOp{.path = paths.control(), .version = versions.control});
        ops.emplace_back(
            CheckOp{.path = paths.head(znodes::ConfigName(fleet)), .version = versions.spec});
        if (versions.pause_is_there)
            ops.emplace_back(CheckOp{.path = paths.fleet_pause(fleet), .version = versions.pause});
    }
    if (write.first) {
        add_first(ops, paths, fleet, write, versions);
    } else {
        ops.emplace_back(SetOp{.path = paths.fleet_state(fleet),
                               .data = encode(write.state),
                               .version = versions.state});
    }
    for (const auto& [id, record] : write.instances) {
        const std::string path = paths.instance(fleet, id);
        const auto version = versions.instances.find(id);
        if (!record) {
            ops.emplace_back(DeleteOp{.path = path,
                                      .version = version == versions.instances.end()
                                                     ? coordination::any_version
                                                     : version->second});
        } else if (version == versions.instances.end()) {
            ops.emplace_back(CreateOp{.path = path, .data = encode(*record)});
        } else {
            ops.emplace_back(
                SetOp{.path = path, .data = encode(*record), .version = version->second});
        }
    }
    return ops;
}

}  // namespace muster::scaler
