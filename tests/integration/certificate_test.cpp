// A certificate from a secret store, on its way through a real agent into a real HAProxy.
#include "agent/certificate.hpp"

#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/secret_directory.hpp"
#include "tests/support/tls_load.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

std::string fingerprint(const Authority::Pem& pem) {
    return agent::read_certificate(pem.both(), pem.both())->fingerprint;
}

TEST(CertificatesOfLbs, ChangeUnderLoadWithoutAReloadAndOnlyForBetterOnes) {
    const Authority authority;
    const TempDir directory;
    SecretDirectory secret(directory);
    const Authority::Pem first = authority.issue({});
    secret.put(first);
    const std::string bundle = directory.write("ca.pem", authority.bundle());

    Responder responder(4);
    Cluster cluster;
    const std::uint16_t port = free_port();
    cluster.apply(make_group(responder, "web", 0, 4, 500ms, 2));
    cluster.apply(config::FleetSpec{.name = FleetName("edge"),
                                    .listeners = {{.name = "main",
                                                   .port = port,
                                                   .tls = {.secrets = {"www"}},
                                                   .group = GroupName("web")}}});
    ASSERT_TRUE(cluster.wait_all_up(20s));
    LoadBalancer lb(cluster,
                    {.more_settings = fmt::format("tls: {{secrets: {{www: {}}}}}", secret.path())});
    lb.start();
    TlsLoad load(port, bundle);
    ASSERT_TRUE(load.wait_for_certificate(fingerprint(first))) << load.counts().first_failure;
    const int worker = lb.worker_pid();
    const auto reloads = lb.metric("muster_agent_reloads_total");

    const Authority::Pem second = authority.issue({});
    secret.put(second);
    ASSERT_TRUE(load.wait_for_certificate(fingerprint(second))) << lb.logs();
    EXPECT_TRUE(
        eventually(10s, [&] { return lb.metric("muster_agent_certificates_brought_total") == 1; }));

    // What is wrong is told to the nodes, and not to clients.
    const auto told = [&](const std::string& what) {
        return eventually(20s,
                          [&] { return cluster.get(0, "/api/v1/agents").body.contains(what); });
    };
    secret.put(authority.issue({}).certificate, second.key);
    EXPECT_TRUE(told("its key is not that of its first certificate")) << lb.logs();
    secret.vanish();
    EXPECT_TRUE(told("No such file")) << lb.logs();
    EXPECT_EQ(load.counts().newest, fingerprint(second));
    lb.kill_agent();
    lb.start_agent();
    ASSERT_TRUE(lb.wait_in_step(20s)) << lb.logs();
    load.wait_for(100);
    EXPECT_EQ(load.counts().newest, fingerprint(second));

    const Authority::Pem third = authority.issue({});
    secret.put(third);
    ASSERT_TRUE(load.wait_for_certificate(fingerprint(third))) << lb.logs();
    EXPECT_TRUE(told(R"("error":"")")) << lb.logs();
    EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
    EXPECT_EQ(lb.worker_pid(), worker);
    EXPECT_EQ(reloads, 0);
    EXPECT_EQ(lb.metric("muster_agent_reloads_total"), 0);
}

}  // namespace
}  // namespace muster::test
