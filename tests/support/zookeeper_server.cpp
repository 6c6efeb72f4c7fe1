#include "tests/support/zookeeper_server.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

constexpr std::chrono::seconds answer_limit{1};

class Socket {
 public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }
    [[nodiscard]] int fd() const { return fd_; }

 private:
    int fd_;
};

bool connect_to(int fd, const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = inet_addr(host.c_str());
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

ZooKeeperServers::ZooKeeperServers(Settings settings)
    : settings_(std::move(settings)), servers_(settings_.servers) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& server = servers_[i];
        server.port = free_port();
        if (servers_.size() > 1) {
            server.quorum_port = free_port();
            server.election_port = free_port();
        }
        server.directory = directory_ / fmt::format("server-{}", i);
    }
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        configure(i);
        start(i);
    }
    wait_until_serving();
}

ZooKeeperServers::~ZooKeeperServers() {
    for (Server& server : servers_)
        if (server.process) server.process->kill();
}

void ZooKeeperServers::configure(std::size_t number) {
    const Server& server = servers_[number];
    std::filesystem::create_directories(server.directory / "data");
    const std::string name = server.directory.filename().string();
    std::string config = fmt::format(
        "tickTime={}\n"
        "dataDir={}\n"
        "minSessionTimeout={}\n"
        "maxSessionTimeout={}\n"
        "maxClientCnxns=0\n"
        "admin.enableServer=false\n"
        "4lw.commands.whitelist=*\n"
        "snapCount=1000000\n"
        "autopurge.purgeInterval=0\n",
        settings_.tick.count(),
        (server.directory / "data").string(),
        settings_.min_session_timeout.count(),
        settings_.max_session_timeout.count());
    if (servers_.size() == 1) {
        config += fmt::format("clientPortAddress={}\nclientPort={}\n", settings_.host, server.port);
    } else {
        // Counted in ticks; short ticks would leave a follower no time to load.
        const auto ticks = std::max<std::int64_t>(10, 5000 / settings_.tick.count());
        config +=
            fmt::format("standaloneEnabled=false\ninitLimit={}\nsyncLimit={}\n", 2 * ticks, ticks);
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            const Server& peer = servers_[i];
            config += fmt::format("server.{}={}:{}:{}:participant;{}:{}\n",
                                  i + 1,
                                  settings_.host,
                                  peer.quorum_port,
                                  peer.election_port,
                                  settings_.host,
                                  peer.port);
        }
        directory_.write(name + "/data/myid", fmt::format("{}\n", number + 1));
    }
    directory_.write(name + "/zoo.cfg", config);
}

void ZooKeeperServers::start(std::size_t number) {
    Server& server = servers_[number];
    ProcessSettings process;
    process.argv = {"java",
                    "-XX:+UseSerialGC",
                    "-Xms16m",
                    "-Xmx256m",
                    "-Xss256k",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-Djava.net.preferIPv4Stack=true",
                    "-Dzookeeper.cnxTimeout=500"};
    if (!settings_.durable) process.argv.emplace_back("-Dzookeeper.forceSync=no");
    for (const std::string& option : settings_.java_options) process.argv.push_back(option);
    for (const char* argument : {"-cp",
                                 "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
                                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                 "org.apache.zookeeper.server.quorum.QuorumPeerMain"})
        process.argv.emplace_back(argument);
    process.argv.push_back((server.directory / "zoo.cfg").string());
    process.cwd = server.directory;
    process.output = server.directory / "output.log";
    server.process.emplace(process);
    server.paused = false;
}

void ZooKeeperServers::wait_until_serving() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        const bool serves = eventually(settings_.start_limit, [&] {
            Server& server = servers_[i];
            if (!server.process || server.paused) return true;
            if (!server.process->running())
                throw std::runtime_error("a ZooKeeper server ended at once:\n" + output());
            return !mode(i).empty();
        });
        if (!serves) throw std::runtime_error("ZooKeeper does not come up:\n" + output());
    }
}

void ZooKeeperServers::kill(std::size_t number) {
    std::optional<Process>& process = servers_[number].process;
    if (process) process->kill();
    process.reset();
}

void ZooKeeperServers::stop(std::size_t number) {
    std::optional<Process>& process = servers_[number].process;
    if (process) process->terminate();
    process.reset();
}

void ZooKeeperServers::pause(std::size_t number) {
    Server& server = servers_[number];
    if (server.process) server.process->pause();
    server.paused = true;
}

void ZooKeeperServers::resume(std::size_t number) {
    Server& server = servers_[number];
    if (server.process) server.process->resume();
    server.paused = false;
}

std::vector<std::string> ZooKeeperServers::addresses() const {
    std::vector<std::string> addresses;
    for (const Server& server : servers_)
        addresses.push_back(fmt::format("{}:{}", settings_.host, server.port));
    return addresses;
}

std::optional<pid_t> ZooKeeperServers::pid(std::size_t number) const {
    const std::optional<Process>& process = servers_[number].process;
    return process ? std::optional<pid_t>(process->pid()) : std::nullopt;
}

std::filesystem::path ZooKeeperServers::data_dir(std::size_t number) const {
    return servers_[number].directory / "data";
}

std::string ZooKeeperServers::mode(std::size_t number) const {
    static constexpr std::string_view label = "Mode: ";
    const std::string answer = ask(number, "srvr");
    const std::size_t begin = answer.find(label);
    if (begin == std::string::npos) return {};
    const std::size_t name = begin + label.size();
    return answer.substr(name, answer.find('\n', name) - name);
}

std::size_t ZooKeeperServers::leader() const {
    std::size_t found = servers_.size();
    const bool there = eventually(settings_.start_limit, [&] {
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            const Server& server = servers_[i];
            if (!server.process || server.paused) continue;
            const std::string is = mode(i);
            if (is == "leader" || is == "standalone") found = i;
        }
        return found < servers_.size();
    });
    if (!there) throw std::runtime_error("ZooKeeper has no leader:\n" + output());
    return found;
}

std::string ZooKeeperServers::ask(std::size_t number, const std::string& word) const {
    const Socket socket;
    if (!connect_to(socket.fd(), settings_.host, servers_[number].port)) return {};
    if (::send(socket.fd(), word.data(), word.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(word.size()))
        return {};
    std::string answer;
    std::array<char, 4096> buffer{};
    for (;;) {
        pollfd readable{.fd = socket.fd(), .events = POLLIN, .revents = 0};
        const int limit = static_cast<int>(std::chrono::milliseconds(answer_limit).count());
        if (::poll(&readable, 1, limit) <= 0) return {};
        const ssize_t got = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
        if (got <= 0) return answer;
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

std::string ZooKeeperServers::output() const {
    std::string all;
    for (const Server& server : servers_) {
        all += fmt::format("--- server on port {}:\n", server.port);
        if (server.process) all += server.process->output();
    }
    return all;
}

}  // namespace muster::test
