#include "tests/stale/write_class.hpp"

#include <algorithm>
#include <string>
#include <variant>

namespace muster::stale {

using coordination::CheckOp;
using coordination::Op;

std::string_view to_string(WriteClass kind) {
    switch (kind) {
        case WriteClass::control:
            return "control";
        case WriteClass::status:
            return "status";
        case WriteClass::ack:
            return "ack";
        case WriteClass::progress:
            return "progress";
        case WriteClass::handoff:
            return "handoff";
        case WriteClass::claim:
            return "claim";
    }
    return "";
}

std::optional<WriteClass> classify(const znodes::Paths& paths, const std::vector<Op>& ops) {
    if (ops.empty()) return std::nullopt;
    const auto* guard = std::get_if<CheckOp>(&ops.front());
    const auto changes = std::ranges::find_if(
        ops, [](const Op& op) { return !std::holds_alternative<CheckOp>(op); });
    if (guard == nullptr || changes == ops.end()) return std::nullopt;
    if (guard->path == paths.epoch()) return WriteClass::control;
    if (guard->path.starts_with(paths.election() + "/")) return WriteClass::claim;
    if (!guard->path.starts_with(paths.assignments() + "/")) return std::nullopt;
    const std::string& path =
        std::visit([](const auto& op) -> const std::string& { return op.path; }, *changes);
    if (path.starts_with(paths.acks() + "/")) return WriteClass::ack;
    if (path.starts_with(paths.progresses() + "/")) return WriteClass::progress;
    if (path.ends_with("/handoff")) return WriteClass::handoff;
    return WriteClass::status;
}

}  // namespace muster::stale
