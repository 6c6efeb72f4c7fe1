#include "agent/envoy_driver.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/file_descriptor.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "tests/agent/lb_samples.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>

namespace muster::agent {
namespace {

using test::server;
using test::web;
using testing::ElementsAre;
using testing::IsEmpty;

class EnvoyFiles : public testing::Test {
 protected:
    EnvoyFiles() { settings_.directory = directory_.path(); }

    Result<Applied> apply(const LbState& state) { return run(driver().apply(state)); }

    EnvoyDriver& driver() {
        if (!driver_) driver_ = std::make_unique<EnvoyDriver>(settings_, clock_);
        return *driver_;
    }

    template <class T>
    T run(asio::awaitable<T> task) {
        std::optional<T> result;
        const auto keep = [&]() -> asio::awaitable<void> {
            result = co_await std::move(task);
            io_.stop();
        };
        asio::co_spawn(io_, keep(), test::rethrow);
        io_.restart();
        io_.run();
        return std::move(result.value());
    }

    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
            if (entry.is_regular_file())
                names.push_back(entry.path().lexically_relative(directory_.path()));
        }
        std::ranges::sort(names);
        return names;
    }

    test::TempDir directory_;
    EnvoySettings settings_;
    AsioClock clock_;
    asio::io_context io_;
    std::unique_ptr<EnvoyDriver> driver_;
};

/// What a directory's watchers see, as Envoy does.
class Moves {
 public:
    explicit Moves(const std::string& directory) : watch_(::inotify_init1(IN_NONBLOCK)) {
        ::inotify_add_watch(watch_.get(), directory.c_str(), IN_MOVED_TO);
    }
    /// Names that something was moved to, since the last call.
    std::vector<std::string> seen() {
        std::vector<std::string> names;
        alignas(inotify_event) std::array<char, 4096> block{};
        const ssize_t size = ::read(watch_.get(), block.data(), block.size());
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(&block[at]);
            names.emplace_back(event->name);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
        return names;
    }

 private:
    FileDescriptor watch_;
};

TEST_F(EnvoyFiles, AreMovedIntoPlaceWhenTheyChangeAndOnlyThen) {
    EXPECT_EQ(apply(web({server("a")})), (Applied{.commands = 2}));
    EXPECT_THAT(files(), ElementsAre("clusters.json", "endpoints/web.json"));
    Moves clusters(directory_.path());
    Moves endpoints(directory_ / "endpoints");
    EXPECT_EQ(apply(web({server("a")})), Applied());
    EXPECT_THAT(endpoints.seen(), IsEmpty());
    LbState state = web({server("a")});
    state.pools[0].servers[0].state = ServerState::drain;
    EXPECT_EQ(apply(state), (Applied{.commands = 1}));
    EXPECT_THAT(endpoints.seen(), ElementsAre("web.json"));
    EXPECT_THAT(clusters.seen(), IsEmpty()) << "a flip is no matter of clusters";
    state.pools[0].lb.algorithm = config::Algorithm::maglev;
    EXPECT_EQ(apply(state)->commands, 1);
    EXPECT_THAT(clusters.seen(), ElementsAre("clusters.json"));
    EXPECT_EQ(test::read_file(directory_ / "endpoints/web.json"),
              render_envoy(state, settings_)->endpoints.at("endpoints/web.json"));
}

TEST_F(EnvoyFiles, OfAGroupComeAndGoWithIt) {
    LbState both = web({server("a")});
    both.pools.push_back(test::pool("api", {server("x")}));
    both.listeners[0].routes = {{.path = "/api", .group = GroupName("api")}};
    ASSERT_TRUE(apply(both));
    EXPECT_THAT(files(), ElementsAre("clusters.json", "endpoints/api.json", "endpoints/web.json"));
    directory_.write("endpoints/README", "not ours");
    EXPECT_EQ(apply(web({server("a")})), (Applied{.commands = 2}));
    EXPECT_THAT(files(), ElementsAre("clusters.json", "endpoints/README", "endpoints/web.json"));
}

TEST_F(EnvoyFiles, ThatSomebodyChangedAreMended) {
    ASSERT_TRUE(apply(web({server("a")})));
    directory_.write("endpoints/web.json", "{}");
    EXPECT_EQ(apply(web({server("a")})), (Applied{.commands = 1}));
}

TEST_F(EnvoyFiles, OfHostileValuesAreNotMade) {
    EXPECT_EQ(apply(web({server("a b")})).error().code, EnvoyErrc::hostile_value);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(EnvoyFiles, ThatCanNotBeWrittenAreAnError) {
    directory_.write("endpoints", "a file");
    EXPECT_FALSE(apply(web({server("a")})));
}

TEST_F(EnvoyFiles, AreServedWhenItsAdminSaysSoAndTheListenersAccept) {
    int status = 503;
    const auto answer = [&status](http::Request) -> asio::awaitable<http::Reply> {
        co_return http::Response::text(status, "PRE_INITIALIZING");
    };
    http::Server server(io_.get_executor(), clock_, http::ServerSettings(), answer);
    ASSERT_TRUE(server.open());
    TaskGroup tasks(io_.get_executor());
    tasks.spawn("admin", server.run());
    settings_.admin = fmt::format("127.0.0.1:{}", server.port());
    LbState state = web({test::server("a")});
    state.listeners[0].port = server.port();
    ASSERT_TRUE(apply(state));
    EXPECT_EQ(run(driver().check()).error().code, EnvoyErrc::not_ready);
    status = 200;
    EXPECT_TRUE(run(driver().check()));
    state.listeners[0].port = test::free_port();
    ASSERT_TRUE(apply(state));
    EXPECT_EQ(run(driver().check()).error().context,
              fmt::format("listener 'front' on port {}", state.listeners[0].port));
    const auto stop = [&tasks]() -> asio::awaitable<Result<void>> {
        co_await tasks.stop();
        co_return Result<void>();
    };
    EXPECT_TRUE(run(stop()));
}

}  // namespace
}  // namespace muster::agent
