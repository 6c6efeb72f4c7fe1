#include "tests/agent/nginx_world.hpp"

#include "agent/lb_program.hpp"
#include "agent/nginx_errc.hpp"
#include "tests/agent/lb_samples.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view stream_module = "/usr/lib/nginx/modules/ngx_stream_module.so";

}  // namespace

bool has_stream_module() {
    return std::filesystem::exists(stream_module);
}

NginxWorld::NginxWorld() : port_(free_port()) {
    const std::string here = directory_.path().string();
    settings_ = {.config_file = here + "/nginx.conf",
                 .pid_file = here + "/nginx.pid",
                 .error_log = here + "/error.log",
                 .http_file = here + "/http.conf",
                 .stream_file = has_stream_module() ? here + "/stream.conf" : "",
                 .reload_interval = 50ms};
    std::string temporary;
    for (const std::string_view what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        temporary += fmt::format("    {0}_temp_path {1}/{0};\n", what, here);
    std::string text = fmt::format(
        "daemon off;\npid {0}/nginx.pid;\nerror_log {0}/error.log notice;\n"
        "worker_processes 2;\nworker_shutdown_timeout 10s;\nevents {{}}\n"
        "http {{\n    access_log off;\n{1}    include {0}/http.conf;\n}}\n",
        here,
        temporary);
    if (has_stream_module())
        text = fmt::format(
            "load_module {};\n{}stream {{ include {}/stream.conf; }}\n", stream_module, text, here);
    directory_.write("nginx.conf", text);
}

agent::LbState NginxWorld::web(std::vector<agent::Server> servers) const {
    agent::LbState state = test::web(std::move(servers));
    state.listeners[0].port = port_;
    return state;
}

agent::NginxDriver& NginxWorld::driver() {
    if (!driver_) driver_ = std::make_unique<agent::NginxDriver>(settings_, clock_);
    return *driver_;
}

Result<agent::Applied> NginxWorld::apply(const agent::LbState& wanted) {
    return run(driver().apply(wanted));
}

void NginxWorld::start_process() {
    process_.emplace(ProcessSettings{
        .argv = {settings_.program, "-c", settings_.config_file, "-e", settings_.error_log},
        .output = directory_ / "output"});
    if (!eventually(20s, [&] { return check().has_value(); }))
        throw std::runtime_error("nginx does not come up: " + process_->output());
}

void NginxWorld::kill_process() {
    (void)process_->kill();
}

void NginxWorld::start(const agent::LbState& state) {
    if (const auto applied = apply(state);
        !applied && applied.error().code != agent::NginxErrc::no_process)
        throw std::runtime_error(applied.error().message());
    start_process();
}

int NginxWorld::reloads() const {
    const std::string log = read_file(settings_.error_log);
    int count = 0;
    for (std::size_t at = 0; (at = log.find("(SIGHUP) received from", at)) != std::string::npos;
         ++at)
        ++count;
    return count;
}

http::Response NginxWorld::get(const std::string& path, const std::string& host) {
    const auto end = run(agent::run_program(clock_,
                                            {"/usr/bin/curl",
                                             "-s",
                                             "-H",
                                             "Host: " + host,
                                             "-w",
                                             "%{http_code}",
                                             fmt::format("http://127.0.0.1:{}{}", port_, path)},
                                            20s));
    if (!end || end->code != 0)
        throw std::runtime_error(end ? fmt::format("curl: {}", end->code) : end.error().message());
    const std::size_t status = end->output.size() - 3;
    return {.status = std::stoi(end->output.substr(status)), .body = end->output.substr(0, status)};
}

}  // namespace muster::test
