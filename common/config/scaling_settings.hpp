#pragma once

#include "common/base/tls_files.hpp"
#include "common/config/probe_model.hpp"
#include "common/config/value.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What a node's settings say of the scaling of fleets: where metrics come from, and what makes LBs.
// Fleets name providers; no command line and no URL comes from anywhere else than here.
namespace muster::config {

/// Equal servers, of which any will do.
struct PrometheusSettings {
    std::vector<std::string> endpoints;  ///< "http://host:port", or https, with a path or without
    std::string user;                    ///< empty: none
    std::string password_file;           ///< mode 0600
    std::string token_file;              ///< of a bearer token, mode 0600; not beside `user`
    TlsFiles tls;                        ///< for the endpoints that begin with https://
    Duration timeout = 3s;               ///< for one endpoint to answer
    bool operator==(const PrometheusSettings&) const = default;
};

struct TemplateFileSettings {
    std::string from;  ///< absolute path of the template
    std::string to;    ///< name in the machine's directory
    bool operator==(const TemplateFileSettings&) const = default;
};

struct ProgramTemplateSettings {
    std::string name;                  ///< of its log file, too
    std::vector<std::string> command;  ///< the program absolute, and its arguments
    std::string stop_signal = "TERM";  ///< for a soft end
    std::string wait_for;              ///< a file: started once that is there; empty: at once
    bool operator==(const ProgramTemplateSettings&) const = default;
};

/// Machines are processes on this node. ${...} in texts: docs/scaling.md.
struct ProcessProviderSettings {
    std::string directory;               ///< absolute; of this provider alone
    std::vector<std::string> addresses;  ///< of this host, one for each machine; empty: `address`
    std::string address = "127.0.0.1";
    std::string answers_at = "${address}:${port:lb}";
    std::uint16_t first_port = 20'000;
    std::uint16_t last_port = 20'999;
    std::vector<TemplateFileSettings> files;
    std::vector<ProgramTemplateSettings> programs;  ///< started in this order, at least one
    int max_machines = 64;
    Duration start_timeout = 10s;
    bool operator==(const ProcessProviderSettings&) const = default;
};

/// Machines are units of systemd on this node.
struct SystemdProviderSettings {
    std::string unit;  ///< a template: "lb@.service"
    bool operator==(const SystemdProviderSettings&) const = default;
};

/// The user's program makes machines; the master calls it.
struct ExecProviderSettings {
    std::string program;                             ///< absolute path; run without a shell
    std::vector<std::string> arguments;              ///< before the verb
    std::map<std::string, std::string> environment;  ///< beside PATH, LC_ALL and the order's
    std::string user;    ///< to run as; empty = ours, and `nobody` when we are root
    int memory_mib = 0;  ///< address space; 0: unbounded
    int cpu_seconds = 60;
    Duration timeout = 60s;  ///< of one call
    bool fences = false;     ///< the program refuses lower tokens
    bool places = false;     ///< it heeds the host in an order
    bool operator==(const ExecProviderSettings&) const = default;
};

/// A service of the user's makes machines; the master calls it.
struct WebhookProviderSettings {
    std::string url;         ///< http or https, without a query
    std::string token_file;  ///< of a bearer token, mode 0600; empty: none
    TlsFiles tls;
    Duration timeout = 30s;  ///< of one call
    bool fences = false;     ///< the service refuses lower tokens
    bool places = false;     ///< it heeds the host in an order
    bool operator==(const WebhookProviderSettings&) const = default;
};

/// What this node, while it is master, writes down of each decision on a size, in its state_dir.
struct RecordingSettings {
    bool enabled = true;
    Duration keep = 192h;
    int max_mib = 512;  ///< of all fleets together
    bool operator==(const RecordingSettings&) const = default;
};

using ProviderSettings = std::variant<ProcessProviderSettings,
                                      SystemdProviderSettings,
                                      ExecProviderSettings,
                                      WebhookProviderSettings>;

[[nodiscard]] PrometheusSettings decode_prometheus(const Value& value);
[[nodiscard]] RecordingSettings decode_recordings(const Value& value);

/// `providers`: by name. `state_dir`: of the node, in which those that have no directory get one.
[[nodiscard]] std::map<std::string, ProviderSettings> decode_providers(
    const Value& map, const std::string& state_dir);

}  // namespace muster::config
