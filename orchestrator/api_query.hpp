#pragma once

#include "common/base/result.hpp"
#include "common/http/message.hpp"
#include "orchestrator/snapshot.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What a caller wants to see of the backends and events. Pure.
namespace muster::orchestrator {

enum class Sort { by_name, trouble_first };

struct AuditQuery {
    std::size_t limit = 100;
    std::string group;  ///< empty: all
};

struct BackendQuery {
    std::string group;               ///< empty: all
    std::set<std::string> states;    ///< empty: all; else any of them
    std::vector<std::string> words;  ///< lower case; all must occur
    std::size_t limit = 1000;
    std::size_t offset = 0;
    Sort sort = Sort::by_name;
};

struct EventQuery {
    std::int64_t since = 0;
    std::size_t limit = 200;
    std::string group;
    std::string kind;
};

inline constexpr std::size_t max_page = 10'000;

/// The error's context names the parameter and what it may be.
[[nodiscard]] Result<BackendQuery> backend_query(const http::Request& request,
                                                 const BackendQuery& defaults = {});
[[nodiscard]] Result<EventQuery> event_query(const http::Request& request);
[[nodiscard]] Result<AuditQuery> audit_query(const http::Request& request);

/// A backend with the group that it is of.
struct Found {
    const GroupRow* group = nullptr;
    const BackendRow* backend = nullptr;
};

struct Selection {
    std::size_t total = 0;    ///< backends there are
    std::size_t matched = 0;  ///< that the query fits
    std::vector<Found> page;  ///< from offset, at most limit
};

[[nodiscard]] Selection select(const Snapshot& snapshot, const BackendQuery& query);

struct EventSelection {
    std::int64_t newest = 0;
    bool reset = false;  ///< `since` is of another life of the process: everything is given
    std::vector<const Event*> events;
};

[[nodiscard]] EventSelection select(const Snapshot& snapshot, const EventQuery& query);

}  // namespace muster::orchestrator
