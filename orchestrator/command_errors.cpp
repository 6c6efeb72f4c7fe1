#include "orchestrator/command_errors.hpp"

#include <fmt/format.h>

namespace muster::orchestrator {

using StoreErrc = coordination::Errc;

Error from_store(const std::error_code& code, const std::string& what) {
    if (code == make_error_code(StoreErrc::unknown_outcome)) {
        return problem(CommandErrc::unknown_outcome,
                       what + ": the reply was lost, it may have been written or not");
    }
    if (code == make_error_code(StoreErrc::bad_version) ||
        code == make_error_code(StoreErrc::node_exists)) {
        return problem(CommandErrc::conflict, what + ": somebody else changed it at the same time");
    }
    if (code == make_error_code(StoreErrc::no_auth)) {
        return problem(CommandErrc::refused,
                       what + ": this node's ZooKeeper credentials do not permit it");
    }
    return problem(CommandErrc::unreachable, fmt::format("{}: {}", what, code.message()));
}

}  // namespace muster::orchestrator
