#include "orchestrator/api_stream.hpp"

#include "orchestrator/api_json.hpp"
#include "orchestrator/api_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

constexpr std::size_t shown_events = 60;

/// Serialized JSON has no line breaks, so one data line is enough.
std::string event_text(std::string_view name, std::int64_t id, std::string_view data) {
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, name, data);
}

std::string age_document(const View& view) {
    json::object body = opening(view);
    put_cluster(body, view);
    return serialized(body);
}

/// Every owner renews its shards' times every few seconds; no reader of a view needs that.
bool shows_the_same(const std::shared_ptr<const GroupRow>& before,
                    const std::shared_ptr<const GroupRow>& after) {
    if (before == after) return true;
    GroupRow as_before = *after;
    if (as_before.shards.size() != before->shards.size()) return false;
    for (std::size_t i = 0; i < as_before.shards.size(); ++i) {
        as_before.shards[i].status_time = before->shards[i].status_time;
        as_before.shards[i].progress_time = before->shards[i].progress_time;
        as_before.shards[i].sequence = before->shards[i].sequence;
    }
    return as_before == *before;
}

bool are_the_same(const FleetRow& before, const FleetRow& after) {
    return before.uid == after.uid && before.generation == after.generation &&
           before.notes == after.notes;
}

/// One reader's place in the sequence of snapshots.
struct ViewReader {
    const SnapshotSlot& slot;
    Clock& clock;
    BackendQuery query;
    StreamSettings settings;
    std::shared_ptr<const Snapshot> sent;
    SteadyTime sent_at{};

    /// What there is to say now.
    std::optional<std::string> news() {
        const SteadyTime now = clock.now();
        if (sent && now - sent_at < settings.gap) return std::nullopt;
        auto newest = slot.newest();
        if (!newest || (sent && newest->number == sent->number)) return std::nullopt;
        const bool only_age = sent && differ_in_age_only(*sent, *newest);
        sent = std::move(newest);
        sent_at = now;
        const View view{.snapshot = *sent, .now = now, .wall = clock.wall()};
        if (only_age) return event_text("age", sent->number, age_document(view));
        return event_text("view", sent->number, view_document(view, query));
    }
};

struct EventReader {
    const SnapshotSlot& slot;
    Clock& clock;
    EventQuery query;
    StreamSettings settings;

    std::optional<std::string> news() {
        const auto newest = slot.newest();
        if (!newest) return std::nullopt;
        const EventSelection selection = select(*newest, query);
        std::string text;
        if (selection.reset) text += event_text("reset", selection.newest, "{}");
        for (const Event* event : selection.events) {
            text += event_text("event", event->id, serialized(json_of(*event)));
        }
        query.since = selection.newest;
        if (text.empty()) return std::nullopt;
        return text;
    }
};

template <class Reader>
asio::awaitable<std::optional<std::string>> next_news(std::shared_ptr<Reader> reader) {
    const SteadyTime begin = reader->clock.now();
    while (true) {
        if (auto text = reader->news()) co_return text;
        if (reader->clock.now() - begin >= reader->settings.silence) co_return ": still here\n\n";
        co_await reader->clock.sleep_for(reader->settings.look);
    }
}

}  // namespace

bool differ_in_age_only(const Snapshot& before, const Snapshot& after) {
    return before.cluster == after.cluster && before.self == after.self &&
           before.session.state == after.session.state &&
           before.session.server == after.session.server && before.nodes == after.nodes &&
           before.events == after.events && before.agents == after.agents &&
           before.scaling == after.scaling &&
           std::ranges::equal(before.fleets, after.fleets, are_the_same) &&
           std::ranges::equal(before.groups, after.groups, shows_the_same);
}

std::string view_document(const View& view, const BackendQuery& query) {
    json::object body = opening(view);
    body["number"] = view.snapshot.number;
    put_cluster(body, view);
    put_nodes(body, view);
    put_groups(body, view);
    put_shard_map(body, view.snapshot);
    put_fleets(body, view);
    put_sizes(body, view);
    put_shown_agents(body, view);
    put_backends(body, view, query);
    put_events(body, view.snapshot, {.limit = shown_events});
    return serialized(body);
}

http::EventStream view_stream(const SnapshotSlot& slot,
                              Clock& clock,
                              BackendQuery query,
                              StreamSettings settings) {
    auto reader = std::make_shared<ViewReader>(slot, clock, std::move(query), settings);
    return {.next = [reader = std::move(reader)] { return next_news(reader); }};
}

http::EventStream event_stream(const SnapshotSlot& slot,
                               Clock& clock,
                               EventQuery query,
                               StreamSettings settings) {
    auto reader = std::make_shared<EventReader>(slot, clock, std::move(query), settings);
    return {.next = [reader = std::move(reader)] { return next_news(reader); }};
}

}  // namespace muster::orchestrator
