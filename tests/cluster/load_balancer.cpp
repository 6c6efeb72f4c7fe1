#include "tests/cluster/load_balancer.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/file_descriptor.hpp"
#include "common/http/client.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace muster::test {

using namespace std::chrono_literals;

namespace {

std::string fetch(const std::string& url) {
    asio::io_context context(1);
    AsioClock clock;
    std::string body;
    const auto ask =
        [](Clock& its_clock, std::string what, std::string& out) -> asio::awaitable<void> {
        const Result<http::Response> response =
            co_await http::fetch(its_clock, {.url = std::move(what), .timeout = 5s});
        if (response) out = response->body;
    };
    asio::co_spawn(context, ask(clock, url, body), rethrow);
    context.run();
    return body;
}

}  // namespace

HistogramReading::HistogramReading(const std::string& text, const std::string& name) {
    const std::string begin = name + "_bucket{le=\"";
    for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        at += begin.size();
        const double bound = std::strtod(text.c_str() + at, nullptr);  // "+Inf", too
        below_[bound] = std::strtod(text.c_str() + text.find(' ', at), nullptr);
    }
}

void HistogramReading::add(const HistogramReading& after, const HistogramReading& before) {
    for (const auto& [bound, count] : after.below_) {
        const auto was = before.below_.find(bound);
        below_[bound] += count - (was == before.below_.end() ? 0 : was->second);
    }
}

double HistogramReading::at(double share) const {
    for (const auto& [bound, count] : below_) {
        if (count >= share * this->count()) return bound;
    }
    return 0;
}

LoadBalancer::LoadBalancer(const Cluster& cluster, Settings settings)
    : settings_(std::move(settings)),
      agent_port_(settings_.agent_port != 0 ? settings_.agent_port : free_port()) {
    std::ofstream config(directory_.path() / "agent.yaml");
    config << fmt::format(
        "zookeeper: [\"{0}\"]\nzookeeper_auth_file: {1}\nfleet: {2}\ninstance: {3}\n"
        "bind_address: {4}\nlisten: {4}:{5}\nstate_dir: {6}\nsession_timeout: 4s\n"
        "haproxy:\n  config_file: {6}/haproxy.cfg\n  stats_socket: {6}/admin.sock\n"
        "  master_socket: {6}/master.sock\n  state_file: {6}/state\n"
        "  peers_socket: {6}/peers.sock\n{7}{8}",
        fmt::join(cluster.zookeeper_addresses(), "\", \""),
        cluster.agent_auth_file().string(),
        settings_.fleet,
        settings_.instance,
        settings_.bind_address,
        agent_port_,
        directory_.path().string(),
        settings_.more_settings,
        settings_.address.empty() ? "" : "address: " + settings_.address + "\n");
}

void LoadBalancer::start() {
    start_agent();
    if (!eventually(20s,
                    [&] { return std::filesystem::exists(directory_.path() / "haproxy.cfg"); }))
        throw std::runtime_error("the agent writes no configuration:\n" + logs());
    start_haproxy();
    if (!wait_in_step(20s)) throw std::runtime_error("the LB does not come up:\n" + logs());
}

std::vector<std::string> LoadBalancer::entered(std::vector<std::string> command) const {
    command.insert(command.begin(), settings_.enter.begin(), settings_.enter.end());
    return command;
}

void LoadBalancer::start_agent() {
    agent_.emplace(ProcessSettings{
        .argv = entered({MUSTER_AGENT, "--config", (directory_.path() / "agent.yaml").string()}),
        .output = directory_.path() / "agent.log"});
}

void LoadBalancer::start_haproxy() {
    haproxy_.emplace(
        ProcessSettings{.argv = entered({"/usr/sbin/haproxy",
                                         "-W",
                                         "-S",
                                         (directory_.path() / "master.sock").string(),
                                         "-f",
                                         (directory_.path() / "haproxy.cfg").string()}),
                        .output = directory_.path() / "haproxy.log"});
}

boost::json::value LoadBalancer::state() const {
    boost::system::error_code error;
    return boost::json::parse(
        fetch(fmt::format("http://{}:{}/state", settings_.bind_address, agent_port_)), error);
}

std::optional<double> LoadBalancer::metric(const std::string& name) const {
    const std::string text = "\n" + metrics();
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

HistogramReading LoadBalancer::histogram(const std::string& name) const {
    return {metrics(), name};
}

std::string LoadBalancer::metrics() const {
    return fetch(fmt::format("http://{}:{}/metrics", settings_.bind_address, agent_port_));
}

bool LoadBalancer::wait_in_step(std::chrono::seconds limit) const {
    return eventually(limit, [&] {
        return metric("muster_agent_in_step") == 1 && metric("muster_agent_lb_accepting") == 1;
    });
}

std::string LoadBalancer::tell_haproxy(const std::string& command) const {
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX};
    const std::string path = (directory_.path() / "admin.sock").string();
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    // The socket API's own cast.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    const std::string line = command + "\n";
    if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return {};
    std::string answer;
    std::array<char, 65536> buffer{};
    for (ssize_t got = 0; (got = ::read(socket.get(), buffer.data(), buffer.size())) > 0;)
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    return answer;
}

std::string LoadBalancer::server(const std::string& backend, const std::string& name) const {
    const std::string table = tell_haproxy("show servers state " + backend);
    for (std::size_t at = 0; at < table.size();) {
        const std::size_t end = std::min(table.find('\n', at), table.size());
        std::array<char, 64> server_name{};
        unsigned admin = 0;
        unsigned weight = 0;
        // be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight; of the
        // admin state that bit 2 says how the server began, not how it is.
        if (std::sscanf(table.substr(at, end - at).c_str(),
                        "%*s %*s %*s %63s %*s %*s %u %u",
                        server_name.data(),
                        &admin,
                        &weight) == 3 &&
            name == server_name.data()) {
            const char* const state = (admin & 0x03U) != 0   ? "maintenance"
                                      : (admin & 0x18U) != 0 ? "drain"
                                                             : "ready";
            return fmt::format("{} {}", state, weight);
        }
        at = end + 1;
    }
    return "none";
}

int LoadBalancer::worker_pid() const {
    const std::string info = tell_haproxy("show info");
    const std::size_t at = info.find("\nPid: ");
    return at == std::string::npos ? 0 : std::atoi(info.c_str() + at + 6);
}

std::string LoadBalancer::logs() const {
    std::string all = "agent:\n";
    if (agent_) all += agent_->output();
    all += "haproxy:\n";
    if (haproxy_) all += haproxy_->output();
    return all;
}

}  // namespace muster::test
