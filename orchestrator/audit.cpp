#include "orchestrator/audit.hpp"

#include "common/config/unicode.hpp"

#include <charconv>
#include <utility>

namespace muster::orchestrator {
namespace {

constexpr std::string_view prefix = "e-";

}  // namespace

coordination::CreateOp audit_op(const znodes::Paths& paths, znodes::AuditEntry entry) {
    for (std::string* text :
         {&entry.author, &entry.origin, &entry.action, &entry.object, &entry.detail})
        *text = config::as_plain_text(*text, znodes::max_audit_text);
    return {.path = paths.audit() + "/" + std::string(prefix),
            .data = znodes::encode(entry),
            .mode = coordination::CreateMode::persistent_sequential};
}

std::optional<std::int64_t> audit_id(std::string_view name) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 0) return std::nullopt;
    return number;
}

}  // namespace muster::orchestrator
