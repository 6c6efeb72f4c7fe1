#include "orchestrator/audit.hpp"

#include "orchestrator/api_text.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace muster::orchestrator {
namespace {

constexpr std::string_view prefix = "e-";

std::string fit(std::string_view text, std::size_t most) {
    // A character that is cut in two becomes a replacement character, which takes three bytes.
    std::string fitting = as_utf8(text.substr(0, most - 3));
    std::ranges::replace_if(fitting, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    if (fitting.size() > most) fitting = "(unprintable)";
    return fitting;
}

}  // namespace

coordination::CreateOp audit_op(const znodes::Paths& paths, znodes::AuditEntry entry) {
    for (std::string* text :
         {&entry.author, &entry.origin, &entry.action, &entry.object, &entry.detail})
        *text = fit(*text, znodes::max_audit_text);
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
