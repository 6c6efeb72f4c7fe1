// A backend that has a host name: nodes and HAProxy ask a real name server, which changes its mind
// and dies.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/cluster/steady_load.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

/// knotd on port 53 of a loopback address of its own, since resolv.conf can't name a port.
class NameServer {
 public:
    explicit NameServer(const std::string& host) {
        set(host);
        directory_.write("knot.conf",
                         fmt::format("server:\n    rundir: {0}\n    listen: {1}@53\n"
                                     "database:\n    storage: {0}\n"
                                     "zone:\n  - domain: example.org\n    storage: {0}\n",
                                     directory_.path().string(),
                                     address_));
        directory_.write("resolv.conf", "nameserver " + address_ + "\n");
        knot_.emplace(ProcessSettings{
            .argv = {"/usr/sbin/knotd", "-c", (directory_.path() / "knot.conf").string()},
            .output = directory_.path() / "log"});
    }

    /// What www.example.org is from now on.
    void set(const std::string& host) {
        directory_.write("example.org.zone",
                         fmt::format("$ORIGIN example.org.\n@ 1 SOA ns hostmaster {} 1 1 1 1\n"
                                     "@ 1 NS ns\nns 1 A {}\nwww 1 A {}\n",
                                     ++serial_,
                                     address_,
                                     host));
        if (knot_) knot_->signal(SIGHUP);
    }
    void kill() { knot_.reset(); }
    [[nodiscard]] std::string log() const { return knot_ ? knot_->output() : std::string(); }

    /// Before a command: it finds this server, and no other, in /etc/resolv.conf.
    [[nodiscard]] std::vector<std::string> enter() const {
        return {"unshare",
                "--mount",
                "sh",
                "-c",
                R"(mount --bind "$0" /etc/resolv.conf && exec "$@")",
                (directory_.path() / "resolv.conf").string()};
    }

 private:
    TempDir directory_;
    const std::string address_ =
        fmt::format("127.53.{}.{}", ::getpid() / 250 % 250, ::getpid() % 250 + 1);
    int serial_ = 0;
    std::optional<Process> knot_;
};

bool may_mount() {
    Process trial(
        {.argv = {"unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"}});
    return ::geteuid() == 0 && trial.wait(5s) == ExitStatus{};
}

TEST(NamedBackends, AreFollowedByNodesAndHaproxyAndStayWithoutANameServer) {
    if (!may_mount()) GTEST_SKIP() << "only root may give a process a resolv.conf of its own";
    Responder responder(2);
    NameServer names(responder.host(0));
    const Cluster::Settings::Elsewhere elsewhere{.host = "127.0.0.1", .enter = names.enter()};
    Cluster cluster({.zookeepers = 1, .nodes = 2, .elsewhere = {{0, elsewhere}, {1, elsewhere}}});
    const std::uint16_t port = free_port();
    config::GroupSpec group = make_group(responder, "web", 0, 1, 500ms, 2);
    group.backends = {
        {.id = BackendId("named"), .address = "www.example.org", .port = responder.port()}};
    cluster.apply(group);
    cluster.apply(config::FleetSpec{
        .name = FleetName("edge"),
        .listeners = {{.name = "main", .port = port, .group = GroupName("web")}}});
    ASSERT_TRUE(cluster.wait_all_up(20s)) << names.log();
    LoadBalancer lb(cluster, {.enter = names.enter()});
    lb.start();
    SteadyLoad traffic({.port = port, .per_second = 100});
    ASSERT_TRUE(traffic.wait_for(100, 10s));
    EXPECT_EQ(traffic.counts().by_body.size(), 1U);

    const int worker = lb.worker_pid();
    names.set(responder.host(1));
    EXPECT_TRUE(eventually(40s, [&] { return traffic.counts().by_body.contains("1"); }))
        << names.log() << lb.logs();
    EXPECT_TRUE(eventually(40s, [&] { return responder.record(1).probes > 3; }));
    EXPECT_EQ(lb.worker_pid(), worker) << "without a reload";

    // Long enough for both to ask in vain, several times.
    names.kill();
    const auto probed = responder.record(1).probes;
    ASSERT_TRUE(traffic.wait_for(800, 20s));
    EXPECT_TRUE(eventually(20s, [&] { return responder.record(1).probes >= probed + 15; }))
        << "the nodes probe where the name led";
    EXPECT_EQ(lb.server("web:http", "named"), "ready 26") << lb.logs();
    EXPECT_EQ(traffic.counts().failed, 0U) << traffic.counts().first_failure;
}

}  // namespace
}  // namespace muster::test
