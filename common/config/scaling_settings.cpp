#include "common/config/scaling_settings.hpp"

#include "common/config/decimal.hpp"
#include "common/config/dns_settings.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/settings_fields.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace muster::config {
namespace {

constexpr std::size_t max_providers = 32;
constexpr std::size_t max_arguments = 64;
constexpr std::size_t max_files = 32;
constexpr std::size_t max_programs = 16;
constexpr DurationRange call_timeout{.least = 1s, .most = 30min};

bool is_of(std::string_view text, std::string_view also) {
    return std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               also.contains(c);
    });
}

std::string_view base_url(std::string_view text) {
    constexpr std::size_t longest = 512;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme) || text.size() > longest) continue;
        const std::string_view rest = text.substr(scheme.size());
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        if (parse_endpoint(rest.substr(0, slash)) && is_of(rest.substr(slash), "/._~-")) return "";
    }
    return "must be http://host:port or https://host:port, with a path or without, such as "
           "http://127.0.0.1:9090";
}

std::string_view file_name(std::string_view text) {
    constexpr std::size_t longest = 128;
    if (!text.empty() && text.size() <= longest && !text.starts_with('.') && is_of(text, "._-"))
        return "";
    return "must be a file's name, 1 to 128 of A-Z a-z 0-9 . _ - and not begin with a .";
}

std::string_view unit_template(std::string_view text) {
    constexpr std::string_view suffix = "@.service";
    constexpr std::size_t longest = 128;
    if (text.size() > suffix.size() && text.size() <= longest && text.ends_with(suffix) &&
        is_of(text.substr(0, text.size() - suffix.size()), "._-"))
        return "";
    return "must be a template of systemd, such as haproxy@.service";
}

std::string_view stop_signal(std::string_view text) {
    for (const std::string_view known : {"TERM", "USR1", "USR2", "INT", "QUIT", "HUP", "WINCH"})
        if (text == known) return "";
    return "must be one of TERM, USR1, USR2, INT, QUIT, HUP, WINCH";
}

std::string_view variable(std::string_view text) {
    constexpr std::size_t longest = 128;
    if (!text.empty() && text.size() <= longest && is_of(text, "_") &&
        !(text[0] >= '0' && text[0] <= '9'))
        return "";
    return "must be the name of a variable, 1 to 128 of A-Z a-z 0-9 _ and no digit first";
}

std::string_view answers_at(std::string_view text) {
    constexpr std::size_t longest = 255;
    if (text.contains(':') && text.size() <= longest && is_of(text, "${}:[]._-")) return "";
    return "must be HOST:PORT, such as ${address}:${port:lb}";
}

void read_words(const Value& list, std::vector<std::string>& into) {
    for (const Value& word : elements_of(list, max_arguments))
        if (auto text = read_text(word, rules::program_argument)) into.push_back(std::move(*text));
}

/// "20000-20999".
void read_ports(const Value& value, ProcessProviderSettings& process) {
    constexpr std::string_view right = "must be two ports, such as 20000-20999, the lower first";
    const Node& node = value.node();
    int first = 0;
    int last = 0;
    const char* end = node.text.data() + node.text.size();
    const auto low = std::from_chars(node.text.data(), end, first);
    const bool dash = low.ec == std::errc{} && low.ptr != end && *low.ptr == '-';
    const auto high = dash ? std::from_chars(low.ptr + 1, end, last) : low;
    const bool is_range = node.is_scalar() && dash && high.ec == std::errc{} && high.ptr == end;
    if (!is_range || first < 1 || last > 65'535 || last < first) {
        value.refuse_found(right);
        return;
    }
    process.first_port = static_cast<std::uint16_t>(first);
    process.last_port = static_cast<std::uint16_t>(last);
}

void read_files(const Value& list, std::vector<TemplateFileSettings>& files) {
    for (const Value& element : elements_of(list, max_files)) {
        TemplateFileSettings file;
        const Fields fields(element, {"from", "to"});
        if (const auto from = fields.require("from", "the absolute path of a template"))
            file.from = read_text(*from, rules::absolute_path).value_or("");
        if (const auto to = fields.require("to", "a name in the machine's directory"))
            file.to = read_text(*to, file_name).value_or("");
        if (!file.to.empty() &&
            std::ranges::find(files, file.to, &TemplateFileSettings::to) != files.end())
            element.refuse(fmt::format("makes {} a second time", file.to));
        files.push_back(std::move(file));
    }
}

ProgramTemplateSettings decode_program(const Value& value) {
    ProgramTemplateSettings program;
    const Fields fields(value, {"name", "command", "stop_signal", "wait_for"});
    if (const auto name = fields.require("name", "the program's name"))
        program.name = read_text(*name, rules::name).value_or("");
    const auto command = fields.require("command", "a program's absolute path and its arguments");
    if (command) read_words(*command, program.command);
    const bool is_list = command && command->node().kind == Node::Kind::list;
    if (is_list && (program.command.empty() || !program.command.front().starts_with('/')))
        command->refuse("must begin with the absolute path of a program");
    read_text(fields, "stop_signal", program.stop_signal, stop_signal);
    read_text(fields, "wait_for", program.wait_for, file_name);
    return program;
}

void read_programs(const Value& list, std::vector<ProgramTemplateSettings>& programs) {
    for (const Value& element : elements_of(list, max_programs)) {
        ProgramTemplateSettings program = decode_program(element);
        if (!program.name.empty() &&
            std::ranges::find(programs, program.name, &ProgramTemplateSettings::name) !=
                programs.end())
            element.refuse(fmt::format("is program {} a second time", program.name));
        programs.push_back(std::move(program));
    }
    if (list.node().kind == Node::Kind::list && list.node().items.empty())
        list.refuse("is an empty list; must have a program, which is the LB");
}

ProcessProviderSettings decode_process(const Value& value, std::string directory) {
    ProcessProviderSettings process{.directory = std::move(directory)};
    const Fields fields(value,
                        {"directory",
                         "addresses",
                         "address",
                         "answers_at",
                         "ports",
                         "files",
                         "programs",
                         "max_machines",
                         "start_timeout"});
    read_text(fields, "directory", process.directory, rules::absolute_path);
    read_list(fields, "addresses", ip_address, process.addresses);
    read_text(fields, "address", process.address, ip_address);
    if (const auto address = fields.find("address"); address && fields.find("addresses"))
        address->refuse("stands beside addresses; write one of them");
    read_text(fields, "answers_at", process.answers_at, answers_at);
    if (const auto ports = fields.find("ports")) read_ports(*ports, process);
    if (const auto files = fields.find("files")) read_files(*files, process.files);
    if (const auto programs = fields.require("programs", "a list of what is started"))
        read_programs(*programs, process.programs);
    read_int(fields, "max_machines", process.max_machines, {.least = 1, .most = 256});
    read_duration(fields, "start_timeout", process.start_timeout, {1s, 10min});
    return process;
}

SystemdProviderSettings decode_systemd(const Value& value) {
    SystemdProviderSettings systemd;
    const Fields fields(value, {"unit"});
    if (const auto unit = fields.require("unit", "a template of systemd, such as haproxy@.service"))
        systemd.unit = read_text(*unit, unit_template).value_or("");
    return systemd;
}

ExecProviderSettings decode_exec(const Value& value) {
    ExecProviderSettings exec;
    const Fields fields(value,
                        {"program",
                         "arguments",
                         "environment",
                         "user",
                         "memory_mib",
                         "cpu_seconds",
                         "timeout",
                         "fences",
                         "places"});
    if (fields.require("program", "the absolute path of a program"))
        read_text(fields, "program", exec.program, rules::absolute_path);
    if (const auto arguments = fields.find("arguments")) read_words(*arguments, exec.arguments);
    if (const auto environment = fields.find("environment")) {
        for (const Value& entry : entries_of(*environment, max_arguments)) {
            if (const auto complaint = variable(entry.key()); !complaint.empty())
                entry.refuse(fmt::format("can't be set; it {}", complaint));
            if (auto text = read_text(entry, rules::program_argument))
                exec.environment.emplace(entry.key(), std::move(*text));
        }
    }
    read_text(fields, "user", exec.user, rules::user);
    read_int(fields, "memory_mib", exec.memory_mib, {.least = 0, .most = 65'536});
    read_int(fields, "cpu_seconds", exec.cpu_seconds, {.least = 1, .most = 3'600});
    read_seconds(fields, "timeout", exec.timeout, call_timeout);
    read_bool(fields, "fences", exec.fences);
    read_bool(fields, "places", exec.places);
    return exec;
}

WebhookProviderSettings decode_webhook(const Value& value) {
    WebhookProviderSettings webhook;
    const Fields fields(value, {"url", "token_file", "tls", "timeout", "fences", "places"});
    if (const auto url = fields.require("url", "http://host:port/path"))
        webhook.url = read_text(*url, base_url).value_or("");
    read_text(fields, "token_file", webhook.token_file, rules::file_path);
    if (const auto tls = fields.find("tls"))
        webhook.tls = decode_tls_files(
            *tls, webhook.url.empty() ? std::vector<std::string>{} : std::vector{webhook.url});
    read_seconds(fields, "timeout", webhook.timeout, call_timeout);
    read_bool(fields, "fences", webhook.fences);
    read_bool(fields, "places", webhook.places);
    return webhook;
}

/// Nothing when it isn't known what it is.
std::optional<ProviderSettings> decode_one(const Value& value, const std::string& state_dir) {
    const std::vector<std::string_view> kinds = {"process", "systemd", "exec", "webhook"};
    const Fields fields(value, kinds);
    const auto kind = only_field(value, fields, kinds);
    if (!kind) return std::nullopt;
    const auto& [name, settings] = *kind;
    if (name == "process")
        return decode_process(settings, fmt::format("{}/providers/{}", state_dir, value.key()));
    if (name == "systemd") return decode_systemd(settings);
    if (name == "exec") return decode_exec(settings);
    return decode_webhook(settings);
}

void refuse_shared_directory(const Value& value,
                             const ProcessProviderSettings& process,
                             const std::map<std::string, ProviderSettings>& others) {
    for (const auto& [name, other] : others) {
        const auto* same = std::get_if<ProcessProviderSettings>(&other);
        if (same == nullptr || same->directory != process.directory) continue;
        value.refuse(fmt::format(
            "has the directory {}, as {} has; each needs one of its own", process.directory, name));
    }
}

}  // namespace

PrometheusSettings decode_prometheus(const Value& value) {
    PrometheusSettings prometheus;
    const Fields fields(value,
                        {"endpoints", "user", "password_file", "token_file", "tls", "timeout"});
    const auto endpoints = fields.require("endpoints", "a list of http://host:port");
    read_list(fields, "endpoints", base_url, prometheus.endpoints);
    if (endpoints && endpoints->node().kind == Node::Kind::list && endpoints->node().items.empty())
        endpoints->refuse(
            "is an empty list; must name a Prometheus, such as "
            "http://127.0.0.1:9090");
    read_text(fields, "user", prometheus.user, rules::user);
    read_text(fields, "password_file", prometheus.password_file, rules::file_path);
    read_text(fields, "token_file", prometheus.token_file, rules::file_path);
    if (prometheus.user.empty() != prometheus.password_file.empty())
        value.refuse("has one of user and password_file; must have both or none");
    if (!prometheus.user.empty() && !prometheus.token_file.empty())
        fields.find("token_file")->refuse("stands beside user; write one of them");
    if (const auto tls = fields.find("tls"))
        prometheus.tls = decode_tls_files(*tls, prometheus.endpoints);
    read_duration(fields, "timeout", prometheus.timeout, {100ms, 30s});
    return prometheus;
}

RecordingSettings decode_recordings(const Value& value) {
    RecordingSettings recordings;
    const Fields fields(value, {"enabled", "keep", "max_mib"});
    read_bool(fields, "enabled", recordings.enabled);
    read_duration(fields, "keep", recordings.keep, {1h, 8'784h});
    read_int(fields, "max_mib", recordings.max_mib, {.least = 16, .most = 1'048'576});
    return recordings;
}

std::map<std::string, ProviderSettings> decode_providers(const Value& map,
                                                         const std::string& state_dir) {
    std::map<std::string, ProviderSettings> providers;
    for (const Value& entry : entries_of(map, max_providers)) {
        if (const auto complaint = rules::name(entry.key()); !complaint.empty())
            entry.refuse(fmt::format("can't be offered; the name {}", complaint));
        auto settings = decode_one(entry, state_dir);
        if (!settings) continue;
        if (const auto* process = std::get_if<ProcessProviderSettings>(&*settings))
            refuse_shared_directory(entry, *process, providers);
        providers.emplace(entry.key(), std::move(*settings));
    }
    return providers;
}

}  // namespace muster::config
