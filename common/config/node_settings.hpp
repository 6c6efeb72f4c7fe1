#pragma once

#include "common/base/id.hpp"
#include "common/config/address_block.hpp"
#include "common/config/decode.hpp"
#include "common/config/dns_settings.hpp"
#include "common/config/program_model.hpp"
#include "common/config/scaling_settings.hpp"
#include "common/config/settings_overrides.hpp"
#include "common/observe/log.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::config {

/// Where the records of a CoreDNS with the plug-in `etcd` are.
struct DnsEtcdSettings {
    std::vector<std::string> endpoints;  ///< "http://host:port", or https
    std::string user;                    ///< empty: none
    std::string password_file;           ///< mode 0600
    std::string root = "/skydns";        ///< `path` of the plug-in
    Duration timeout = 2'500ms;          ///< for one endpoint to answer
    TlsFiles tls;                        ///< for the endpoints that begin with https://
};

/// What DNS servers answer to some of their clients: records of their own.
struct DnsView {
    std::string name;                   ///< the `location` of entries that come first here
    std::string root;                   ///< `path` of the plug-in in that view
    std::vector<std::string> fallback;  ///< views whose entries come next, in this order
    std::vector<std::string> servers;   ///< ip:port that answer this view, whoever asks
};

/// Where names are published: at least one of `etcd` and `rfc2136`.
struct DnsSettings {
    std::optional<DnsEtcdSettings> etcd;
    std::vector<DnsUpdateServer> rfc2136;
    std::vector<std::string>
        zones;  ///< of etcd: names outside of them aren't in it; empty: all are
    std::vector<std::string> servers;  ///< ip:port, asked whether they answer what is in etcd
    std::vector<AddressBlock> allowed_addresses;  ///< see why_not_published()
    std::vector<DnsView> views;  ///< of etcd: beside the one of `etcd.root`, for all other clients
    Duration stale_window = 1h;  ///< serve_stale of the servers, whole seconds
    bool stale_always = false;   ///< they answer stale at once, also while their store answers
    std::string canary;  ///< in etcd: a name of ours that the servers are probed with; by default
                         ///< _muster-canary in the first zone
};

/// How one musterd runs: a file read at its start, each field also from the environment.
struct NodeSettings {
    NodeId node;                         ///< unique in the cluster, stable over restarts
    std::string cluster = "main";        ///< /muster/<cluster> in ZooKeeper
    std::vector<std::string> zookeeper;  ///< host:port; empty only where no ZooKeeper is used
    Duration session_timeout = 2s;
    Duration zookeeper_tick = 200ms;  ///< tickTime of the ensemble, taken off the lease
    std::string zookeeper_auth_file;  ///< holds user:password, mode 0600; empty = no digest auth
    std::string zone;
    int capacity = 100;  ///< relative share of the probing load
    int prober_threads = 1;
    std::string listen = "127.0.0.1:9700";    ///< of the API: ip:port, port 0 = any free one
    std::string peer_listen = "127.0.0.1:0";  ///< for other nodes: ip:port, port 0 = any free one
    std::string cluster_secret_file;          ///< shared by all nodes, mode 0600; empty = no peers
    std::string token_file;  ///< bearer token for writes, mode 0600; required off loopback
    std::string state_dir = "/var/lib/muster";
    std::string tls_dir;      ///< NAME.pem of the CA bundles and client certificates of checks
    std::string secrets_dir;  ///< the secrets that checks name, a file each, mode 0600
    Programs commands;        ///< that checks may run by their names
    Programs plugins;
    std::vector<std::string> source_addresses;     ///< to probe from, in turn; empty: the kernel's
    std::optional<DnsSettings> dns;                ///< this node publishes names while it is master
    std::optional<PrometheusSettings> prometheus;  ///< asked by this node while it is master
    std::map<std::string, ProviderSettings> providers;  ///< what this node offers to fleets
    RecordingSettings recordings;
    std::vector<std::string> canaries;  ///< host:port; when most refuse, this node's eyes are bad
    // The following are limits of each prober thread.
    int max_commands = 32;              ///< processes of commands at once
    int max_probes = 4'096;             ///< under way at once
    int max_probes_per_second = 0;      ///< that begin; 0 = no limit
    int max_handshakes_per_second = 0;  ///< of TLS, that begin; 0 = no limit
    log::Settings log;
};

/// The overrides in an environment: field log.level is MUSTER_LOG_LEVEL.
[[nodiscard]] std::vector<Override> overrides_from_environment(const Environment& environment);

struct DecodedNodeSettings {
    NodeSettings settings;  ///< only to be used when there are no problems
    std::vector<Problem> problems;
};

/// Reads one YAML or JSON map of these fields, as strictly as decode() reads groups. Only `node`
/// has no default. Pure: files are named, not opened.
[[nodiscard]] DecodedNodeSettings decode_node_settings(std::string_view text,
                                                       const std::vector<Override>& overrides = {});

}  // namespace muster::config
