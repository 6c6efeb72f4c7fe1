#include "agent/follower.hpp"

#include "common/follow/rollouts.hpp"
#include "common/observe/log.hpp"

#include <utility>

namespace muster::agent {

Follower::Follower(asio::any_io_executor executor,
                   coordination::Store& store,
                   Clock& clock,
                   znodes::Paths paths,
                   FleetName fleet,
                   InstanceId instance,
                   std::function<void()> on_change)
    : clock_(clock),
      paths_(std::move(paths)),
      fleet_(std::move(fleet)),
      record_(paths_.instance(fleet_, instance)),
      on_change_(std::move(on_change)),
      mirror_(
          std::move(executor),
          store,
          clock,
          paths_.root(),
          [this](const std::string& path) { return interest_in(path); },
          [this](const std::vector<std::string>& changed) { on_mirror(changed); }) {}

void Follower::restore(const LastGood& kept) {
    const KeptTree tree(kept.nodes);
    follow::apply(view_, paths_, tree, tree.paths(), clock_.now());
    wanted_ = groups_named();
}

std::set<GroupName> Follower::groups_named() const {
    std::set<GroupName> groups;
    const auto own = view_.fleets.find(fleet_);
    if (own == view_.fleets.end() || !own->second.spec) return groups;
    for (const auto& [group, listeners] : config::groups_of(*own->second.spec))
        groups.insert(group);
    return groups;
}

void Follower::start() {
    mirror_.start();
}

asio::awaitable<void> Follower::stop() {
    co_await mirror_.stop();
}

follow::Interest Follower::interest_in(const std::string& path) const {
    const auto is_below = [&](const std::string& parent) { return path.starts_with(parent + "/"); };
    if (is_below(paths_.group_heads()) || is_below(paths_.groups())) {
        const std::string& parent =
            is_below(paths_.groups()) ? paths_.groups() : paths_.group_heads();
        const std::size_t begin = parent.size() + 1;
        const GroupName group(path.substr(begin, path.find('/', begin) - begin));
        if (!wanted_.contains(group) || path.ends_with("/handoff")) return follow::Interest::none;
    } else if (is_below(paths_.heads(znodes::ConfigKind::fleet))) {
        if (path != paths_.head(fleet_)) return follow::Interest::none;
    } else if (is_below(paths_.rollouts())) {
        const GroupName group(path.substr(paths_.rollouts().size() + 1));
        if (!wanted_.contains(group)) return follow::Interest::none;
    } else if (path == paths_.fleets() || is_below(paths_.fleets())) {
        if (path != record_ && !record_.starts_with(path + "/")) return follow::Interest::none;
    } else if (histories_.contains(path)) {
        return follow::Interest::data;  // found by its name alone: nobody lists all of history
    } else if (path != paths_.root() && path != paths_.control() && path != paths_.groups() &&
               path != paths_.rollouts() && path != paths_.config() && !is_below(paths_.config())) {
        return follow::Interest::none;
    }
    return follow::interest_in(paths_, view_, path);
}

/// Empty while there is none that can be read.
std::string Follower::uuid_of_tree() const {
    const coordination::Node* const node = mirror_.find(paths_.control());
    if (node == nullptr) return {};
    const Result<znodes::Control> control = znodes::decode<znodes::Control>(node->data, "");
    return control ? control->stamp.cluster : std::string();
}

void Follower::on_mirror(const std::vector<std::string>& changed) {
    const std::string uuid = uuid_of_tree();
    const bool is_foreign = !uuid.empty() && !view_.cluster().empty() && uuid != view_.cluster();
    if (std::exchange(foreign_, is_foreign ? uuid : std::string()) != foreign_ && is_foreign) {
        log::error(
            "another_cluster",
            {{"ours", view_.cluster()},
             {"found", uuid},
             {"advice",
              "the LB stays as it is; to follow the new cluster, stop this agent, remove its "
              "last-good file and start it"}});
    }
    withheld_.insert(changed.begin(), changed.end());
    if (!is_foreign) {
        take({withheld_.begin(), withheld_.end()});
        withheld_.clear();
    }
    on_change_();
}

void Follower::take(const std::vector<std::string>& changed) {
    const follow::ViewChange change = follow::apply(view_, paths_, mirror_, changed, clock_.now());
    if (!change.config && !change.rollouts) return;
    const std::set<GroupName> wanted = groups_named();
    const std::set<GroupName> before = std::exchange(wanted_, wanted);
    std::vector<std::string> look;
    const auto look_at = [&](const GroupName& group) {
        look.push_back(paths_.group_head(group));
        look.push_back(paths_.group(group));
        look.push_back(paths_.rollout(group));
    };
    for (const GroupName& group : wanted) {
        if (!before.contains(group)) look_at(group);
    }
    for (const GroupName& group : before) {
        if (!wanted.contains(group)) look_at(group);  // the mirror forgets them
    }
    look_for_generations(look);
    for (const std::string& hash : view_.named_chunks) {
        if (!view_.chunks.contains(hash)) look.push_back(paths_.chunk(hash));
    }
    mirror_.refresh(look);
}

/// All that rollouts name, whichever of them this LB applies: then a rollback waits for nothing.
void Follower::look_for_generations(std::vector<std::string>& look) {
    std::map<std::string, GroupName> histories;
    for (const GroupName& group : wanted_) {
        const auto known = view_.earlier.find(group);
        for (const std::int64_t generation : follow::earlier_named(view_, group)) {
            const std::string path = paths_.history(group, generation);
            histories.emplace(path, group);
            if (known == view_.earlier.end() || !known->second.contains(generation))
                look.push_back(path);
        }
    }
    for (const auto& [path, group] : histories_) {
        if (!histories.contains(path)) look.push_back(path);
    }
    histories_ = std::move(histories);
    follow::forget_generations(view_);
}

std::set<GroupName> Follower::unread() const {
    std::set<GroupName> groups;
    if (mirror_.is_pending(paths_.root()) || mirror_.is_pending(paths_.rollouts())) return wanted_;
    for (const GroupName& group : wanted_) {
        if (mirror_.is_pending(paths_.rollout(group))) groups.insert(group);
    }
    for (const auto& [path, group] : histories_) {
        if (mirror_.is_pending(path)) groups.insert(group);
    }
    for (const auto& [group, generations] : view_.earlier) {
        for (const auto& [number, generation] : generations) {
            if (generation.spec) continue;
            for (const std::string& hash : generation.head.chunks) {
                if (mirror_.is_pending(paths_.chunk(hash))) groups.insert(group);
            }
        }
    }
    return groups;
}

}  // namespace muster::agent
