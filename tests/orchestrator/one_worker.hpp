#pragma once

#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/follow/mirror.hpp"
#include "common/observe/log.hpp"
#include "orchestrator/worker.hpp"
#include "tests/orchestrator/one_shard.hpp"
#include "tests/orchestrator/recorded_runner.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace muster::orchestrator {

/// A worker, n1, that has adopted view_of_one_shard() and given its checks to a runner that leaves
/// their results to the test. What it publishes is in the ensemble's tree.
class OneWorker {
 public:
    explicit OneWorker(int backends, config::CheckSpec check = {}, Peers* peers = nullptr)
        : view(view_of_one_shard(backends, std::move(check))),
          worker(
              context.get_executor(),
              store,
              clock,
              paths,
              mirror,
              view,
              runner,
              {.cluster = "uuid", .node = NodeId("n1"), .incarnation = "first", .peers = peers},
              [] { return 1UZ; },
              [] { return false; }) {
        log::set_level(log::Level::error);
        create(paths.status(web_shard));
        create(paths.assignment(NodeId("n1")));
        view.assignments[NodeId("n1")] = {
            .value = {.incarnation = "first", .shards = {{.shard = web_shard}}}, .version = 0};
        tasks.spawn("store", store.run());
        worker.start();
        clock.run_for(std::chrono::seconds(1));
    }
    ~OneWorker() {
        asio::co_spawn(context, worker.stop(), test::rethrow);
        clock.run_ready();
        tasks.cancel();
        clock.run_ready();
    }
    OneWorker(const OneWorker&) = delete;
    OneWorker& operator=(const OneWorker&) = delete;

    /// As it was written last.
    [[nodiscard]] znodes::ShardStatus published() const {
        return znodes::decode<znodes::ShardStatus>(
                   ensemble.tree().find(paths.status(web_shard))->data, "uuid")
            .value();
    }

    asio::io_context context;
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    coordination::MemoryStore store{context.get_executor(), clock, ensemble, {}};
    znodes::Paths paths{"test"};
    follow::ClusterView view;
    follow::Mirror mirror{context.get_executor(),
                          store,
                          clock,
                          "/nothing",
                          [](const std::string&) { return follow::Interest::none; },
                          [](const std::vector<std::string>&) {}};
    RecordedRunner runner;
    TaskGroup tasks{context.get_executor()};
    Worker worker;

 private:
    void create(const std::string& path) {
        for (std::size_t end = path.find('/', 1); end != std::string::npos;
             end = path.find('/', end + 1)) {
            if (ensemble.tree().find(path.substr(0, end)) == nullptr)
                ensemble.write({coordination::CreateOp{.path = path.substr(0, end)}});
        }
        ensemble.write({coordination::CreateOp{.path = path}});
    }
};

}  // namespace muster::orchestrator
