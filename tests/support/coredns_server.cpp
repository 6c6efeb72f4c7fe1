#include "tests/support/coredns_server.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/program.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

namespace muster::test {

namespace {

constexpr std::chrono::seconds start_limit{20};
constexpr std::chrono::seconds download_limit{120};

struct Program {
    std::string path;
    std::string missing;
};

const Program& coredns() {
    static const Program program = [] {
        const TempDir directory;
        Process get(
            {.argv = {source_file("deploy/coredns/get").string()}, .output = directory / "out"});
        const auto status = get.wait(download_limit);
        std::string said = get.output();
        while (said.ends_with('\n')) said.pop_back();
        if (!status || status->code != 0) return Program{.missing = "no CoreDNS: " + said};
        return Program{.path = said.substr(said.rfind('\n') + 1)};
    }();
    return program;
}

}  // namespace

std::string CoreDnsServer::missing() {
    return coredns().missing;
}

CoreDnsServer::CoreDnsServer(const std::string& zone, const std::string& plugins)
    : port_(free_port()) {
    const std::uint16_t ready = free_port();
    start(fmt::format("{}:{} {{\n"
                      "    bind 127.0.0.1\n"
                      "    ready 127.0.0.1:{}\n"
                      "    errors\n"
                      "{}\n"
                      "}}\n",
                      zone,
                      port_,
                      ready,
                      plugins),
          ready);
}

CoreDnsServer::CoreDnsServer(const std::filesystem::path& corefile,
                             const std::map<std::string, std::string>& changes)
    : port_(free_port()) {
    std::ifstream file(corefile);
    std::string text{std::istreambuf_iterator(file), {}};
    const auto change = [&text](const std::string& from, const std::string& to) {
        std::size_t at = text.find(from);
        if (at == std::string::npos) throw std::invalid_argument("there is no " + from);
        for (; at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    };
    for (const auto& [from, to] : changes) change(from, to);
    const std::uint16_t ready = free_port();
    change(":53 {\n", fmt::format(":{} {{\n", port_));
    change("    errors\n", "    errors\n    bind 127.0.0.1\n");
    if (text.contains(":9153")) change(":9153", fmt::format(":{}", free_port()));
    const std::string first = "    errors\n";
    text.insert(text.find(first), fmt::format("    ready 127.0.0.1:{}\n", ready));
    start(text, ready);
}

void CoreDnsServer::start(const std::string& corefile, std::uint16_t ready) {
    const std::filesystem::path path = directory_.write("Corefile", corefile);
    std::vector<std::string> argv{coredns().path, "-conf", path.string(), "-quiet"};
    if (::geteuid() == 0) {
        std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
        const std::vector<std::string> as_nobody{
            "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=KILL"};
        argv.insert(argv.begin(), as_nobody.begin(), as_nobody.end());
    }
    process_.emplace(
        ProcessSettings{.argv = std::move(argv), .output = directory_ / "coredns.log"});
    ready_url_ = fmt::format("http://127.0.0.1:{}/ready", ready);
    const bool serves =
        eventually(start_limit, [&] { return process_->running() && says_ready(); });
    if (!serves) throw std::runtime_error("CoreDNS does not come up: " + process_->output());
}

CoreDnsServer::~CoreDnsServer() {
    process_->kill();
}

bool CoreDnsServer::says_ready() const {
    Process ask({.argv = {"curl", "-sf", "-m", "1", ready_url_}});
    const auto status = ask.wait(start_limit);
    return status && status->code == 0;
}

void CoreDnsServer::pause() {
    process_->pause();
}

void CoreDnsServer::resume() {
    process_->resume();
}

}  // namespace muster::test
