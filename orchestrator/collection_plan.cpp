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
        for (const auto& [name, group] : inventory_.groups) {
            // One after the other: what is trimmed must not be deleted twice.
            if (!trim_history(name, group) && is_finished(group)) forget_group(name, group);
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

    static bool is_finished(const ConfigTraces& group) {
        return group.head && group.head->readable && group.head->deleted && !group.has_layout;
    }

    bool trim_history(const GroupName& name, const ConfigTraces& group) {
        if (!group.head || !group.head->readable) return false;
        std::vector<std::string> victims;
        for (const auto& [generation, chunks] : group.history) {
            if (!is_kept(group, generation, settings_))
                victims.push_back(paths_.history(name, generation));
        }
        remove("history of " + name.str(), victims, {guard()});
        return !victims.empty();
    }

    /// Head and history at once: a group of that name that is made later begins at generation 1
    /// again, and must find nothing of this one.
    void forget_group(const GroupName& name, const ConfigTraces& group) {
        const auto known = memory_.tombstones.find(name);
        const SteadyTime since = known == memory_.tombstones.end() ? now_ : known->second;
        plan_.memory.tombstones[name] = since;
        if (now_ - since < settings_.grace) return;
        Transaction transaction{.what = "tombstone of " + name.str(), .ops = {guard()}};
        transaction.ops.emplace_back(
            DeleteOp{.path = paths_.group_head(name), .version = group.head->version});
        for (const auto& [generation, chunks] : group.history)
            transaction.ops.emplace_back(DeleteOp{.path = paths_.history(name, generation)});
        if (group.has_history) transaction.ops.emplace_back(DeleteOp{.path = paths_.history(name)});
        plan_.transactions.push_back(std::move(transaction));
    }

    /// Nothing when a part of what names chunks can't be read.
    [[nodiscard]] std::optional<std::set<std::string>> named_chunks() const {
        std::set<std::string> named;
        for (const auto& [name, group] : inventory_.groups) {
            if (group.head && !group.head->readable) return std::nullopt;
            if (group.head) named.insert(group.head->chunks.begin(), group.head->chunks.end());
            for (const auto& [generation, chunks] : group.history) {
                if (!is_kept(group, generation, settings_)) continue;
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

bool is_kept(const ConfigTraces& group,
             std::int64_t generation,
             const CollectionSettings& settings) {
    if (group.head && group.head->readable)
        return generation > group.head->generation - settings.kept_generations;
    // Without a head, history is all that is left of the group: the newest stay, and lead back.
    return group.history.empty() ||
           generation > group.history.rbegin()->first - settings.kept_generations;
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
