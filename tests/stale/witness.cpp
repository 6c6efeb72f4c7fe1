#include "tests/stale/witness.hpp"

#include "ctl/tree.hpp"
#include "orchestrator/candidates.hpp"
#include "orchestrator/config_plan.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace muster::stale {

using coordination::Watch;

Witness::Witness(asio::any_io_executor executor,
                 Clock& clock,
                 std::vector<std::string> servers,
                 znodes::Paths paths)
    : clock_(clock),
      paths_(std::move(paths)),
      store_(executor,
             clock,
             {.servers = std::move(servers),
              .session_timeout = std::chrono::seconds(20),
              .limits = {.max_watches = 20'000}}),
      tasks_(executor),
      mirror_(
          executor,
          store_,
          clock,
          paths_.root(),
          [this](const std::string& path) { return follow::interest_in(paths_, path); },
          [this](const std::vector<std::string>& changed) {
              follow::apply(view_, paths_, mirror_, changed, clock_.now());
          }) {}

void Witness::start() {
    tasks_.spawn("store", store_.run());
    mirror_.start();
}

asio::awaitable<void> Witness::end() {
    co_await mirror_.stop();
    co_await store_.close();
    co_await tasks_.stop();
}

std::int64_t Witness::last_change(const std::string& path) const {
    const coordination::Node* node = mirror_.find(path);
    return node == nullptr ? 0 : node->stat.modified_zxid;
}

asio::awaitable<void> Witness::make_tree() {
    for (;;) {
        const auto made = co_await ctl::make_tree(store_, paths_, ctl::fresh_uuid());
        if (made) co_return;
        if (made.error().code != make_error_code(coordination::Errc::not_connected))
            throw std::runtime_error("the tree can't be made: " + made.error().message());
    }
}

asio::awaitable<void> Witness::apply_group(config::GroupSpec group) {
    const std::string path = paths_.group_head(group.name);
    const auto there = co_await store_.get(path, Watch::none);
    std::optional<orchestrator::KnownHead> known;
    if (there) {
        known = {.head = znodes::decode<znodes::GroupHead>(there->data, "").value(),
                 .version = there->stat.version};
    }
    const orchestrator::ConfigWrite write =
        orchestrator::plan_apply(paths_,
                                 group,
                                 known,
                                 {.cluster = view_.cluster(),
                                  .name = "witness",
                                  .writer = "witness",
                                  .time = clock_.wall(),
                                  .new_uid = ctl::fresh_uuid()});
    for (const coordination::CreateOp& op : write.prepare) {
        const auto made = co_await coordination::create(store_, op);
        if (!made && made.error().code != make_error_code(coordination::Errc::node_exists))
            throw std::runtime_error("a chunk can't be written: " + made.error().message());
    }
    const coordination::MultiOutcome outcome = co_await store_.multi(write.commit);
    if (!outcome.ok())
        throw std::runtime_error("the group can't be applied: " + outcome.error.message());
}

asio::awaitable<std::vector<KnownCandidate>> Witness::candidates() {
    struct Found {
        std::int64_t sequence = 0;
        KnownCandidate candidate;
    };
    std::vector<Found> found;
    const auto synced = co_await store_.sync(paths_.election());
    const auto children = co_await store_.children(paths_.election(), Watch::none);
    if (synced && children) {
        for (const std::string& name : children->names) {
            const auto parsed = orchestrator::parse_candidate(name);
            if (!parsed) continue;
            const std::string path = paths_.election() + "/" + name;
            const auto node = co_await store_.get(path, Watch::none);
            if (!node) continue;
            const auto payload = znodes::decode<znodes::Candidate>(node->data, "");
            if (!payload) continue;
            found.push_back(
                {.sequence = parsed->sequence,
                 .candidate = {
                     .path = path, .node = payload->node, .session = node->stat.ephemeral_owner}});
        }
    }
    std::ranges::sort(found, {}, &Found::sequence);
    std::vector<KnownCandidate> candidates;
    for (Found& one : found) candidates.push_back(std::move(one.candidate));
    co_return candidates;
}

}  // namespace muster::stale
