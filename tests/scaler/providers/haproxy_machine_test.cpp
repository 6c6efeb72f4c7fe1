// A machine of the process provider with a real HAProxy, started by musterd, and the template of
// deploy/ as muster-agent reads it.
#include "tests/scaler/providers/process_world.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::HasSubstr;
using testing::IsEmpty;

const FleetName edge("edge");
const InstanceId id("edge-1-1");
const ProviderFence fence{.epoch = 1};

constexpr const char* haproxy_template = R"(global
    stats socket "${dir}/admin.sock"
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 1s
frontend lb
    bind ${address}:${port:lb}
    http-request return status 200 content-type text/plain string "${id}"
)";

/// To loopback; nothing when nobody listens.
class Client {
 public:
    static std::optional<Client> connect(std::uint16_t port) {
        Client client;
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(client.socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        if (::connect(client.socket_.get(),
                      reinterpret_cast<const sockaddr*>(&address),
                      sizeof address) != 0)
            return std::nullopt;
        return client;
    }
    void send(std::string_view text) const {
        ASSERT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// Until the peer closes.
    [[nodiscard]] std::string receive() const {
        std::string all;
        char block[4096];
        for (ssize_t size = 0; (size = ::recv(socket_.get(), block, sizeof block, 0)) > 0;)
            all.append(block, static_cast<std::size_t>(size));
        return all;
    }

 private:
    FileDescriptor socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

class HaproxyMachineTest : public testing::Test {
 protected:
    ~HaproxyMachineTest() override { end_machines_of(directory_.path()); }

    template <class Act>
    auto with(const ProcessProviderSettings& settings, Act act) {
        asio::io_context context(1);
        ProcessProvider provider(clock_, settings);
        auto result = asio::co_spawn(context, act(provider), asio::use_future);
        context.run();
        return result.get();
    }
    const TempDir& directory() { return directory_; }

    ProcessProviderSettings settings() {
        ProcessProviderSettings settings = process_settings(directory_.path());
        settings.machines.first_port = free_port();
        settings.machines.last_port = settings.machines.first_port;
        settings.supervisor = {built_program("orchestrator/musterd").string(), "run-machine"};
        return settings;
    }

 private:
    TempDir directory_;
    AsioClock clock_;
};

TEST_F(HaproxyMachineTest, ServesWhatItHasBegunWhenItIsRemoved) {
    directory().write("haproxy.in", haproxy_template);
    ProcessProviderSettings haproxy = settings();
    haproxy.machines.files = {{.from = (directory() / "haproxy.in").string(), .to = "haproxy.cfg"}};
    haproxy.machines.programs = {
        {.name = "haproxy",
         .argv =
             {"/usr/sbin/haproxy", "-W", "-S", "${dir}/master.sock", "-f", "${dir}/haproxy.cfg"},
         .stop_signal = SIGUSR1,
         .wait_for = "${dir}/haproxy.cfg"}};
    const std::uint16_t port = haproxy.machines.first_port;
    const auto made = with(haproxy, [](ProcessProvider& provider) {
        return provider.create({.fleet = edge, .id = id, .token = "t1"}, fence);
    });
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->address, "127.0.0.1:" + std::to_string(port));
    ASSERT_TRUE(eventually(15s, [&] { return Client::connect(port).has_value(); }));

    const auto begun = Client::connect(port);
    ASSERT_TRUE(begun);
    begun->send("GET / HTTP/1.1\r\nHost: a\r\n");
    // A round trip of another one: HAProxy has accepted the first by then.
    const auto other = Client::connect(port);
    ASSERT_TRUE(other);
    other->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(other->receive(), HasSubstr("edge-1-1"));

    auto removed = std::async(std::launch::async, [&] {
        return with(haproxy, [](ProcessProvider& provider) {
            return provider.remove(edge, id, 15s, fence);
        });
    });
    EXPECT_TRUE(eventually(10s, [&] { return !Client::connect(port); }));
    EXPECT_EQ(removed.wait_for(0s), std::future_status::timeout);
    begun->send("Connection: close\r\n\r\n");
    const std::string reply = begun->receive();
    EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(reply, HasSubstr("edge-1-1"));
    const auto gone = removed.get();
    EXPECT_TRUE(gone) << gone.error().detail;
    EXPECT_THAT(marked_processes(directory().path().string()), IsEmpty());
}

TEST_F(HaproxyMachineTest, RendersSettingsThatTheAgentTakes) {
    const auto auth = directory().write("agent.auth", "agent:secret\n");
    std::filesystem::permissions(
        auth, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ProcessProviderSettings agent = settings();
    agent.machines.last_port = static_cast<std::uint16_t>(agent.machines.first_port + 20);
    agent.machines.answers_at = "${address}:${parameters.port}";
    agent.machines.files = {{.from = source_file("deploy/providers/process/agent.yaml.in").string(),
                             .to = "agent.yaml"}};
    agent.machines.programs.pop_back();
    const auto made = with(agent, [&auth](ProcessProvider& provider) {
        return provider.create({.fleet = edge,
                                .id = id,
                                .token = "t1",
                                .parameters = {{"cluster", "main"},
                                               {"zookeeper", "zk1:2181,127.0.0.1:2181"},
                                               {"auth_file", auth.string()},
                                               {"port", "8080"}}},
                               fence);
    });
    ASSERT_TRUE(made) << made.error().detail;
    Process check({.argv = {built_program("agent/muster-agent").string(),
                            "--config",
                            (directory() / "machines/edge/edge-1-1/agent.yaml").string(),
                            "--check"},
                   .env = {},
                   .cwd = {},
                   .output = directory() / "said"});
    EXPECT_EQ(check.wait(20s), ExitStatus{}) << read_file(directory() / "said");
}

}  // namespace

}  // namespace muster::test
