#include "tests/cluster/observer.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/follow/mirror.hpp"
#include "tests/cluster/responder.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <future>
#include <utility>

namespace muster::test {

using follow::ClusterView;
using znodes::Letter;

namespace {

coordination::ZooKeeperStore::Settings settings_for(const std::vector<std::string>& servers,
                                                    const ctl::User& user) {
    return {.servers = servers,
            .session_timeout = std::chrono::seconds(20),
            .digest = user.name + ":" + user.password,
            .limits = {.max_request_bytes = 1'040'000, .max_watches = 20'000}};
}

}  // namespace

struct Observer::Inside {
    Inside(const std::vector<std::string>& servers,
           const std::string& cluster_name,
           const ctl::TreeUsers& users,
           Observer& observer)
        : paths(cluster_name),
          reading(context.get_executor(), clock, settings_for(servers, users.reader)),
          writing(context.get_executor(), clock, settings_for(servers, users.node)),
          tasks(context.get_executor()),
          mirror(
              context.get_executor(),
              reading,
              clock,
              paths.root(),
              [this](const std::string& path) { return follow::interest_in(paths, path); },
              [&observer](const std::vector<std::string>& changed) {
                  observer.on_change(changed);
              }) {}

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    AsioClock clock;
    znodes::Paths paths;
    coordination::ZooKeeperStore reading;
    coordination::ZooKeeperStore writing;
    TaskGroup tasks;
    follow::Mirror mirror;
};

Observer::Observer(const std::vector<std::string>& servers,
                   const std::string& cluster_name,
                   const ctl::TreeUsers& users)
    : inside_(std::make_unique<Inside>(servers, cluster_name, users, *this)) {
    inside_->tasks.spawn("reading", inside_->reading.run());
    inside_->tasks.spawn("writing", inside_->writing.run());
    inside_->mirror.start();
    thread_ = std::thread([this] { inside_->context.run(); });
}

Observer::~Observer() {
    const auto end = [](Inside& inside) -> asio::awaitable<void> {
        co_await inside.mirror.stop();
        co_await inside.reading.close();
        co_await inside.writing.close();
        co_await inside.tasks.stop();
    };
    asio::co_spawn(inside_->context, end(*inside_), [this](const std::exception_ptr&) {
        inside_->work.reset();
        inside_->context.stop();
    });
    thread_.join();
}

void Observer::with_store(const std::function<asio::awaitable<void>(coordination::Store&)>& work) {
    std::promise<void> done;
    asio::co_spawn(
        inside_->context, work(inside_->writing), [&done](const std::exception_ptr& error) {
            error ? done.set_exception(error) : done.set_value();
        });
    done.get_future().get();
}

bool Observer::wait(std::chrono::nanoseconds limit,
                    const std::function<bool(const follow::ClusterView&)>& condition) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit * slowdown(), [&] { return condition(view_); });
}

follow::ClusterView Observer::view() const {
    const std::scoped_lock lock(mutex_);
    return view_;
}

std::vector<Observer::EpochChange> Observer::epochs() const {
    const std::scoped_lock lock(mutex_);
    return epochs_;
}

std::vector<Observer::VerdictChange> Observer::verdict_changes() const {
    const std::scoped_lock lock(mutex_);
    return verdicts_;
}

void Observer::forget() {
    const std::scoped_lock lock(mutex_);
    epochs_.clear();
    verdicts_.clear();
}

void Observer::on_change(const std::vector<std::string>& paths) {
    const std::scoped_lock lock(mutex_);
    const std::int64_t epoch_before = view_.epoch ? view_.epoch->version : -1;
    const follow::ViewChange change =
        follow::apply(view_, inside_->paths, inside_->mirror, paths, inside_->clock.now());
    const Time now = Responder::now();
    if (view_.epoch && view_.epoch->version != epoch_before) {
        epochs_.push_back(
            {.epoch = view_.epoch->version, .node = view_.epoch->value.node, .seen = now});
    }
    if (change.assignments) {
        for (const auto& [node, assignment] : view_.assignments) {
            for (EpochChange& epoch : epochs_) {
                if (epoch.epoch == assignment.value.stamp.token && epoch.first_write == Time{})
                    epoch.first_write = now;
            }
        }
    }
    if (change.status) {
        for (const auto& [name, group] : view_.groups) {
            for (const auto& [number, shard] : group.shards) {
                if (!shard.status || !shard.members) continue;
                const ShardId id{.group = name, .number = number};
                std::vector<Letter>& before = letters_[id];
                const znodes::ShardStatus& status = shard.status->value;
                if (before == status.letters) continue;
                for (std::size_t i = 0; i < status.letters.size(); ++i) {
                    const Letter from = i < before.size() ? before[i] : Letter::unknown;
                    if (from == status.letters[i] || i >= shard.members->value.slots.size())
                        continue;
                    verdicts_.push_back({.seen = now,
                                         .shard = id,
                                         .backend = shard.members->value.slots[i].backend,
                                         .from = from,
                                         .to = status.letters[i],
                                         .writer = status.stamp.writer});
                }
                before = status.letters;
            }
        }
    }
    changed_.notify_all();
}

std::size_t Observer::count(const follow::ClusterView& view, Letter letter) {
    std::size_t found = 0;
    for (const auto& [name, group] : view.groups) {
        if (!group.live()) continue;
        for (const auto& [number, shard] : group.shards) {
            if (!shard.status || !shard.members) continue;
            const auto& letters = shard.status->value.letters;
            for (std::size_t i = 0; i < letters.size() && i < shard.members->value.slots.size();
                 ++i) {
                if (letters[i] == letter && !shard.members->value.slots[i].tombstone) ++found;
            }
        }
    }
    return found;
}

std::size_t Observer::backends(const follow::ClusterView& view) {
    std::size_t found = 0;
    for (const auto& [name, group] : view.groups) {
        for (const auto& [number, shard] : group.shards) {
            if (!shard.members) continue;
            for (const znodes::Slot& slot : shard.members->value.slots)
                found += slot.tombstone ? 0 : 1;
        }
    }
    return found;
}

std::map<ShardId, NodeId> Observer::owners(const follow::ClusterView& view) {
    std::map<ShardId, NodeId> owners;
    for (const auto& [node, assignment] : view.assignments) {
        for (const znodes::AssignedShard& shard : assignment.value.shards) {
            if (shard.role != znodes::Role::warm) owners.emplace(shard.shard, node);
        }
    }
    return owners;
}

}  // namespace muster::test
