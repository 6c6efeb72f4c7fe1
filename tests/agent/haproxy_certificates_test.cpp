// Certificates that change under a real HAProxy with TLS clients in front of it.
#include "agent/certificates.hpp"
#include "tests/agent/haproxy_world.hpp"
#include "tests/support/secret_directory.hpp"
#include "tests/support/tls_load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::Authority;
using testing::HasSubstr;
using testing::IsEmpty;

class HaproxyTls : public testing::Test {
 protected:
    HaproxyTls() : first_(authority_.issue({})) {
        secret_.put(first_);
        bundle_ = world_.directory().write("ca.pem", authority_.bundle());
        world_.start(wanted());
    }

    /// With what the host has now.
    LbState wanted() {
        LbState state = world_.web(sites_.servers(1));
        state.listeners[0].tls.secrets = {"www"};
        certificates_.follow(state.listeners, world_.clock().wall());
        return state;
    }
    Applied step() {
        const auto applied = world_.apply(wanted());
        EXPECT_TRUE(applied) << applied.error().message();
        return applied.value_or(Applied());
    }
    static std::string fingerprint(const Authority::Pem& pem) {
        return read_certificate(pem.both(), pem.both())->fingerprint;
    }

    const test::Sites sites_{1};
    test::HaproxyWorld world_;
    Authority authority_;
    Authority::Pem first_;
    test::SecretDirectory secret_{world_.directory()};
    std::string bundle_;
    metrics::Registry registry_;
    Certificates certificates_{
        {.secrets = {{"www", secret_.path()}}}, (world_.directory() / "own").string(), registry_};
};

TEST_F(HaproxyTls, RotatesUnderLoadWithoutAReload) {
    const int worker = world_.worker();
    test::TlsLoad load(world_.port(), bundle_);
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(first_))) << load.counts().first_failure;
    for (int i = 0; i < 10; ++i) {
        const Authority::Pem next = authority_.issue({});
        secret_.put(next);
        EXPECT_EQ(step(), (Applied{.certificates = 1}));
        EXPECT_TRUE(load.wait_for_certificate(fingerprint(next)));
        EXPECT_EQ(step(), Applied());
        load.wait_for(50);
    }
    EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
    EXPECT_EQ(load.counts().by_certificate.size(), 11U);
    EXPECT_EQ(world_.worker(), worker);
    RecordProperty("answered", load.counts().answered);
}

TEST_F(HaproxyTls, ServesTheOldOneWhateverIsWrongWithTheNewOne) {
    const int worker = world_.worker();
    test::TlsLoad load(world_.port(), bundle_);
    const Authority::Pem other = authority_.issue({});
    const auto expect_old = [&](const std::string& why) {
        EXPECT_EQ(step(), Applied());
        EXPECT_EQ(step(), Applied());
        ASSERT_THAT(certificates_.problems(), testing::SizeIs(1));
        EXPECT_THAT(certificates_.problems()[0], HasSubstr(why));
        EXPECT_TRUE(load.wait_for_certificate(fingerprint(first_)));
    };
    secret_.put(other.certificate, first_.key);
    expect_old("not that of its first certificate");
    secret_.put(other.certificate, other.key.substr(0, other.key.size() / 2));
    expect_old("key can't be read");
    secret_.vanish();
    expect_old("No such file");
    EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
    EXPECT_EQ(world_.worker(), worker);

    // HAProxy starts with it, too, and so does an agent that starts.
    world_.kill_process();
    world_.forget_driver();
    world_.start_process();
    EXPECT_EQ(step(), Applied());
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(first_)));
}

TEST_F(HaproxyTls, GetsWhatChangedWhileNoAgentWasThere) {
    const int worker = world_.worker();
    world_.forget_driver();
    const Authority::Pem next = authority_.issue({});
    secret_.put(next);
    EXPECT_EQ(step(), (Applied{.certificates = 1}));
    EXPECT_EQ(world_.worker(), worker);
    const test::TlsLoad load(world_.port(), bundle_);
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(next)));
}

TEST_F(HaproxyTls, ReloadsForOneThatDoesNotFitItsRuntimeApi) {
    test::TlsLoad load(world_.port(), bundle_);
    std::string names = "DNS:localhost,IP:127.0.0.1";
    for (int i = 0; i < 1'000; ++i) names += ",DNS:host-" + std::to_string(i) + ".example.org";
    const Authority::Pem large = authority_.issue({.names = names});
    secret_.put(large);
    EXPECT_TRUE(step().reloaded);
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(large)));
    EXPECT_EQ(step(), Applied());
    const int worker = world_.worker();
    const Authority::Pem next = authority_.issue({});
    secret_.put(next);
    EXPECT_EQ(step(), (Applied{.certificates = 1}));
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(next)));
    EXPECT_EQ(world_.worker(), worker);
    EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
}

}  // namespace
}  // namespace muster::agent
