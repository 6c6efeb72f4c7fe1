#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "ctl/secrets.hpp"
#include "tests/cluster/observer.hpp"
#include "tests/cluster/responder.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// Real musterd processes on a real ZooKeeper ensemble whose tree has the ACLs that `musterctl
/// init` gives it, with an observer. Blocking; the thread that makes it must outlive it. Nodes are
/// numbered from 0 and called n0, n1, ... Throws std::runtime_error, with the logs, when something
/// does not come up.
class Cluster {
 public:
    struct Settings {
        std::size_t zookeepers = 3;
        std::size_t nodes = 3;
        std::chrono::milliseconds session_timeout{2'000};
        std::chrono::milliseconds tick{200};
        int prober_threads = 1;
        std::string log_level = "info";
        std::string more_settings;  ///< of each node; "NODE" in it is its name
        std::string program;        ///< empty = musterd
        /// Where nodes find ZooKeeper, of where it is: a test may stand between them.
        std::function<std::vector<std::string>(const std::vector<std::string>&)> through;
        /// Where ZooKeeper and the nodes' answers to their peers are.
        std::string host = "127.0.0.1";
        /// Nodes on what is to them another machine, with its address. The command enters it.
        struct Elsewhere {
            std::string host;
            std::vector<std::string> enter;
            std::string more_settings{};
            /// To ask its API; null: it isn't another network.
            std::function<void(const std::function<void()>&)> inside{};
        };
        std::map<std::size_t, Elsewhere> elsewhere;
    };

    explicit Cluster(Settings settings);
    Cluster() : Cluster(Settings()) {}
    ~Cluster();

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] static NodeId name(std::size_t node) {
        return NodeId("n" + std::to_string(node));
    }
    [[nodiscard]] static std::size_t number(const NodeId& node) {
        return std::stoul(node.str().substr(1));
    }
    [[nodiscard]] Observer& observer() { return *observer_; }
    [[nodiscard]] const Observer& observer() const { return *observer_; }
    [[nodiscard]] ZooKeeperServers& zookeeper() { return zookeeper_; }
    [[nodiscard]] const ZooKeeperServers& zookeeper() const { return zookeeper_; }
    [[nodiscard]] std::string url(std::size_t node) const;
    [[nodiscard]] std::vector<std::string> zookeeper_addresses() const {
        return zookeeper_.addresses();
    }
    /// Of a node's own files.
    [[nodiscard]] std::filesystem::path state_dir(std::size_t node) const;
    /// For an agent.
    [[nodiscard]] std::filesystem::path agent_auth_file() const {
        return directory_.path() / "secrets/agent.auth";
    }

    void start(std::size_t node);
    /// The musterd proper: the guardian's child.
    [[nodiscard]] pid_t child(std::size_t node) const;
    void kill_process(
        std::size_t node);  ///< kill -9 of the child: its guardian closes the session, and ends
    void kill_host(std::size_t node);  ///< kill -9 of both: the session is left to expire
    void pause(std::size_t node);      ///< SIGSTOP to both
    void resume(std::size_t node);
    /// To the node's process, as an operator would send it.
    void signal(std::size_t node, int number);
    [[nodiscard]] std::optional<ExitStatus> wait_end(std::size_t node, std::chrono::seconds limit);
    /// SIGTERM; waits until it has left.
    ExitStatus terminate(std::size_t node, std::chrono::seconds limit);
    [[nodiscard]] bool running(std::size_t node);
    /// Of all its processes, so far.
    [[nodiscard]] std::string output(std::size_t node) const;
    [[nodiscard]] std::string logs() const;

    /// Through the API of any node that runs, the master's before others', as musterctl does.
    /// Throws when it is refused, or when none can take it.
    void apply(const config::GroupSpec& group);
    void apply(const config::FleetSpec& fleet);
    void apply(const std::string& document);
    struct HttpAnswer {
        int status = 0;  ///< 0: no answer
        std::string body;
    };
    [[nodiscard]] HttpAnswer request(const std::string& method,
                                     std::size_t node,
                                     const std::string& path,
                                     const std::string& body);
    [[nodiscard]] HttpAnswer get(std::size_t node, const std::string& path);
    [[nodiscard]] HttpAnswer post(std::size_t node,
                                  const std::string& path,
                                  const std::string& body);

    /// The master by the epoch, if it is a member.
    [[nodiscard]] std::optional<std::size_t> master() const;
    [[nodiscard]] bool wait_for_master(std::chrono::nanoseconds limit);
    /// Until every node is a member, every shard has an owner that is one, and every backend is UP.
    [[nodiscard]] bool wait_all_up(std::chrono::nanoseconds limit);
    /// Until every node that runs is a member and shards are settled (no move under way).
    [[nodiscard]] bool wait_members(std::size_t members, std::chrono::nanoseconds limit);

 private:
    struct NodeProcess {
        std::uint16_t port = 0;
        std::filesystem::path directory;
        std::optional<Process> process;
    };
    asio::awaitable<void> make_tree(coordination::Store& store) const;

    Settings settings_;
    TempDir directory_;
    ZooKeeperServers zookeeper_;
    ctl::Secrets secrets_;
    std::unique_ptr<Observer> observer_;
    std::vector<NodeProcess> nodes_;
};

/// A group of the responder's backends [first, first + count).
[[nodiscard]] config::GroupSpec make_group(const Responder& responder,
                                           const std::string& name,
                                           std::size_t first,
                                           std::size_t count,
                                           std::chrono::milliseconds interval,
                                           std::optional<int> shard_size = {});

}  // namespace muster::test
