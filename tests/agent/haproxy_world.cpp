#include "tests/agent/haproxy_world.hpp"

#include "common/http/client.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

}  // namespace

HaproxyWorld::HaproxyWorld() : port_(free_port()) {
    settings_.program = "/usr/sbin/haproxy";
    settings_.config_file = directory_ / "haproxy.cfg";
    settings_.stats_socket = directory_ / "admin.sock";
    settings_.master_socket = directory_ / "master.sock";
    settings_.state_file = directory_ / "state";
    settings_.peers_socket = directory_ / "peers.sock";
}

agent::LbState HaproxyWorld::web(std::vector<agent::Server> servers) const {
    agent::LbState state = test::web(std::move(servers));
    state.listeners[0].port = port_;
    return state;
}

agent::HaproxyDriver& HaproxyWorld::driver() {
    if (!driver_) driver_ = std::make_unique<agent::HaproxyDriver>(settings_, clock_);
    return *driver_;
}

Result<agent::Applied> HaproxyWorld::apply(agent::LbState wanted) {
    return run(driver().apply(std::move(wanted)));
}

std::optional<agent::Applied> HaproxyWorld::change_quickly(agent::LbState wanted) {
    return run(driver().change_quickly(std::move(wanted)));
}

Result<agent::Applied> HaproxyWorld::confirm() {
    return run(driver().confirm());
}

Result<void> HaproxyWorld::check() {
    return run(driver().check());
}

void HaproxyWorld::start_process() {
    process_.emplace(ProcessSettings{
        .argv =
            {settings_.program, "-W", "-S", settings_.master_socket, "-f", settings_.config_file},
        .output = directory_ / "log"});
    agent::HaproxyRuntime runtime(settings_.stats_socket, settings_.master_socket, 1s, clock_);
    if (!eventually(20s, [&] { return run(runtime.ask({"show info"})).has_value(); }))
        throw std::runtime_error("HAProxy does not come up: " + log());
}

void HaproxyWorld::kill_process() {
    (void)process_->kill();
}

void HaproxyWorld::start(const agent::LbState& state) {
    (void)apply(state);
    start_process();
    if (const auto applied = apply(state); !applied)
        throw std::runtime_error(applied.error().message());
}

std::string HaproxyWorld::tell(const std::string& command) {
    agent::HaproxyRuntime runtime(settings_.stats_socket, settings_.master_socket, 5s, clock_);
    const auto answers = run(runtime.ask({command}));
    if (!answers) throw std::runtime_error(answers.error().message());
    return answers->front();
}

int HaproxyWorld::worker() {
    return agent::parse_info(tell("show info")).value().pid;
}

http::Response HaproxyWorld::get(const std::string& path,
                                 std::vector<http::Field> fields,
                                 const std::string& host) {
    const auto answer = run(http::fetch(clock_,
                                        {.url = fmt::format("http://{}:{}{}", host, port_, path),
                                         .fields = std::move(fields),
                                         .timeout = 10s}));
    if (!answer) throw std::runtime_error(answer.error().message());
    return *answer;
}

}  // namespace muster::test
