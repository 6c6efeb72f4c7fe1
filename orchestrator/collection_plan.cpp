#include "orchestrator/collection_plan.hpp"

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::DeleteOp;
using coordination::Op;

namespace {

constexpr std::size_t max_deletions_in_multi = 64;

class Planner {
 public:
    Planner(const znodes::Paths& paths,
            std::int64_t epoch,
            const ConfigInventory& inventory,
            const CollectionMemory& memory,
            SteadyTime now,
            const CollectionSettings& settings)
        : paths_(paths),
          epoch_(epoch),
          inventory_(inventory),
          memory_(memory),
          now_(now),
          settings_(settings) {}

    CollectionPlan run() {
        for (const auto& [name, object] : inventory_.objects) {
            // One after the other: what is trimmed must not be deleted twice.
            if (!trim_history(name, object) && is_finished(object)) forget(name, object);
        }
        collect_chunks();
        trim_audit();
        return std::move(plan_);
    }

 private:
    [[nodiscard]] Op guard() const {
        return CheckOp{.path = paths_.epoch(), .version = static_cast<std::int32_t>(epoch_)};
    }

    /// In transactions of bounded size, each of which begins with the guards.
    void remove(const std::string& what,
                const std::vector<std::string>& victims,
                const std::vector<Op>& guards) {
        for (std::size_t from = 0; from < victims.size(); from += max_deletions_in_multi) {
            const std::size_t to = std::min(victims.size(), from + max_deletions_in_multi);
            Transaction transaction{.what = what, .ops = guards};
            for (std::size_t i = from; i < to; ++i)
                transaction.ops.emplace_back(DeleteOp{.path = victims[i]});
            plan_.transactions.push_back(std::move(transaction));
        }
    }

    static bool is_finished(const ConfigTraces& object) {
        return object.head && object.head->readable && object.head->deleted && !object.has_layout;
    }

    bool trim_history(const znodes::ConfigName& name, const ConfigTraces& object) {
        if (!object.head || !object.head->readable) return false;
        std::vector<std::string> victims;
        for (const auto& [generation, chunks] : object.history) {
            if (!is_kept(object, generation, settings_))
                victims.push_back(paths_.history(name, generation));
        }
        remove("history of " + name.str(), victims, {guard()});
        return !victims.empty();
    }

    /// Head and history at once: one of that name that is made later begins at generation 1
    /// again, and must find nothing of this one.
    void forget(const znodes::ConfigName& name, const ConfigTraces& object) {
        const auto known = memory_.tombstones.find(name);
        const SteadyTime since = known == memory_.tombstones.end() ? now_ : known->second;
        plan_.memory.tombstones[name] = since;
        if (now_ - since < settings_.grace) return;
        Transaction transaction{.what = "tombstone of " + name.str(), .ops = {guard()}};
        transaction.ops.emplace_back(
            DeleteOp{.path = paths_.head(name), .version = object.head->version});
        for (const auto& [generation, chunks] : object.history)
            transaction.ops.emplace_back(DeleteOp{.path = paths_.history(name, generation)});
        if (object.has_rollout)
            transaction.ops.emplace_back(DeleteOp{.path = paths_.rollout(GroupName(name.name))});
        if (object.has_history)
            transaction.ops.emplace_back(DeleteOp{.path = paths_.history(name)});
        plan_.transactions.push_back(std::move(transaction));
    }

    /// Nothing when a part of what names chunks can't be read.
    [[nodiscard]] std::optional<std::set<std::string>> named_chunks() const {
        std::set<std::string> named;
        for (const auto& [name, object] : inventory_.objects) {
            if (name.kind == znodes::ConfigKind::fleet) continue;  // has no chunks
            if (object.head && !object.head->readable) return std::nullopt;
            if (object.head) named.insert(object.head->chunks.begin(), object.head->chunks.end());
            for (const auto& [generation, chunks] : object.history) {
                if (!is_kept(object, generation, settings_)) continue;
                if (!chunks) return std::nullopt;
                named.insert(chunks->begin(), chunks->end());
            }
        }
        return named;
    }

    void collect_chunks() {
        const auto named = named_chunks();
        if (!named) return;
        std::vector<std::string> victims;
        for (const std::string& hash : inventory_.chunks) {
            if (named->contains(hash)) continue;
            const auto known = memory_.unnamed.find(hash);
            const SteadyTime since = known == memory_.unnamed.end() ? now_ : known->second;
            plan_.memory.unnamed[hash] = since;
            if (now_ - since >= settings_.grace) victims.push_back(paths_.chunk(hash));
        }
        remove("unnamed chunks",
               victims,
               {guard(), CheckOp{.path = paths_.chunks(), .version = inventory_.heads_version}});
    }

    void trim_audit() {
        std::map<std::int64_t, std::string> by_age;
        for (const std::string& name : inventory_.audit) {
            if (const auto id = audit_id(name)) by_age.emplace(*id, name);
        }
        std::vector<std::string> victims;
        for (const auto& [id, name] : by_age) {
            if (by_age.size() - victims.size() <= settings_.kept_audit) break;
            victims.push_back(paths_.audit() + "/" + name);
        }
        remove("old audit entries", victims, {guard()});
    }

    const znodes::Paths& paths_;
    std::int64_t epoch_;
    const ConfigInventory& inventory_;
    const CollectionMemory& memory_;
    SteadyTime now_;
    const CollectionSettings& settings_;
    CollectionPlan plan_;
};

}  // namespace

bool is_kept(const ConfigTraces& object,
             std::int64_t generation,
             const CollectionSettings& settings) {
    if (!object.held || object.held->contains(generation)) return true;
    if (object.head && object.head->readable)
        return generation > object.head->generation - settings.kept_generations;
    // Without a head, history is all that is left: the newest stay, and lead back.
    return object.history.empty() ||
           generation > object.history.rbegin()->first - settings.kept_generations;
}

CollectionPlan plan_collection(const znodes::Paths& paths,
                               std::int64_t epoch,
                               const ConfigInventory& inventory,
                               const CollectionMemory& memory,
                               SteadyTime now,
                               const CollectionSettings& settings) {
    return Planner(paths, epoch, inventory, memory, now, settings).run();
}

}  // namespace muster::orchestrator
