#include "orchestrator/api_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>

namespace muster::orchestrator {
namespace {

constexpr std::array<std::string_view, 9> state_names = {
    "up", "down", "degraded", "unknown", "drain", "maintenance", "in", "out", "pending"};

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(
        result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (end > 0) parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

tl::unexpected<Error> bad_parameter(std::string_view name, std::string_view wanted) {
    return fail(std::make_error_code(std::errc::invalid_argument),
                fmt::format("query parameter '{}' must be {}", name, wanted));
}

template <class Number>
Result<Number> parsed(std::optional<std::string_view> text,
                      std::string_view name,
                      Number lowest,
                      Number highest,
                      Number otherwise) {
    if (!text) return otherwise;
    Number value{};
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size() || value < lowest ||
        value > highest) {
        return bad_parameter(name, fmt::format("a whole number from {} to {}", lowest, highest));
    }
    return value;
}

template <class Number>
Result<Number> number(const http::Request& request,
                      std::string_view name,
                      Number lowest,
                      Number highest,
                      Number otherwise) {
    return parsed(request.query_value(name), name, lowest, highest, otherwise);
}

bool has_state(const BackendRow& backend, const std::set<std::string>& states) {
    if (states.empty() || states.contains(std::string(to_string(state_of(backend))))) return true;
    if (states.contains(backend.in_rotation ? "in" : "out")) return true;
    return states.contains("pending") && (backend.successes > 0 || backend.failures > 0);
}

bool has_words(const GroupRow& group,
               const BackendRow& backend,
               const std::vector<std::string>& words) {
    if (words.empty()) return true;
    const ShardRow* shard = group.shard(backend.shard);
    const config::Backend* configured = group.configured(backend.id);
    const std::string text = lower(fmt::format("{}\n{}\n{}\n{}\n{}\n{}",
                                               group.name().str(),
                                               backend.id.str(),
                                               address_of(configured),
                                               zone_of(configured),
                                               backend.reason,
                                               shard != nullptr ? shard->owner.str() : ""));
    return std::ranges::all_of(
        words, [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

constexpr std::size_t calm_levels = 7;

/// Lower is worse. What an operator took out is no trouble.
std::size_t calm(const BackendRow& backend) {
    switch (state_of(backend)) {
        case BackendState::down:
            return 0;
        case BackendState::degraded:
            return 1;
        case BackendState::unknown:
            return 3;
        case BackendState::drain:
            return 4;
        case BackendState::maintenance:
            return 5;
        case BackendState::up:
            break;
    }
    return backend.failures > 0 ? 2 : 6;
}

}  // namespace

Result<BackendQuery> backend_query(const http::Request& request, const BackendQuery& defaults) {
    BackendQuery query = defaults;
    if (const auto group = request.query_value("group")) query.group = *group;
    if (const auto states = request.query_value("state")) {
        for (std::string& state : split(*states, ',')) {
            if (std::ranges::find(state_names, state) == state_names.end()) {
                return bad_parameter("state",
                                     fmt::format("any of: {}", fmt::join(state_names, ", ")));
            }
            query.states.insert(std::move(state));
        }
    }
    if (const auto text = request.query_value("q")) query.words = split(lower(*text), ' ');
    if (const auto sort = request.query_value("sort")) {
        if (*sort != "trouble" && *sort != "name") return bad_parameter("sort", "name or trouble");
        query.sort = *sort == "trouble" ? Sort::trouble_first : Sort::by_name;
    }
    const auto limit = number<std::size_t>(request, "limit", 1, max_page, query.limit);
    if (!limit) return tl::unexpected(limit.error());
    const auto offset = number<std::size_t>(request, "offset", 0, 1'000'000'000, query.offset);
    if (!offset) return tl::unexpected(offset.error());
    query.limit = *limit;
    query.offset = *offset;
    return query;
}

Result<EventQuery> event_query(const http::Request& request) {
    EventQuery query;
    // A browser that reconnects says how far it got by Last-Event-ID, in its old address.
    auto from = request.field("Last-Event-ID");
    if (!from) from = request.query_value("since");
    const auto since = parsed<std::int64_t>(
        from, "since", 0, std::numeric_limits<std::int64_t>::max(), query.since);
    if (!since) return tl::unexpected(since.error());
    const auto limit = number<std::size_t>(request, "limit", 1, 1000, query.limit);
    if (!limit) return tl::unexpected(limit.error());
    query.since = *since;
    query.limit = *limit;
    if (const auto group = request.query_value("group")) query.group = *group;
    if (const auto kind = request.query_value("kind")) query.kind = *kind;
    return query;
}

Result<AuditQuery> audit_query(const http::Request& request) {
    AuditQuery query;
    const auto limit = number<std::size_t>(request, "limit", 1, 1000, query.limit);
    if (!limit) return tl::unexpected(limit.error());
    query.limit = *limit;
    if (const auto group = request.query_value("group")) query.group = *group;
    return query;
}

Selection select(const Snapshot& snapshot, const BackendQuery& query) {
    Selection selection;
    std::array<std::vector<Found>, calm_levels> fitting;  // in one of them if sorted by name
    for (const auto& group : snapshot.groups) {
        selection.total += group->backends.size();
        if (!query.group.empty() && query.group != group->name().str()) continue;
        for (const BackendRow& backend : group->backends) {
            if (has_state(backend, query.states) && has_words(*group, backend, query.words)) {
                const bool by_trouble = query.sort == Sort::trouble_first;
                fitting[by_trouble ? calm(backend) : 0].push_back(
                    {.group = group.get(), .backend = &backend});
                ++selection.matched;
            }
        }
    }
    std::size_t skip = query.offset;
    for (const auto& level : fitting) {
        const std::size_t from = std::min(skip, level.size());
        const std::size_t count =
            std::min(level.size() - from, query.limit - selection.page.size());
        const auto begin = level.begin() + static_cast<std::ptrdiff_t>(from);
        selection.page.insert(
            selection.page.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
        skip -= from;
    }
    return selection;
}

EventSelection select(const Snapshot& snapshot, const EventQuery& query) {
    EventSelection selection;
    if (!snapshot.events || snapshot.events->empty()) {
        selection.reset = query.since > 0;
        return selection;
    }
    selection.newest = snapshot.events->back().id;
    selection.reset = query.since > selection.newest;
    const std::int64_t since = selection.reset ? 0 : query.since;
    for (const Event& event : *snapshot.events) {
        if (event.id <= since) continue;
        if (!query.kind.empty() && query.kind != to_string(event.kind)) continue;
        if (!query.group.empty()) {
            const auto group = event.fields.find("group");
            if (group == event.fields.end() || group->second != query.group) continue;
        }
        selection.events.push_back(&event);
    }
    if (selection.events.size() > query.limit) {
        selection.events.erase(selection.events.begin(),
                               selection.events.end() - static_cast<std::ptrdiff_t>(query.limit));
    }
    return selection;
}

}  // namespace muster::orchestrator
