#include "orchestrator/collector.hpp"

#include "common/follow/instance_group.hpp"
#include "common/observe/log.hpp"
#include "common/znodes/rollout.hpp"

#include <charconv>
#include <utility>

namespace muster::orchestrator {

using coordination::Watch;
using znodes::ConfigKind;

namespace {

std::optional<std::int64_t> generation_of(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

bool is_absent(const Error& error) {
    return error.code == make_error_code(coordination::Errc::no_node);
}

}  // namespace

Collector::Collector(asio::any_io_executor executor,
                     coordination::Store& store,
                     Clock& clock,
                     znodes::Paths paths,
                     std::string cluster,
                     Election& election,
                     CollectionSettings settings)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      cluster_(std::move(cluster)),
      election_(election),
      settings_(settings),
      tasks_(std::move(executor)) {}

void Collector::start() {
    tasks_.spawn("collector", run());
}

asio::awaitable<void> Collector::stop() {
    co_await tasks_.stop();
}

asio::awaitable<void> Collector::run() {
    for (;;) {
        co_await clock_.sleep_for(settings_.period);
        if (!election_.office() || !election_.may_act(clock_.now())) continue;
        const std::int64_t epoch = election_.office()->epoch;
        // What an earlier office saw says nothing about the time between the two.
        if (std::exchange(epoch_, epoch) != epoch) memory_ = {};
        co_await look_and_delete(epoch);
    }
}

asio::awaitable<void> Collector::look_and_delete(std::int64_t epoch) {
    const Result<ConfigInventory> inventory = co_await take_inventory();
    if (!inventory) co_return;
    ++counters_.rounds;
    CollectionPlan plan =
        plan_collection(paths_, epoch, *inventory, memory_, clock_.now(), settings_);
    memory_ = std::move(plan.memory);
    co_await carry_out(std::move(plan.transactions));
}

asio::awaitable<void> Collector::carry_out(std::vector<Transaction> transactions) {
    for (Transaction& transaction : transactions) {
        if (!election_.may_act(clock_.now())) co_return;
        const std::size_t ops = transaction.ops.size();
        const coordination::MultiOutcome outcome =
            co_await store_.multi(std::move(transaction.ops));
        if (outcome.ok()) {
            ++counters_.transactions;
            log::info("collected", {{"what", transaction.what}, {"ops", std::to_string(ops)}});
            continue;
        }
        ++counters_.refused;
        if (outcome.fenced_off()) {
            election_.doubt_office();
            co_return;
        }
        // A race with a writer, most likely: the next round sees what came of it.
        log::info("collection_refused",
                  {{"what", transaction.what},
                   {"error", outcome.error.message()},
                   {"context", outcome.context}});
    }
}

// --- reading -------------------------------------------------------------------------------------

asio::awaitable<Result<ConfigInventory>> Collector::take_inventory() {
    ConfigInventory inventory;
    const auto guard = co_await store_.exists(paths_.chunks(), Watch::none);
    if (!guard) co_return tl::unexpected(guard.error());
    if (!*guard) co_return fail(coordination::Errc::no_node, paths_.chunks());
    inventory.heads_version = (*guard)->version;
    KnownHistories known;
    known.swap(known_histories_);
    for (const ConfigKind kind : {ConfigKind::group, ConfigKind::fleet}) {
        Result<void> read = co_await read_heads(kind, inventory);
        if (read && kind == ConfigKind::group) read = co_await read_rollouts(inventory);
        if (read) read = co_await read_histories(kind, known, inventory);
        if (!read) co_return tl::unexpected(read.error());
    }
    auto chunks = co_await list(paths_.chunks());
    if (!chunks) co_return tl::unexpected(chunks.error());
    inventory.chunks.insert(chunks->begin(), chunks->end());
    auto audit = co_await list(paths_.audit());
    if (!audit) co_return tl::unexpected(audit.error());
    inventory.audit = std::move(*audit);
    co_return inventory;
}

asio::awaitable<Result<void>> Collector::read_heads(ConfigKind kind, ConfigInventory& inventory) {
    const auto names = co_await list(paths_.heads(kind));
    if (!names) co_return tl::unexpected(names.error());
    for (const std::string& text : *names) {
        const znodes::ConfigName name(kind, text);
        auto head = co_await read_head(paths_.head(name));
        if (!head) co_return tl::unexpected(head.error());
        ConfigTraces& object = inventory.objects[name];
        object.head = std::move(*head);
        if (!object.head || !object.head->deleted) continue;
        const GroupName laid_out =
            kind == ConfigKind::group ? GroupName(text) : follow::instance_group(FleetName(text));
        const auto layout = co_await store_.exists(paths_.group(laid_out), Watch::none);
        if (!layout) co_return tl::unexpected(layout.error());
        object.has_layout = layout->has_value();
    }
    co_return Result<void>{};
}

/// Before the histories: what they name is read of those that stay.
asio::awaitable<Result<void>> Collector::read_rollouts(ConfigInventory& inventory) {
    const auto names = co_await list(paths_.rollouts());
    if (!names) co_return tl::unexpected(names.error());
    for (const std::string& text : *names) {
        const GroupName group(text);
        const auto node = co_await store_.get(paths_.rollout(group), Watch::none);
        if (!node && is_absent(node.error())) continue;
        if (!node) co_return tl::unexpected(node.error());
        const auto rollout = znodes::decode<znodes::Rollout>(node->data, cluster_);
        ConfigTraces& object = inventory.objects[group];
        object.has_rollout = true;
        object.held = rollout ? std::optional(znodes::generations_named(*rollout)) : std::nullopt;
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> Collector::read_histories(ConfigKind kind,
                                                        KnownHistories& known,
                                                        ConfigInventory& inventory) {
    const auto names = co_await list(paths_.histories(kind));
    if (!names) co_return tl::unexpected(names.error());
    for (const std::string& text : *names) {
        const znodes::ConfigName name(kind, text);
        ConfigTraces& object = inventory.objects[name];
        object.has_history = true;
        const auto generations = co_await list(paths_.history(name));
        if (!generations) co_return tl::unexpected(generations.error());
        for (const std::string& generation : *generations) {
            if (const auto number = generation_of(generation)) object.history[*number];
        }
        for (auto& [generation, chunks] : object.history) {
            if (kind != ConfigKind::group || !is_kept(object, generation, settings_)) continue;
            const std::string path = paths_.history(name, generation);
            const std::string uid = object.head ? object.head->uid : std::string();
            auto before = known.extract(path);
            if (before && !uid.empty() && before.mapped().uid == uid) {
                chunks = std::move(before.mapped().chunks);
            } else {
                auto head = co_await read_head(path);
                if (!head) co_return tl::unexpected(head.error());
                if (!*head || !(*head)->readable) continue;
                chunks = std::move((*head)->chunks);
            }
            known_histories_.insert_or_assign(path, KnownHistory{.uid = uid, .chunks = *chunks});
        }
    }
    co_return Result<void>{};
}

asio::awaitable<Result<std::vector<std::string>>> Collector::list(std::string path) {
    auto children = co_await store_.children(std::move(path), Watch::none);
    if (children) co_return std::move(children->names);
    if (is_absent(children.error())) co_return std::vector<std::string>{};
    co_return tl::unexpected(children.error());
}

asio::awaitable<Result<std::optional<ReadHead>>> Collector::read_head(std::string path) {
    using Found = std::optional<ReadHead>;
    const auto node = co_await store_.get(std::move(path), Watch::none);
    if (!node && is_absent(node.error())) co_return Found{};
    if (!node) co_return tl::unexpected(node.error());
    ReadHead found{.version = node->stat.version};
    if (auto head = znodes::decode<znodes::GroupHead>(node->data, cluster_)) {
        found.readable = true;
        found.uid = head->uid;
        found.deleted = head->deleted;
        found.generation = head->generation;
        found.chunks = std::move(head->chunks);
    }
    co_return Found(std::move(found));
}

}  // namespace muster::orchestrator
