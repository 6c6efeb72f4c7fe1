#include "tests/support/etcd_server.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

constexpr std::chrono::seconds start_limit{20};

std::string run_etcdctl(const TempDir& directory, std::vector<std::string> arguments) {
    static int runs = 0;
    arguments.insert(arguments.begin(), "etcdctl");
    const std::filesystem::path output = directory / fmt::format("etcdctl-{}.out", ++runs);
    Process process(
        {.argv = std::move(arguments), .env = {{"ETCDCTL_API", "3"}}, .output = output});
    const auto status = process.wait(start_limit * slowdown());
    if (!status || status->code != 0) throw std::runtime_error("etcdctl: " + process.output());
    return process.output();
}

}  // namespace

EtcdServer::EtcdServer(Tls tls, std::string host)
    : tls_(std::move(tls)), host_(std::move(host)), port_(free_port()), peer_port_(free_port()) {
    start();
}

EtcdServer::~EtcdServer() {
    if (process_) process_->kill();
}

std::string EtcdServer::url() const {
    return fmt::format("{}://{}:{}", tls_.certificate.empty() ? "http" : "https", host_, port_);
}

std::filesystem::path EtcdServer::data_dir() const {
    return directory_ / fmt::format("data-{}", restored_);
}

void EtcdServer::start() {
    const std::string peer = fmt::format("http://127.0.0.1:{}", peer_port_);
    std::vector<std::string> argv{"etcd",
                                  "--name=n1",
                                  "--data-dir=" + data_dir().string(),
                                  "--listen-client-urls=" + url(),
                                  "--advertise-client-urls=" + url(),
                                  "--listen-peer-urls=" + peer,
                                  "--initial-advertise-peer-urls=" + peer,
                                  "--initial-cluster=n1=" + peer,
                                  "--log-level=error"};
    if (!tls_.certificate.empty()) {
        argv.push_back("--cert-file=" + tls_.certificate);
        argv.push_back("--key-file=" + tls_.key);
    }
    if (!tls_.client_ca.empty()) {
        argv.emplace_back("--client-cert-auth");
        argv.push_back("--trusted-ca-file=" + tls_.client_ca);
    }
    process_.emplace(ProcessSettings{.argv = std::move(argv), .output = directory_ / "etcd.log"});
    const bool serves = eventually(start_limit, [this] {
        try {
            return process_->running() && !ctl({"endpoint", "health"}).empty();
        } catch (const std::runtime_error&) {
            return false;
        }
    });
    if (!serves) throw std::runtime_error("etcd does not come up: " + process_->output());
}

void EtcdServer::kill() {
    process_->kill();
}

void EtcdServer::pause() {
    process_->pause();
}

void EtcdServer::resume() {
    process_->resume();
}

std::string EtcdServer::ctl(std::vector<std::string> arguments) const {
    arguments.push_back("--endpoints=" + url());
    if (!tls_.ca.empty()) arguments.push_back("--cacert=" + tls_.ca);
    if (!tls_.client_certificate.empty()) {
        arguments.push_back("--cert=" + tls_.client_certificate);
        arguments.push_back("--key=" + tls_.client_key);
    }
    return run_etcdctl(directory_, std::move(arguments));
}

void EtcdServer::restore(const std::filesystem::path& snapshot) {
    process_->kill();
    ++restored_;
    const std::string peer = fmt::format("http://127.0.0.1:{}", peer_port_);
    run_etcdctl(directory_,
                {"snapshot",
                 "restore",
                 snapshot.string(),
                 "--name=n1",
                 "--data-dir=" + data_dir().string(),
                 "--initial-cluster=n1=" + peer,
                 "--initial-advertise-peer-urls=" + peer});
    start();
}

}  // namespace muster::test
