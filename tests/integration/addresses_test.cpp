// Backends by IPv4, IPv6 and host name, each with a server of its own.
#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "deploy/quickstart/switchable_backend.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;

/// A switchable backend at an address, in a thread of its own.
class BackendAt {
 public:
    explicit BackendAt(const std::string& address)
        : server_(context_.get_executor(), clock_, {.address = address}, [this](http::Request r) {
              return backend_.answer(std::move(r));
          }) {
        const auto opened = server_.open();
        if (!opened) throw std::runtime_error(opened.error().message());
        tasks_.spawn("server", server_.run());
        thread_ = std::thread([this] { context_.run(); });
    }
    ~BackendAt() {
        asio::co_spawn(context_, tasks_.stop(), rethrow);
        thread_.join();
    }
    BackendAt(const BackendAt&) = delete;
    BackendAt& operator=(const BackendAt&) = delete;

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

 private:
    asio::io_context context_{1};
    AsioClock clock_;
    quickstart::SwitchableBackend backend_{clock_};
    http::Server server_;
    TaskGroup tasks_{context_.get_executor()};
    std::thread thread_;
};

config::Backend backend(const std::string& name, const std::string& host, std::uint16_t port) {
    return {.id = BackendId(name), .address = host, .port = port};
}

TEST(Addresses, OfEachFamilyAndByNameAreProbed) {
    const BackendAt v4("127.0.0.1");
    auto v6 = std::make_unique<BackendAt>("::1");
    Cluster cluster({.zookeepers = 1, .nodes = 2});
    config::GroupSpec group{.name = GroupName("mixed")};
    group.check = {.probe = config::HttpCheck{.path = "/health"},
                   .interval = 500ms,
                   .timeout = 400ms,
                   .fall = 2};
    group.backends = {backend("four", "127.0.0.1", v4.port()),
                      // Listens on one address of the name only: the other one refuses.
                      backend("name", "localhost", v4.port()),
                      backend("nobody", "no-such-host.invalid", v4.port()),
                      backend("six", "::1", v6->port())};
    cluster.apply(group);
    const auto letters = [](const follow::ClusterView& view) {
        std::map<std::string, Letter> found;
        for (const auto& [name, of_group] : view.groups) {
            for (const auto& [number, shard] : of_group.shards) {
                if (!shard.members || !shard.status) continue;
                const auto& slots = shard.members->value.slots;
                for (std::size_t i = 0; i < slots.size(); ++i) {
                    if (i < shard.status->value.letters.size())
                        found[slots[i].backend.str()] = shard.status->value.letters[i];
                }
            }
        }
        return found;
    };
    const auto wait = [&](const std::string& name, Letter wanted) {
        return cluster.observer().wait(30s, [&](const follow::ClusterView& view) {
            const auto found = letters(view);
            return found.contains(name) && found.at(name) == wanted;
        });
    };
    EXPECT_TRUE(wait("four", Letter::up));
    EXPECT_TRUE(wait("name", Letter::up));
    EXPECT_TRUE(wait("six", Letter::up));
    v6.reset();
    EXPECT_TRUE(wait("six", Letter::down));
    // Down where a name server says so, unknown where none answers: never up.
    const auto all = letters(cluster.observer().view());
    EXPECT_NE(all.at("nobody"), Letter::up);
    EXPECT_EQ(all.at("four"), Letter::up);
    EXPECT_EQ(all.at("name"), Letter::up);
}

}  // namespace
}  // namespace muster::test
