#include "orchestrator/node.hpp"

#include "common/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

namespace {

constexpr std::chrono::milliseconds leave_poll{20};
constexpr std::chrono::seconds complaint_period{30};

follow::MirrorSettings mirror_settings() {
    return {.minor = [](const std::string& path) {
        return path.ends_with("/status") || path.find("/progress/") != std::string::npos ||
               path.find("/agents/") != std::string::npos ||
               path.find("/evidence/") != std::string::npos;
    }};
}

}  // namespace

Node::Node(asio::any_io_executor executor,
           coordination::Store& store,
           Clock& clock,
           checker::CheckRunner& runner,
           znodes::Paths paths,
           NodeIdentity identity,
           NodeOptions options,
           NewGuid new_guid)
    : executor_(executor),
      store_(store),
      clock_(clock),
      runner_(runner),
      paths_(std::move(paths)),
      identity_(std::move(identity)),
      options_(std::move(options)),
      new_guid_(std::move(new_guid)),
      mirror_(
          executor,
          store,
          clock,
          paths_.root(),
          [this](const std::string& path) { return interest_in(path); },
          [this](const std::vector<std::string>& changed) { on_mirror(changed); },
          mirror_settings()),
      tasks_(executor) {}

Node::~Node() = default;

void Node::start() {
    mirror_.start();
    tasks_.spawn("waiting for init", complain_about_empty_tree());
}

asio::awaitable<void> Node::stop() {
    if (collector_) co_await collector_->stop();
    if (master_) co_await master_->stop();
    if (election_) co_await election_->stop();
    if (membership_) co_await membership_->stop();
    if (worker_) co_await worker_->stop();
    co_await mirror_.stop();
    co_await tasks_.stop();
}

asio::awaitable<void> Node::complain_about_empty_tree() {
    while (!election_) {
        co_await clock_.sleep_for(complaint_period);
        if (election_ || store_.session().state != coordination::SessionState::connected) continue;
        log::warn(
            "cluster_not_initialised",
            {{"path", paths_.root()}, {"advice", "run `musterctl init` once for this cluster"}});
    }
}

void Node::on_mirror(const std::vector<std::string>& changed) {
    const follow::ViewChange change = apply(view_, paths_, mirror_, changed, clock_.now());
    if (change.config) mirror_.refresh(missing_chunks());
    if (change.config || change.assignments) follow_evidence();
    if (!election_ && !view_.cluster().empty()) begin_roles();
    if (worker_) worker_->on_view(change);
    if (master_) master_->on_view(change);
    if (on_change_) on_change_(change);
}

std::vector<std::string> Node::missing_chunks() const {
    std::vector<std::string> missing;
    for (const std::string& hash : view_.named_chunks) {
        if (!view_.chunks.contains(hash)) missing.push_back(paths_.chunk(hash));
    }
    return missing;
}

/// Of what LBs say only that which is for this node to act on.
follow::Interest Node::interest_in(const std::string& path) const {
    const std::string evidence = paths_.evidence() + "/";
    if (path.starts_with(evidence)) {
        const std::size_t end = std::min(path.find('/', evidence.size()), path.size());
        const GroupName group(path.substr(evidence.size(), end - evidence.size()));
        if (!heard_.contains(group)) return follow::Interest::none;
    }
    return follow::interest_in(paths_, view_, path);
}

/// The groups that want their LBs heard, and of which a shard is assigned to this node.
void Node::follow_evidence() {
    std::set<GroupName> wanted;
    const auto own = view_.assignments.find(identity_.node);
    if (own != view_.assignments.end()) {
        for (const znodes::AssignedShard& assigned : own->second.value.shards) {
            const auto group = view_.groups.find(assigned.shard.group);
            if (group != view_.groups.end() && group->second.live() && group->second.spec->outlier)
                wanted.insert(assigned.shard.group);
        }
    }
    const std::set<GroupName> before = std::exchange(heard_, std::move(wanted));
    std::vector<std::string> look;
    const auto note = [&](const std::set<GroupName>& these, const std::set<GroupName>& known) {
        for (const GroupName& group : these) {
            if (!known.contains(group)) look.push_back(paths_.evidence(group));
        }
    };
    note(heard_, before);
    note(before, heard_);  // the mirror forgets them
    for (const GroupName& group : before) {
        if (!heard_.contains(group)) view_.evidence.erase(group);
    }
    if (!look.empty()) mirror_.refresh(look);
}

void Node::begin_roles() {
    const std::string cluster = view_.cluster();
    membership_ = std::make_unique<Membership>(
        executor_,
        store_,
        clock_,
        paths_,
        znodes::Member{.stamp = {.cluster = cluster, .writer = identity_.node.str()},
                       .node = identity_.node,
                       .incarnation = identity_.incarnation,
                       .api_address = identity_.api_address,
                       .peer_address = identity_.peer_address,
                       .zone = identity_.zone,
                       .capacity = identity_.capacity,
                       .probes = identity_.probes,
                       .build = identity_.build,
                       .providers = identity_.providers});
    election_ = std::make_unique<Election>(executor_,
                                           store_,
                                           clock_,
                                           paths_,
                                           ElectionSettings{.cluster = cluster,
                                                            .node = identity_.node,
                                                            .incarnation = identity_.incarnation,
                                                            .address = identity_.api_address,
                                                            .tick = options_.tick},
                                           new_guid_,
                                           [this](const std::optional<Office>& office) {
                                               master_->on_office(office);
                                               if (on_change_) on_change_({.control = true});
                                           });
    master_ = std::make_unique<Master>(
        executor_,
        store_,
        clock_,
        paths_,
        mirror_,
        view_,
        *election_,
        MasterSettings{
            .cluster = cluster, .node = identity_.node, .assignment = options_.assignment});
    collector_ = std::make_unique<Collector>(
        executor_, store_, clock_, paths_, cluster, *election_, options_.collection);
    WorkerSettings worker = options_.worker;
    worker.cluster = cluster;
    worker.node = identity_.node;
    worker.incarnation = identity_.incarnation;
    worker.on_doubt = [this](bool doubts) { membership_->set_doubt(doubts); };
    voter_ = std::make_unique<Voter>(clock_, view_, runner_, [this] {
        return store_.session().state == coordination::SessionState::connected &&
               !worker_->in_doubt();
    });
    worker_ = std::make_unique<Worker>(
        executor_,
        store_,
        clock_,
        paths_,
        mirror_,
        view_,
        runner_,
        std::move(worker),
        [this] { return view_.members.size() + view_.agents.size(); },
        [this] { return paused(); });
    membership_->start();
    master_->start();
    collector_->start();
    election_->start();
    worker_->start();
}

bool Node::paused() const {
    if (self_paused_) return true;
    return view_.control && (view_.control->value.pause.all || view_.control->value.pause.status);
}

void Node::set_paused(bool paused) {
    self_paused_ = paused;
    if (worker_) worker_->on_view({.control = true});
}

asio::awaitable<std::string> Node::answer_peer(std::string question) {
    if (!voter_) co_return std::string();
    co_return co_await voter_->answer(std::move(question));
}

asio::awaitable<void> Node::step_down() {
    if (election_) co_await election_->step_down();
}

asio::awaitable<void> Node::leave(std::chrono::nanoseconds limit) {
    leaving_ = true;
    if (!election_) co_return;
    const SteadyTime deadline = clock_.now() + limit;
    co_await election_->retire();
    membership_->set_drain(true);
    // Alone, or when all others leave as well, there is nobody to hand over to.
    const auto someone_stays = [this] {
        return std::ranges::any_of(view_.members, [this](const auto& member) {
            return member.first != identity_.node && !member.second.value.drain;
        });
    };
    while (clock_.now() < deadline && !worker_->idle() && someone_stays()) {
        co_await clock_.sleep_for(leave_poll);
    }
}

}  // namespace muster::orchestrator
