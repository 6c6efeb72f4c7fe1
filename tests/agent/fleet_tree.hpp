#pragma once

#include "common/config/decode.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/znodes/chunks.hpp"
#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::agent {

/// A cluster's tree as nodes and people write it, for agents to follow: fleet "edge" whose one
/// listener serves group "web", of one shard.
class FleetTree {
 public:
    FleetTree(coordination::MemoryEnsemble& ensemble, Clock& clock)
        : ensemble_(ensemble), clock_(clock) {}

    void make() {
        control("uuid");
        fleet({"web"});
        group("web", backends("b1", "b2", "b3"));
        layout("web", {"b1", "b2", "b3"});
        status("web", "UUU");
    }

    void control(const std::string& uuid) {
        put(paths.control(), znodes::encode(znodes::Control{.stamp = {.cluster = uuid}}));
        put(paths.agents(), "");
    }

    /// A listener for each group, from port 8000 up.
    void fleet(const std::vector<std::string>& groups) {
        config::FleetSpec spec{.name = FleetName("edge")};
        for (const std::string& group : groups) {
            spec.listeners.push_back(
                {.name = group,
                 .address = "127.0.0.1",
                 .port = static_cast<std::uint16_t>(8000 + spec.listeners.size()),
                 .group = GroupName(group)});
        }
        put(paths.head(spec.name),
            znodes::encode(
                znodes::GroupHead{.stamp = stamp(),
                                  .uid = "fleet-uid",
                                  .generation = ++generation_,
                                  .spec = boost::json::serialize(config::encode_spec(spec))}));
    }

    template <class... Names>
    static std::vector<config::Backend> backends(Names... names) {
        std::vector<config::Backend> all;
        int number = 0;
        const auto add = [&](const char* name) {
            all.push_back(
                {.id = BackendId(name), .address = fmt::format("10.0.0.{}", ++number), .port = 80});
        };
        (add(names), ...);
        return all;
    }

    void group(const std::string& name, std::vector<config::Backend> backends) {
        config::GroupSpec spec{.name = GroupName(name), .backends = std::move(backends)};
        spec.panic_enter_percent = panic_enter_percent;
        spec.panic_exit_percent = panic_enter_percent;
        znodes::GroupHead head{
            .stamp = stamp(),
            .uid = name + "-uid",
            .generation = ++generation_,
            .spec = boost::json::serialize(config::encode_spec_without_backends(spec))};
        for (const znodes::Chunk& chunk : znodes::split(spec.backends)) {
            put(paths.chunk(chunk.hash), chunk.data);
            head.chunks.push_back(chunk.hash);
        }
        put(paths.history(spec.name, head.generation), znodes::encode(head));
        put(paths.group_head(spec.name), znodes::encode(head));
        ensemble_.write({coordination::SetOp{.path = paths.chunks(), .data = ""}});
    }

    /// Of the last fleet or group that was written.
    [[nodiscard]] std::int64_t generation() const { return generation_; }

    void rollout(const std::string& name,
                 std::int64_t stable,
                 std::int64_t candidate,
                 std::vector<znodes::RolloutWave> waves = {}) {
        put(paths.rollout(GroupName(name)),
            znodes::encode(znodes::Rollout{.stamp = stamp(),
                                           .group_uid = name + "-uid",
                                           .stable = stable,
                                           .candidate = candidate,
                                           .waves = std::move(waves)}));
    }

    void layout(const std::string& name, const std::vector<std::string>& slots) {
        znodes::ShardMembers members{.stamp = stamp(), .group_uid = name + "-uid"};
        for (const std::string& slot : slots)
            members.slots.push_back({.backend = BackendId(slot), .address = "10.0.0.1:80"});
        put(paths.shard_members(shard(name)), znodes::encode(members));
        put(paths.index(GroupName(name)),
            znodes::encode(znodes::GroupIndex{
                .stamp = stamp(), .group_uid = name + "-uid", .shards = 1, .shard_size = 16}));
    }

    void status(const std::string& name, std::string_view letters) {
        znodes::ShardStatus status{
            .stamp = stamp(), .group_uid = name + "-uid", .time = clock_.wall()};
        for (const char letter : letters)
            status.letters.push_back(static_cast<znodes::Letter>(letter));
        put(paths.status(shard(name)), znodes::encode(status));
    }

    void put(const std::string& path, const std::string& data) {
        for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
             slash = path.find('/', slash + 1))
            (void)ensemble_.write({coordination::CreateOp{.path = path.substr(0, slash)}});
        if (ensemble_.write({coordination::CreateOp{.path = path, .data = data}}).applied()) return;
        ASSERT_TRUE(ensemble_.write({coordination::SetOp{.path = path, .data = data}}).applied());
    }

    static ShardId shard(const std::string& name) {
        return {.group = GroupName(name), .number = 0};
    }

    const znodes::Paths paths{"main"};
    int panic_enter_percent = 0;  ///< of the groups

 private:
    znodes::Stamp stamp() {
        return {.cluster = "uuid", .token = 1, .writer = "n1", .sequence = ++sequence_};
    }

    coordination::MemoryEnsemble& ensemble_;
    Clock& clock_;
    std::int64_t sequence_ = 0;
    std::int64_t generation_ = 0;
};

}  // namespace muster::agent
