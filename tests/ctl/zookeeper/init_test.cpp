#include "ctl/init.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/znodes/paths.hpp"
#include "ctl/secrets.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <sstream>

namespace muster::ctl {
namespace {

using coordination::CreateOp;
using coordination::SetOp;
using coordination::Watch;
using coordination::ZooKeeperStore;
using testing::HasSubstr;

std::error_code code_of(const auto& result) {
    return result ? std::error_code{} : result.error().code;
}

/// What a user may do with the tree, tried for real.
struct Rights {
    std::error_code read;
    std::error_code write;
    std::error_code create;
    std::error_code create_below_agents;
    std::error_code create_below_evidence;
};

asio::awaitable<Rights> try_rights(Clock& clock, ZooKeeperStore::Settings settings) {
    const znodes::Paths paths("main");
    const auto executor = co_await asio::this_coro::executor;
    ZooKeeperStore store(executor, clock, std::move(settings));
    TaskGroup tasks(executor);
    tasks.spawn("store", store.run());
    Rights rights;
    rights.read = code_of(co_await store.get(paths.control(), Watch::none));
    const SetOp write{.path = paths.election(), .data = "x"};
    rights.write = code_of(co_await coordination::set(store, write));
    CreateOp create{.path = paths.members() + "/x"};
    rights.create = code_of(co_await coordination::create(store, create));
    create.path = paths.agents() + "/x";
    rights.create_below_agents = code_of(co_await coordination::create(store, create));
    create.path = paths.evidence() + "/x";
    rights.create_below_evidence = code_of(co_await coordination::create(store, create));
    co_await store.close();
    co_await tasks.stop();
    co_return rights;
}

class Init : public testing::Test {
 protected:
    Exit run_init(const std::vector<std::string>& servers,
                  const std::string& secrets = "secrets",
                  std::chrono::nanoseconds timeout = std::chrono::seconds(20)) {
        out_.str("");
        err_.str("");
        return run(init(clock_,
                        out_,
                        err_,
                        {.zookeeper = servers,
                         .secrets = (directory_ / secrets).string(),
                         .timeout = timeout}));
    }

    Rights rights_of(const std::vector<std::string>& servers, const User* user) {
        ZooKeeperStore::Settings settings{.servers = servers};
        if (user) settings.digest = user->name + ":" + user->password;
        return run(try_rights(clock_, std::move(settings)));
    }

    template <class T>
    T run(asio::awaitable<T> task) {
        T result{};
        std::exception_ptr failure;
        io_.restart();
        asio::co_spawn(io_, std::move(task), [&](std::exception_ptr error, T value) {
            failure = error;
            result = std::move(value);
        });
        io_.run();
        if (failure) std::rethrow_exception(failure);
        return result;
    }

    asio::io_context io_{1};
    AsioClock clock_;
    test::TempDir directory_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(Init, MakesATreeThatKeepsStrangersOut) {
    const test::ZooKeeperServers zookeeper;
    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("nodes made"));
    EXPECT_THAT(out_.str(), HasSubstr("can neither read, write nor delete"));

    const auto secrets = load_or_make_secrets(directory_ / "secrets");
    ASSERT_TRUE(secrets);
    const std::error_code fine;
    const std::error_code refused = coordination::Errc::no_auth;
    const Rights node = rights_of(zookeeper.addresses(), &secrets->users.node);
    EXPECT_EQ(node.read, fine);
    EXPECT_EQ(node.write, fine);
    EXPECT_EQ(node.create, fine);
    const Rights agent = rights_of(zookeeper.addresses(), &secrets->users.agent);
    EXPECT_EQ(agent.read, fine);
    EXPECT_EQ(agent.write, refused);
    EXPECT_EQ(agent.create, refused);
    EXPECT_EQ(agent.create_below_agents, coordination::Errc::node_exists) << "the node's";
    EXPECT_EQ(agent.create_below_evidence, coordination::Errc::node_exists) << "the node's";
    const Rights reader = rights_of(zookeeper.addresses(), &secrets->users.reader);
    EXPECT_EQ(reader.read, fine);
    EXPECT_EQ(reader.write, refused);
    EXPECT_EQ(reader.create_below_agents, refused);
    EXPECT_EQ(reader.create_below_evidence, refused);
    const Rights anonymous = rights_of(zookeeper.addresses(), nullptr);
    EXPECT_EQ(anonymous.read, refused);
    EXPECT_EQ(anonymous.write, refused);

    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("all was there"));
}

/// Makes nodes anew with other rights, as an earlier build would have.
asio::awaitable<std::error_code> set_rights(Clock& clock,
                                            ZooKeeperStore::Settings settings,
                                            std::string path,
                                            std::vector<coordination::Acl> acl) {
    ZooKeeperStore store(co_await asio::this_coro::executor, clock, std::move(settings));
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("store", store.run());
    const auto set = co_await store.set_acl(path, std::move(acl));
    const auto is = co_await store.acl(std::move(path));
    EXPECT_TRUE(is);
    co_await store.close();
    co_await tasks.stop();
    co_return code_of(set);
}

TEST_F(Init, MendsTheRightsThatAnEarlierBuildHasGiven) {
    const test::ZooKeeperServers zookeeper;
    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    const TreeUsers users = load_or_make_secrets(directory_ / "secrets")->users;
    const znodes::Paths paths("main");
    const auto give =
        [&](const User& who, const std::string& path, std::vector<coordination::Acl> acl) {
            return run(set_rights(
                clock_,
                {.servers = zookeeper.addresses(), .digest = who.name + ":" + who.password},
                path,
                std::move(acl)));
        };
    EXPECT_EQ(give(users.reader, paths.audit(), acl_for(users, paths, paths.audit())),
              coordination::Errc::no_auth);
    // Agents could only read, and everybody could read the members.
    const std::error_code fine;
    ASSERT_EQ(give(users.node, paths.agents(), acl_for(users, paths, paths.members())), fine);
    std::vector<coordination::Acl> open = acl_for(users, paths, paths.members());
    open.push_back({.scheme = "world", .id = "anyone", .permissions = 1});
    ASSERT_EQ(give(users.node, paths.members(), open), fine);
    EXPECT_EQ(rights_of(zookeeper.addresses(), &users.agent).create_below_agents,
              coordination::Errc::no_auth);

    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    EXPECT_THAT(out_.str(),
                HasSubstr("rights mended: /muster/main/agents: muster-agent may do everything; "
                          "muster-node may do everything; muster-reader may read; it was: "
                          "muster-agent may read; muster-node may do everything; "
                          "muster-reader may read\n"));
    EXPECT_THAT(out_.str(), HasSubstr("rights mended: /muster/main/members: "));
    EXPECT_THAT(out_.str(), HasSubstr("muster-reader may read; anyone may read\n"));
    EXPECT_EQ(rights_of(zookeeper.addresses(), &users.agent).create_below_agents, fine);

    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    EXPECT_THAT(out_.str(), testing::Not(HasSubstr("mended")));
}

TEST_F(Init, LeavesTheClusterOfOtherSecretsAlone) {
    const test::ZooKeeperServers zookeeper;
    ASSERT_EQ(run_init(zookeeper.addresses()), Exit::ok) << err_.str();
    EXPECT_EQ(run_init(zookeeper.addresses(), "other"), Exit::conflict);
    EXPECT_THAT(err_.str(), HasSubstr("may not use it"));
}

TEST_F(Init, FailsWhereAclsAreSwitchedOff) {
    test::ZooKeeperServers::Settings settings;
    settings.java_options = {"-Dzookeeper.skipACL=yes"};
    const test::ZooKeeperServers zookeeper(settings);
    EXPECT_EQ(run_init(zookeeper.addresses()), Exit::failed);
    EXPECT_THAT(err_.str(), HasSubstr("read /muster/main"));
    EXPECT_THAT(err_.str(), HasSubstr("delete below /muster/main/epoch"));
    EXPECT_THAT(err_.str(), HasSubstr("skipACL"));
}

TEST_F(Init, SaysSoWhenZooKeeperIsNotThere) {
    EXPECT_EQ(run_init({"127.0.0.1:1"}, "secrets", std::chrono::seconds(1)), Exit::unreachable);
    EXPECT_THAT(err_.str(), HasSubstr("error: "));
}

}  // namespace
}  // namespace muster::ctl
