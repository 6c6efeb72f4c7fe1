#pragma once

#include "common/coordination/types.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// `audit/`: who changed what. One sequential znode for each change, made in its transaction, so
// that there is none without the change and no change without it; the master keeps the newest.
// Pure.
namespace muster::orchestrator {

/// About so many the master keeps.
inline constexpr std::size_t max_audit_entries = 1'000;

/// An entry as it was read; the id is its sequence number.
struct AuditRow {
    std::int64_t id = 0;
    znodes::AuditEntry entry;
};

/// The op that writes it. Texts are made fit for the znode: bounded, printable, UTF-8.
[[nodiscard]] coordination::CreateOp audit_op(const znodes::Paths& paths, znodes::AuditEntry entry);

/// The sequence number in an entry's name; nothing for other names.
[[nodiscard]] std::optional<std::int64_t> audit_id(std::string_view name);

}  // namespace muster::orchestrator
