#pragma once

#include "common/base/clock.hpp"
#include "common/http/server.hpp"
#include "orchestrator/api_query.hpp"
#include "orchestrator/snapshot_slot.hpp"

#include <chrono>

// Server-sent events. A stream looks at the slot every `look` (an atomic load's worth of work, and
// no thread has to wake another), writes at most once in `gap`, and a comment after `silence`.
// Executor: the API's.
namespace muster::orchestrator {

struct StreamSettings {
    std::chrono::nanoseconds look = std::chrono::milliseconds(100);
    std::chrono::nanoseconds gap = std::chrono::milliseconds(500);
    std::chrono::nanoseconds silence = std::chrono::seconds(10);
};

/// `event: view` on each change, with everything that the dashboard shows; `event: age` when only
/// the age changed. Slot and clock must outlive the stream.
[[nodiscard]] http::EventStream view_stream(const SnapshotSlot& slot,
                                            Clock& clock,
                                            BackendQuery query,
                                            StreamSettings settings);

/// `event: event` for each event after `query.since`.
[[nodiscard]] http::EventStream event_stream(const SnapshotSlot& slot,
                                             Clock& clock,
                                             EventQuery query,
                                             StreamSettings settings);

/// What a view_stream sends as data, exposed for tests. Pure.
struct View;
[[nodiscard]] std::string view_document(const View& view, const BackendQuery& query);

/// Nothing changed that a reader would see, but for times that pass. Pure.
[[nodiscard]] bool differ_in_age_only(const Snapshot& before, const Snapshot& after);

}  // namespace muster::orchestrator
