#include "ctl/init.hpp"

#include "common/base/task_group.hpp"
#include "common/base/with_timeout.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "ctl/secrets.hpp"
#include "ctl/tree.hpp"
#include "ctl/tree_rights.hpp"

#include <boost/asio/this_coro.hpp>

#include <filesystem>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

using coordination::Store;
using coordination::ZooKeeperStore;

asio::awaitable<Result<TreeMade>> make(Store& store,
                                       const InitOptions& options,
                                       const Secrets& secrets) {
    co_return co_await make_tree(store,
                                 znodes::Paths(options.cluster),
                                 secrets.cluster_uuid,
                                 &secrets.users,
                                 OtherUuid::refuse);
}

asio::awaitable<Result<std::vector<std::string>>> mend(ZooKeeperStore& store,
                                                       const InitOptions& options,
                                                       const Secrets& secrets) {
    co_return co_await mend_rights(store, znodes::Paths(options.cluster), secrets.users);
}

asio::awaitable<Result<std::vector<std::string>>> check(Store& anonymous,
                                                        const InitOptions& options) {
    co_return co_await find_open_doors(anonymous, znodes::Paths(options.cluster));
}

ZooKeeperStore::Settings settings_for(const InitOptions& options, const User* user) {
    ZooKeeperStore::Settings settings{.servers = options.zookeeper,
                                      .session_timeout = std::chrono::seconds(10)};
    if (user) settings.digest = user->name + ":" + user->password;
    return settings;
}

Exit explain(std::ostream& err, const InitOptions& options, const Error& error) {
    err << "error: " << error.message() << '\n';
    if (error.code == coordination::Errc::no_auth) {
        err << "  the tree is there, and the users in " << options.secrets
            << " may not use it: give the directory of its first init with --secrets\n";
        return Exit::conflict;
    }
    if (error.code == TreeErrc::other_cluster || error.code == TreeErrc::foreign_tree) {
        err << "  nothing was changed; choose another name with --cluster\n";
        return Exit::conflict;
    }
    const bool unreachable =
        error.code == coordination::Errc::not_connected || error.code == std::errc::timed_out;
    return unreachable ? Exit::unreachable : Exit::failed;
}

Exit report_doors(std::ostream& out, std::ostream& err, const std::vector<std::string>& doors) {
    if (doors.empty()) {
        out << "a session without credentials can neither read, write nor delete\n";
        return Exit::ok;
    }
    err << "error: without any credentials one can\n";
    for (const std::string& door : doors) err << "  " << door << '\n';
    err << "  is zookeeper.skipACL set, or were these nodes made by something else?\n";
    return Exit::failed;
}

asio::awaitable<Exit> make_and_check(Clock& clock,
                                     std::ostream& out,
                                     std::ostream& err,
                                     const InitOptions& options,
                                     const Secrets& secrets,
                                     ZooKeeperStore& store,
                                     Store& anonymous) {
    const auto made = co_await with_timeout(clock, options.timeout, make(store, options, secrets));
    if (!made) co_return explain(err, options, made.error());
    out << "cluster " << options.cluster << " (" << made->cluster << "): "
        << (made->created > 0 ? std::to_string(made->created) + " nodes made" : "all was there")
        << "\n";
    const auto mended =
        co_await with_timeout(clock, options.timeout, mend(store, options, secrets));
    if (!mended) co_return explain(err, options, mended.error());
    for (const std::string& change : *mended) out << "rights mended: " << change << '\n';
    const auto doors = co_await with_timeout(clock, options.timeout, check(anonymous, options));
    if (!doors) co_return explain(err, options, doors.error());
    co_return report_doors(out, err, *doors);
}

}  // namespace

asio::awaitable<Exit> init(Clock& clock,
                           std::ostream& out,
                           std::ostream& err,
                           InitOptions options) {
    const auto secrets = load_or_make_secrets(options.secrets);
    if (!secrets) {
        err << "error: " << secrets.error().message() << '\n';
        co_return Exit::failed;
    }
    const auto executor = co_await asio::this_coro::executor;
    ZooKeeperStore store(executor, clock, settings_for(options, &secrets->users.node));
    ZooKeeperStore anonymous(executor, clock, settings_for(options, nullptr));
    TaskGroup tasks(executor);
    tasks.spawn("store", store.run());
    tasks.spawn("anonymous store", anonymous.run());
    const Exit exit = co_await make_and_check(clock, out, err, options, *secrets, store, anonymous);
    co_await store.close();
    co_await anonymous.close();
    co_await tasks.stop();
    if (exit == Exit::ok) {
        const std::string directory = std::filesystem::absolute(options.secrets).string();
        out << "secrets are in " << directory << "; for each musterd set\n"
            << "  cluster: " << options.cluster << "\n"
            << "  zookeeper_auth_file: " << directory << "/node.auth\n"
            << "  cluster_secret_file: " << directory << "/cluster.secret\n";
    }
    co_return exit;
}

}  // namespace muster::ctl
