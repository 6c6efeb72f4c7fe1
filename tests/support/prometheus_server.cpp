#include "tests/support/prometheus_server.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

constexpr std::chrono::seconds start_limit{30};

std::string web_config(const PrometheusServer::Settings& settings) {
    std::string text;
    if (!settings.certificate.empty())
        text += fmt::format("tls_server_config:\n  cert_file: {}\n  key_file: {}\n",
                            settings.certificate,
                            settings.key);
    if (!settings.user.empty())
        text +=
            fmt::format("basic_auth_users:\n  {}: '{}'\n", settings.user, settings.password_hash);
    return text;
}

}  // namespace

PrometheusServer::PrometheusServer(Settings settings)
    : settings_(std::move(settings)), port_(free_port()) {
    directory_.write("prometheus.yml",
                     fmt::format("global: {{scrape_interval: {0}ms, scrape_timeout: {0}ms}}\n"
                                 "scrape_configs:\n"
                                 "- job_name: lb\n"
                                 "  file_sd_configs: [{{files: [targets.json]}}]\n",
                                 settings_.scrape_interval.count()));
    directory_.write("web.yml", web_config(settings_));
    set_targets(settings_.targets);
    if (!settings_.past.empty()) remember();
    start();
}

void PrometheusServer::remember() {
    const auto past = directory_.write("past.om", settings_.past);
    Process promtool(ProcessSettings{
        .argv = {"promtool", "tsdb", "create-blocks-from", "openmetrics", past.string(), "data"},
        .cwd = directory_.path(),
        .output = directory_ / "promtool"});
    const auto end = promtool.wait(start_limit);
    if (!end || end->code != 0) throw std::runtime_error("promtool: " + promtool.output());
}

PrometheusServer::~PrometheusServer() {
    if (process_) process_->kill();
}

std::string PrometheusServer::url() const {
    return fmt::format("{}://127.0.0.1:{}", uses_tls() ? "https" : "http", port_);
}

void PrometheusServer::set_targets(const std::vector<Target>& targets) const {
    std::string text;
    for (const Target& target : targets) {
        std::string labels;
        for (const auto& [name, value] : target.labels)
            labels += fmt::format("{}\"{}\":\"{}\"", labels.empty() ? "" : ",", name, value);
        text += fmt::format("{}{{\"targets\":[\"{}\"],\"labels\":{{{}}}}}",
                            text.empty() ? "" : ",",
                            target.address,
                            labels);
    }
    const std::filesystem::path beside = directory_.write("targets.new", "[" + text + "]");
    std::filesystem::rename(beside, directory_ / "targets.json");
}

void PrometheusServer::start() {
    const std::filesystem::path log = directory_ / fmt::format("log-{}", ++starts_);
    process_.emplace(
        ProcessSettings{.argv = {"prometheus",
                                 "--config.file=prometheus.yml",
                                 "--web.config.file=web.yml",
                                 "--storage.tsdb.path=data",
                                 fmt::format("--web.listen-address=127.0.0.1:{}", port_)},
                        .cwd = directory_.path(),
                        .output = log});
    const bool serves = eventually(start_limit, [this] {
        return process_->output().contains("Server is ready to receive web requests") ||
               !process_->running();
    });
    if (!serves || !process_->running())
        throw std::runtime_error("Prometheus does not come up: " + process_->output());
}

void PrometheusServer::kill() {
    process_->kill();
}

void PrometheusServer::pause() {
    process_->pause();
}

void PrometheusServer::resume() {
    process_->resume();
}

}  // namespace muster::test
