#include "tests/cluster/cluster.hpp"

#include "common/base/asio_clock.hpp"
#include "common/config/decode.hpp"
#include "common/http/client.hpp"
#include "ctl/tree.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace muster::test {

using namespace std::chrono_literals;
using follow::ClusterView;
using znodes::Letter;

Cluster::Cluster(Settings settings)
    : settings_(std::move(settings)),
      zookeeper_({.servers = settings_.zookeepers, .host = settings_.host, .tick = settings_.tick}),
      secrets_(ctl::load_or_make_secrets(directory_.path() / "secrets").value()),
      observer_(std::make_unique<Observer>(zookeeper_.addresses(), "main", secrets_.users)) {
    observer_->with_store([this](coordination::Store& store) { return make_tree(store); });
    const std::vector<std::string> servers =
        settings_.through ? settings_.through(zookeeper_.addresses()) : zookeeper_.addresses();
    for (std::size_t i = 0; i < settings_.nodes; ++i) {
        NodeProcess& node = nodes_.emplace_back();
        const auto elsewhere = settings_.elsewhere.find(i);
        node.port = free_port();
        node.directory = directory_.path() / name(i).str();
        std::filesystem::create_directories(node.directory);
        std::ofstream config(node.directory / "musterd.yaml");
        config
            << fmt::format(
                   "node: {}\ncluster: main\nzookeeper: [\"{}\"]\nsession_timeout: "
                   "{}ms\nzookeeper_tick: "
                   "{}ms\n"
                   "zookeeper_auth_file: {}\ncluster_secret_file: {}\nprober_threads: {}\nlisten: "
                   "\"127.0.0.1:{}\"\npeer_listen: \"{}:0\"\nstate_dir: "
                   "{}\nlog: {{level: {}}}\n",
                   name(i).str(),
                   fmt::join(servers, "\", \""),
                   settings_.session_timeout.count() * slowdown(),
                   settings_.tick.count(),
                   (directory_.path() / "secrets/node.auth").string(),
                   (directory_.path() / "secrets/cluster.secret").string(),
                   settings_.prober_threads,
                   node.port,
                   elsewhere == settings_.elsewhere.end() ? settings_.host : elsewhere->second.host,
                   node.directory.string(),
                   settings_.log_level)
            << boost::replace_all_copy(settings_.more_settings, "NODE", name(i).str());
        if (elsewhere != settings_.elsewhere.end())
            config << boost::replace_all_copy(
                elsewhere->second.more_settings, "NODE", name(i).str());
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
    if (!wait_members(nodes_.size(), 30s) || !wait_for_master(10s)) {
        throw std::runtime_error("the cluster does not come up:\n" + logs());
    }
}

std::filesystem::path Cluster::state_dir(std::size_t node) const {
    return nodes_[node].directory;
}

asio::awaitable<void> Cluster::make_tree(coordination::Store& store) const {
    for (int tries = 0; tries < 100; ++tries) {
        const auto made = co_await ctl::make_tree(
            store, znodes::Paths("main"), secrets_.cluster_uuid, &secrets_.users);
        if (made) co_return;
    }
    throw std::runtime_error("the tree can't be made");
}

Cluster::~Cluster() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].process) kill_host(i);
    }
}

std::string Cluster::logs() const {
    std::string all;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        all += fmt::format("--- {}\n{}\n", name(i).str(), output(i));
    return all;
}

std::string Cluster::url(std::size_t node) const {
    return fmt::format("http://127.0.0.1:{}", nodes_[node].port);
}

void Cluster::start(std::size_t node) {
    NodeProcess& own = nodes_[node];
    ProcessSettings process{.output = own.directory / "log"};
    if (const auto elsewhere = settings_.elsewhere.find(node);
        elsewhere != settings_.elsewhere.end())
        process.argv = elsewhere->second.enter;
    process.argv.push_back(settings_.program.empty() ? MUSTERD : settings_.program);
    process.argv.emplace_back("--config");
    process.argv.push_back((own.directory / "musterd.yaml").string());
    own.process.emplace(process);
}

pid_t Cluster::child(std::size_t node) const {
    const std::vector<pid_t> children = children_of(nodes_[node].process->pid());
    if (children.empty())
        throw std::runtime_error(name(node).str() + " has no child process:\n" + output(node));
    return children.front();
}

void Cluster::kill_process(std::size_t node) {
    const pid_t pid = child(node);
    if (pid > 1) ::kill(pid, SIGKILL);
}

void Cluster::kill_host(std::size_t node) {
    std::optional<Process>& process = nodes_[node].process;
    if (!process) return;
    // Both stand still first, so that the guardian can't notice and close the session.
    process->pause();
    for (const pid_t pid : children_of(process->pid())) {
        if (pid > 1) ::kill(pid, SIGKILL);
    }
    process->kill();
    process.reset();
}

void Cluster::pause(std::size_t node) {
    nodes_[node].process->pause();
    freeze(child(node));
}

void Cluster::resume(std::size_t node) {
    thaw(child(node));
    nodes_[node].process->resume();
}

void Cluster::signal(std::size_t node, int number) {
    nodes_[node].process->signal(number);
}

std::optional<ExitStatus> Cluster::wait_end(std::size_t node, std::chrono::seconds limit) {
    return nodes_[node].process->wait(limit * slowdown());
}

ExitStatus Cluster::terminate(std::size_t node, std::chrono::seconds limit) {
    return nodes_[node].process->terminate(limit * slowdown());
}

bool Cluster::running(std::size_t node) {
    return nodes_[node].process && nodes_[node].process->running();
}

std::string Cluster::output(std::size_t node) const {
    return read_file(nodes_[node].directory / "log");
}

Cluster::HttpAnswer Cluster::request(const std::string& method,
                                     std::size_t node,
                                     const std::string& path,
                                     const std::string& body) {
    asio::io_context context(1);
    AsioClock clock;
    HttpAnswer answer;
    const auto ask =
        [](Clock& its_clock, http::ClientRequest what, HttpAnswer& out) -> asio::awaitable<void> {
        const Result<http::Response> response = co_await http::fetch(its_clock, std::move(what));
        if (response) out = {.status = response->status, .body = response->body};
    };
    http::ClientRequest what{
        .method = method, .url = url(node) + path, .body = body, .timeout = 20s};
    if (!body.empty()) what.fields.push_back({.name = "Content-Type", .value = "application/json"});
    asio::co_spawn(context, ask(clock, std::move(what), answer), rethrow);
    const auto elsewhere = settings_.elsewhere.find(node);
    if (elsewhere != settings_.elsewhere.end() && elsewhere->second.inside)
        elsewhere->second.inside([&] { context.run(); });
    else
        context.run();
    return answer;
}

Cluster::HttpAnswer Cluster::get(std::size_t node, const std::string& path) {
    return request("GET", node, path, "");
}

Cluster::HttpAnswer Cluster::post(std::size_t node,
                                  const std::string& path,
                                  const std::string& body) {
    return request("POST", node, path, body);
}

void Cluster::apply(const config::GroupSpec& group) {
    apply(boost::json::serialize(config::encode(group)));
}

void Cluster::apply(const config::FleetSpec& fleet) {
    apply(boost::json::serialize(config::encode(fleet)));
}

void Cluster::apply(const std::string& document) {
    HttpAnswer answer;
    const bool taken = eventually(30s, [&] {
        std::vector<std::size_t> nodes(size());
        std::iota(nodes.begin(), nodes.end(), std::size_t{0});
        if (const auto first = master()) std::swap(nodes.front(), nodes[*first]);
        return std::ranges::any_of(nodes, [&](std::size_t node) {
            if (!running(node)) return false;
            answer = post(node, "/api/v1/apply", document);
            return answer.status != 0 && answer.status != 503;
        });
    });
    if (!taken || answer.status >= 300)
        throw std::runtime_error(fmt::format("apply: {} {}", answer.status, answer.body));
}

std::optional<std::size_t> Cluster::master() const {
    const follow::ClusterView view = observer_->view();
    if (!view.epoch || !view.members.contains(view.epoch->value.node)) return std::nullopt;
    return number(view.epoch->value.node);
}

bool Cluster::wait_for_master(std::chrono::nanoseconds limit) {
    return observer_->wait(limit, [](const follow::ClusterView& view) {
        return view.epoch && view.members.contains(view.epoch->value.node);
    });
}

bool Cluster::wait_members(std::size_t members, std::chrono::nanoseconds limit) {
    return observer_->wait(limit, [&](const follow::ClusterView& view) {
        if (view.members.size() != members || view.assignments.size() < members) return false;
        return std::ranges::all_of(view.members, [&](const auto& member) {
            const auto assignment = view.assignments.find(member.first);
            return assignment != view.assignments.end() &&
                   assignment->second.value.incarnation == member.second.value.incarnation &&
                   std::ranges::none_of(assignment->second.value.shards,
                                        [](const znodes::AssignedShard& shard) {
                                            return shard.role != znodes::Role::own;
                                        });
        });
    });
}

bool Cluster::wait_all_up(std::chrono::nanoseconds limit) {
    return observer_->wait(limit, [](const follow::ClusterView& view) {
        std::size_t wanted = 0;
        for (const auto& [name, group] : view.groups) {
            if (group.head && !group.head->value.deleted && !group.live()) return false;
            if (group.live()) wanted += group.spec->backends.size();
        }
        return wanted > 0 && Observer::count(view, Letter::up) == wanted;
    });
}

config::GroupSpec make_group(const Responder& responder,
                             const std::string& name,
                             std::size_t first,
                             std::size_t count,
                             std::chrono::milliseconds interval,
                             std::optional<int> shard_size) {
    config::GroupSpec group{
        .name = GroupName(name),
        .check = {.interval = interval, .timeout = std::min<config::Duration>(interval, 1s)},
        .shard_size = shard_size};
    for (std::size_t i = first; i < first + count; ++i) {
        group.backends.push_back({.id = BackendId(responder.address(i)),
                                  .address = responder.host(i),
                                  .port = responder.port()});
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

}  // namespace muster::test
