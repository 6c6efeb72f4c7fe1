// Garbage in every znode that nodes read, on real parts. Nobody crashes, nobody calls a healthy
// backend DOWN, what is muster's own is made good again, and what is a person's is reported and
// kept as it was last known.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using coordination::Watch;
using follow::ClusterView;
using znodes::Letter;

struct Payload {
    std::string name;
    std::string bytes;
};

std::vector<Payload> payloads(const std::string& good) {
    std::mt19937 random(static_cast<std::mt19937::result_type>(good.size()));
    std::string noise(300, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    std::string extreme = good;
    // Every number another one, made of nines: counts, versions, layouts.
    bool quoted = false;
    for (char& c : extreme) {
        if (c == '"') quoted = !quoted;
        if (!quoted && c >= '0' && c <= '9') c = '9';
    }
    return {{"nothing", ""},
            {"noise", noise},
            {"half of it", good.substr(0, good.size() / 2)},
            {"other types", R"({"v":[],"cluster":1,"stamp":{"token":"x"},"shards":{},"slots":7})"},
            {"extreme numbers", extreme},
            {"deep nesting", std::string(20'000, '[')},
            {"nearly a megabyte", std::string(1'000'000, 'x')}};
}

class Garbage : public testing::Test {
 protected:
    static constexpr std::size_t backends = 12;

    void SetUp() override {
        cluster.apply(make_group(responder, "web", 0, 6, 500ms, 2));
        cluster.apply(make_group(responder, "calm", 6, 6, 500ms, 2));
        ASSERT_TRUE(cluster.wait_all_up(20s));
        ASSERT_TRUE(cluster.wait_members(3, 20s));
        for (std::size_t n = 0; n < cluster.size(); ++n) children.push_back(cluster.child(n));
        cluster.observer().forget();
    }

    std::string read(const std::string& path) {
        std::string data;
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto node = co_await store.get(path, Watch::none);
            if (!node) throw std::runtime_error(path + ": " + node.error().message());
            data = node->data;
        });
        return data;
    }
    void write(const std::string& path, const std::string& data) {
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            for (int tries = 0; tries < 20; ++tries) {
                const auto done = co_await coordination::set(store, {.path = path, .data = data});
                if (done) co_return;
                // Somebody else may have deleted it, and will make it again.
                if (done.error().code != make_error_code(coordination::Errc::no_node))
                    throw std::runtime_error(path + ": " + done.error().message());
            }
        });
    }
    void create(const std::string& path, const std::string& data) {
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto done = co_await coordination::create(store, {.path = path, .data = data});
            if (!done) throw std::runtime_error(path + ": " + done.error().message());
        });
    }
    bool exists(const std::string& path) {
        bool found = true;
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto stat = co_await store.exists(path, Watch::none);
            found = !stat || stat->has_value();
        });
        return found;
    }
    /// False: it can't be (a guard has a child that keeps it).
    bool remove(const std::string& path) {
        bool removed = false;
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            removed = (co_await coordination::remove(store, {.path = path})).has_value();
        });
        return removed;
    }
    double problems(std::size_t node) {
        const std::string body = cluster.get(node, "/metrics").body;
        const std::size_t at = body.find("\nmuster_znode_problems ");
        return at == std::string::npos ? -1 : std::stod(body.substr(at + 23));
    }

    /// Every node is there and agrees that all is well.
    bool wait_agreed() {
        return cluster.wait_members(3, 30s) && cluster.wait_all_up(30s) && eventually(30s, [&] {
                   for (std::size_t n = 0; n < cluster.size(); ++n) {
                       if (problems(n) != 0) return false;
                   }
                   return true;
               });
    }
    /// Until a change made after this call is published: the main job still works.
    void expect_works() {
        responder.set(0, Responder::Behaviour::failing);
        EXPECT_TRUE(cluster.observer().wait(20s, [](const follow::ClusterView& view) {
            return Observer::count(view, Letter::down) == 1;
        }));
        expect_only_down(responder.address(0));
        responder.set(0, Responder::Behaviour::healthy);
        EXPECT_TRUE(cluster.observer().wait(20s, [](const follow::ClusterView& view) {
            return Observer::count(view, Letter::up) == backends;
        }));
        cluster.observer().forget();
    }
    void expect_only_down(const std::string& backend) {
        for (const Observer::VerdictChange& change : cluster.observer().verdict_changes()) {
            if (change.to != Letter::down) continue;
            EXPECT_EQ(change.backend.str(), backend) << "was declared DOWN by " << change.writer;
        }
    }
    void expect_alive(const std::string& after) {
        for (std::size_t n = 0; n < cluster.size(); ++n) {
            ASSERT_TRUE(cluster.running(n)) << after << "\n" << cluster.output(n);
            ASSERT_EQ(cluster.child(n), children[n])
                << "it was started again after " << after << "\n"
                << cluster.output(n);
        }
        expect_only_down("");
    }

    /// Each payload, one right after the other, then the node's deletion if it can be had.
    void abuse(const std::string& path) {
        SCOPED_TRACE(path);
        const std::string good = read(path);
        for (const Payload& payload : payloads(good)) {
            write(path, payload.bytes);
            // Long enough for watches and repairs to cross with the next one.
            (void)cluster.get(0, "/api/v1/cluster");
            expect_alive(payload.name + " in " + path);
            if (HasFatalFailure()) return;
        }
        EXPECT_TRUE(wait_agreed()) << "after garbage in " << path;
        (void)remove(path);
        EXPECT_TRUE(wait_agreed()) << "after the deletion of " << path;
        expect_alive("the deletion of " + path);
    }

    const znodes::Paths paths{"main"};
    Responder responder{backends};
    Cluster cluster;
    std::vector<pid_t> children;
};

TEST_F(Garbage, InWhatIsMustersOwnIsMadeGoodAgain) {
    const ShardId shard{.group = GroupName("web"), .number = 0};
    const NodeId node = Cluster::name(1);
    for (const std::string& path : {paths.member(node),
                                    paths.assignment(node),
                                    paths.ack(node),
                                    paths.progress(node),
                                    paths.map(),
                                    paths.index(shard.group),
                                    paths.shard_members(shard),
                                    paths.status(shard)}) {
        abuse(path);
        if (HasFatalFailure()) return;
    }
    expect_works();
}

TEST_F(Garbage, InTheEpochAndInCandidaciesStopsNoElection) {
    const auto candidates = [&] {
        std::vector<std::string> names;
        cluster.observer().with_store([&](coordination::Store& store) -> asio::awaitable<void> {
            const auto children_of = co_await store.children(paths.election(), Watch::none);
            if (children_of) names = children_of->names;
        });
        return names;
    }();
    ASSERT_GE(candidates.size(), 3U);
    for (const std::string& name : candidates) write(paths.election() + "/" + name, "garbage");
    for (const char* name : {"garbage", "x-n-99999999999999999999", "-n-0000000000"})
        create(paths.election() + "/" + name, "garbage");
    for (const Payload& payload : payloads(read(paths.epoch()))) {
        write(paths.epoch(), payload.bytes);
        // A master whose epoch was overwritten is out of office; another one takes it.
        EXPECT_TRUE(cluster.wait_for_master(20s)) << payload.name;
        expect_alive(payload.name + " in the epoch");
        if (HasFatalFailure()) return;
    }
    EXPECT_TRUE(wait_agreed());
    expect_works();
}

TEST_F(Garbage, InWhatAPersonWroteIsReportedAndTheLastGoodOneKept) {
    const std::string head = paths.group_head(GroupName("web"));
    const std::string control = paths.control();
    for (const std::string& path : {head, control}) {
        SCOPED_TRACE(path);
        const std::string good = read(path);
        for (const Payload& payload : payloads(good)) {
            write(path, payload.bytes);
            EXPECT_TRUE(eventually(10s,
                                   [&] {
                                       for (std::size_t n = 0; n < cluster.size(); ++n) {
                                           if (problems(n) < 1) return false;
                                       }
                                       return true;
                                   }))
                << payload.name << " is not reported";
            expect_alive(payload.name + " in " + path);
            if (HasFatalFailure()) return;
            EXPECT_TRUE(cluster.wait_all_up(20s)) << payload.name;
        }
        write(path, good);
        EXPECT_TRUE(wait_agreed());
    }
    // The way out for people: apply it anew.
    write(head, "garbage");
    cluster.apply(make_group(responder, "web", 0, 6, 500ms, 2));
    EXPECT_TRUE(wait_agreed());
    expect_works();
}

TEST_F(Garbage, OfAnotherClusterOrOfNobodyChangesNothing) {
    for (const std::string& path : {paths.member(NodeId("stranger")),
                                    paths.assignment(NodeId("stranger")),
                                    paths.ack(NodeId("stranger")),
                                    paths.progress(NodeId("stranger")),
                                    paths.group_head(GroupName("stranger")),
                                    paths.groups() + "/no%20name",
                                    paths.groups() + "/stranger",
                                    paths.chunk("feed"),
                                    paths.root() + "/stranger"}) {
        create(path, "garbage");
    }
    const ShardId shard{.group = GroupName("web"), .number = 1};
    std::string other = read(paths.status(shard));
    // The letters of a cluster that is not ours, all of them DOWN.
    const std::size_t uuid = other.find("\"cluster\":\"");
    ASSERT_NE(uuid, std::string::npos) << other;
    other[uuid + 11] = other[uuid + 11] == '0' ? '1' : '0';
    std::ranges::replace(other, 'U', 'D');
    write(paths.status(shard), other);
    expect_alive("a status of another cluster");
    expect_works();
}

TEST_F(Garbage, InTheWayOfOneGroupHoldsUpNoOther) {
    const std::string calm = paths.group(GroupName("calm"));
    create(calm + "/stranger", "garbage");
    ASSERT_EQ(cluster.request("DELETE", 0, "/api/v1/groups/calm", "").status / 100, 2);
    const auto refused = [&] {
        for (std::size_t n = 0; n < cluster.size(); ++n) {
            if (cluster.output(n).find("remains of calm") != std::string::npos) return true;
        }
        return false;
    };
    EXPECT_TRUE(eventually(20s, refused)) << "the node in the way was not in the way";
    cluster.apply(make_group(responder, "late", 6, 6, 500ms, 2));
    EXPECT_TRUE(cluster.wait_all_up(20s));
    expect_works();
    ASSERT_TRUE(remove(calm + "/stranger"));
    EXPECT_TRUE(eventually(20s, [&] { return !exists(calm); }));
}

}  // namespace
}  // namespace muster::test
