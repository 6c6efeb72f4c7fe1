// One worker's eyes are not enough: what it alone finds DOWN stays in rotation, and a worker that
// sees everything fail doubts itself. Each node's probe is a command that looks at files, so that
// the test decides what each of them sees.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;

class Confirmation : public testing::Test {
 protected:
    Confirmation()
        : cluster_({.zookeepers = 1,
                    .nodes = 3,
                    .more_settings = "commands:\n"
                                     "  look:\n"
                                     "    program: /bin/sh\n"
                                     "    user: root\n"
                                     "    arguments: [-c, 'test ! -e " +
                                     files_.path().string() + "/blind-NODE -a ! -e " +
                                     files_.path().string() +
                                     "/dead-$1 || exit 2', look, \"{port}\"]\n"}) {}

    void apply(const std::string& name, int first, int count, std::optional<int> confirm = {}) {
        config::GroupSpec group{.name = GroupName(name)};
        group.check = {.probe = config::CommandCheck{.name = "look"},
                       .interval = 500ms,
                       .fast_interval = 200ms,
                       .timeout = 400ms,
                       .rise = 1,
                       .fall = 2};
        group.check.confirm = confirm;
        group.shard_size = 2;
        for (int i = 0; i < count; ++i) {
            group.backends.push_back({.id = BackendId("b" + std::to_string(first + i)),
                                      .address = "127.0.0.1",
                                      .port = static_cast<std::uint16_t>(first + i)});
        }
        cluster_.apply(group);
    }
    void touch(const std::string& name) { std::ofstream(files_.path() / name) << "x"; }
    void remove(const std::string& name) { std::filesystem::remove(files_.path() / name); }

    static std::map<std::string, Letter> letters(const follow::ClusterView& view) {
        std::map<std::string, Letter> found;
        for (const auto& [name, group] : view.groups) {
            for (const auto& [number, shard] : group.shards) {
                if (!shard.members || !shard.status) continue;
                const auto& slots = shard.members->value.slots;
                for (std::size_t i = 0; i < slots.size(); ++i) {
                    if (i < shard.status->value.letters.size())
                        found[slots[i].backend.str()] = shard.status->value.letters[i];
                }
            }
        }
        return found;
    }
    [[nodiscard]] std::size_t count(Letter letter) {
        std::size_t found = 0;
        for (const auto& [name, seen] : letters(cluster_.observer().view()))
            found += seen == letter ? 1 : 0;
        return found;
    }
    [[nodiscard]] double metric(std::size_t node, const std::string& name) {
        const std::string text = "\n" + cluster_.get(node, "/metrics").body;
        const std::size_t at = text.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
    }
    [[nodiscard]] std::size_t shards_of(std::size_t node) {
        return static_cast<std::size_t>(metric(node, "muster_shards_owned"));
    }

    TempDir files_;
    Cluster cluster_;
};

TEST_F(Confirmation, PublishesAFallThatPeersSeeToo) {
    apply("web", 1000, 12);
    ASSERT_TRUE(eventually(60s, [&] { return count(Letter::up) == 12; }));
    touch("dead-1003");
    EXPECT_TRUE(eventually(30s, [&] { return count(Letter::down) == 1; }));
    EXPECT_EQ(letters(cluster_.observer().view()).at("b1003"), Letter::down);
    EXPECT_TRUE(eventually(10s, [&] {
        double confirmed = 0;
        for (std::size_t node = 0; node < 3; ++node)
            confirmed += metric(node, "muster_falls_total{peers=\"confirmed\"}");
        return confirmed == 1;
    }));
    const std::string why = cluster_.get(0, "/api/v1/backends/web/b1003").body;
    const auto told = boost::json::parse(why).at("recent").at("confirmation");
    EXPECT_TRUE(told.at("down").as_bool()) << why;
    ASSERT_EQ(told.at("votes").as_array().size(), 1U) << why;
    EXPECT_EQ(told.at("votes").at(0).at("vote").as_string(), "agree");
    remove("dead-1003");
    EXPECT_TRUE(eventually(30s, [&] { return count(Letter::up) == 12; }));
}

TEST_F(Confirmation, PublishesNothingThatOneWorkerSeesAlone) {
    apply("web", 1000, 12);
    ASSERT_TRUE(eventually(60s, [&] { return count(Letter::up) == 12 && shards_of(1) > 0; }));
    touch("blind-n1");
    // It suspects all that it watches, is told that it is wrong, and believes it.
    EXPECT_TRUE(eventually(30s, [&] {
        EXPECT_EQ(count(Letter::down), 0U);
        return metric(1, "muster_falls_total{peers=\"refused\"}") >= 4 &&
               metric(1, "muster_doubt") == 1 && shards_of(1) == 0;
    }));
    EXPECT_EQ(metric(1, "muster_falls_total{peers=\"confirmed\"}"), 0);
    // What is really dead is found all the same, by whoever watches it.
    touch("dead-1000");
    EXPECT_TRUE(eventually(30s, [&] { return count(Letter::down) == 1; }));
}

TEST_F(Confirmation, LeavesAWorkerThatSeesEverythingFailInDoubtAndWithoutShards) {
    apply("web", 1000, 12);
    apply("api", 2000, 12);
    ASSERT_TRUE(eventually(60s, [&] { return count(Letter::up) == 24 && shards_of(2) >= 2; }));
    touch("blind-n2");
    EXPECT_TRUE(eventually(30s, [&] { return metric(2, "muster_doubt") == 1; }));
    EXPECT_TRUE(eventually(30s, [&] { return shards_of(2) == 0; }));
    EXPECT_EQ(count(Letter::down), 0U);
    EXPECT_EQ(count(Letter::up), 24U);
}

TEST_F(Confirmation, LosesNothingWhenEveryWorkerIsBlind) {
    apply("web", 1000, 12);
    apply("api", 2000, 12);
    ASSERT_TRUE(eventually(60s, [&] { return count(Letter::up) == 24; }));
    for (const char* node : {"n0", "n1", "n2"}) touch(std::string("blind-") + node);
    EXPECT_TRUE(eventually(30s, [&] {
        int doubting = 0;
        for (std::size_t node = 0; node < 3; ++node)
            doubting += metric(node, "muster_doubt") == 1 ? 1 : 0;
        return doubting == 3;
    }));
    // Nobody moves, and nobody who doubts is a witness against anyone.
    for (std::size_t node = 0; node < 3; ++node) EXPECT_GT(shards_of(node), 0U);
    for (const char* node : {"n0", "n1", "n2"}) remove(std::string("blind-") + node);
    EXPECT_TRUE(eventually(30s, [&] {
        for (std::size_t node = 0; node < 3; ++node) {
            if (metric(node, "muster_doubt") != 0) return false;
        }
        return count(Letter::up) == 24;
    }));
}

TEST_F(Confirmation, IsNotWaitedForWhereNobodyIsToConfirm) {
    apply("web", 1000, 4, 0);
    ASSERT_TRUE(eventually(60s, [&] { return count(Letter::up) == 4; }));
    touch("dead-1001");
    EXPECT_TRUE(eventually(30s, [&] { return count(Letter::down) == 1; }));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(metric(node, "muster_peer_questions_total"), 0);
}

/// Accepts connections for as long as it is there.
asio::ip::tcp::acceptor listening(asio::io_context& context, std::uint16_t port) {
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), port});
    // Or the processes that the test starts would listen, too.
    EXPECT_EQ(::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC), 0);
    return acceptor;
}

TEST(Canaries, ThatFailKeepANodeFromPublishingFalls) {
    const std::uint16_t canary_port = free_port();
    const std::uint16_t backend_port = free_port();
    asio::io_context context;
    std::optional<asio::ip::tcp::acceptor> canary(listening(context, canary_port));
    std::optional<asio::ip::tcp::acceptor> backend(listening(context, backend_port));
    Cluster cluster(
        {.zookeepers = 1,
         .nodes = 1,
         .more_settings = "canaries: [\"127.0.0.1:" + std::to_string(canary_port) + "\"]\n"});
    config::GroupSpec group{.name = GroupName("web")};
    group.check = {.probe = config::ProbeSpec(config::TcpCheck{}),
                   .interval = 300ms,
                   .fast_interval = 200ms,
                   .timeout = 200ms,
                   .fall = 2};
    group.backends = {{.id = BackendId("b1"), .address = "127.0.0.1", .port = backend_port}};
    cluster.apply(group);
    const auto sees = [&](const std::string& path, const std::string& text) {
        return eventually(
            30s, [&] { return cluster.get(0, path).body.find(text) != std::string::npos; });
    };
    const std::string api = "/api/v1/backends/web/b1";
    ASSERT_TRUE(sees(api, "\"verdict\":\"up\""));

    canary.reset();
    ASSERT_TRUE(sees("/metrics", "\nmuster_doubt 1"));
    backend.reset();
    ASSERT_TRUE(sees(api, "PRDOUBT"));
    EXPECT_TRUE(sees(api, "\"verdict\":\"up\""));

    canary.emplace(listening(context, canary_port));
    EXPECT_TRUE(sees(api, "\"verdict\":\"down\""));
    backend.emplace(listening(context, backend_port));
    EXPECT_TRUE(sees(api, "\"verdict\":\"up\""));
}

}  // namespace
}  // namespace muster::test
