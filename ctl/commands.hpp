#pragma once

#include "ctl/context.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

// The commands, each in a file of its own name. They print results to `out`, everything else to
// `err`, and answer with the exit code. Options are what the command line was parsed into.
namespace muster::ctl {

enum class Kind : std::uint8_t {
    groups,
    fleets,
    agents,
    dns,
    shifts,
    backends,
    shards,
    nodes,
    events
};

struct GetOptions {
    Kind kind = Kind::groups;
    std::string name;  ///< one group, fleet, node, shard or backend; empty = all
    std::string group;
    std::string state;
    std::string words;
    int limit = 0;  ///< 0 = the API's default
};
[[nodiscard]] asio::awaitable<Exit> get(Context& context, GetOptions options);

[[nodiscard]] asio::awaitable<Exit> describe_group(Context& context, std::string name);
[[nodiscard]] asio::awaitable<Exit> describe_fleet(Context& context, std::string name);

struct ApplyOptions {
    std::string text;    ///< documents
    std::string expect;  ///< "web:4,api:0,fleet/edge:2"
    bool dry_run = false;
};
[[nodiscard]] asio::awaitable<Exit> apply(Context& context, ApplyOptions options);
/// 0 = nothing would change, 1 = something would, 2 = can't tell.
[[nodiscard]] asio::awaitable<Exit> diff(Context& context, std::string text);

/// What users define, and can describe and delete.
enum class Defined : std::uint8_t { group, fleet };

struct DeleteOptions {
    Defined kind = Defined::group;
    std::string name;
    int generation = 0;  ///< only this one; 0 = any
    bool dry_run = false;
    bool abandon = false;  ///< of a fleet: its LBs run on
};
[[nodiscard]] asio::awaitable<Exit> remove(Context& context, DeleteOptions options);

[[nodiscard]] asio::awaitable<Exit> status(Context& context);
[[nodiscard]] asio::awaitable<Exit> why(Context& context, std::string backend);

struct EventsOptions {
    std::string group;
    std::string kind;
    int limit = 0;
    bool watch = false;  ///< go on until interrupted
    bool audit = false;  ///< what people changed, instead of what happened
};
[[nodiscard]] asio::awaitable<Exit> events(Context& context, EventsOptions options);

/// `state`: "drain", "maintenance" or "active".
[[nodiscard]] asio::awaitable<Exit> set_backend_state(Context& context,
                                                      std::string backend,
                                                      std::string state);

struct ShiftOptions {
    std::string name;
    std::vector<std::string> shares;  ///< "blue=90"; none: show, cancel or forget
    std::string by;                   ///< these and what follows: empty or 0 = the API's default
    std::string over;
    std::string interval;
    std::string patience;
    int healthy_percent = 0;
    bool status = false;
    bool cancel = false;
    bool forget = false;
    bool dry_run = false;
};
[[nodiscard]] asio::awaitable<Exit> shift(Context& context, ShiftOptions options);

[[nodiscard]] asio::awaitable<Exit> step_down(Context& context);

enum class Scope : std::uint8_t { all, scaling, dns, status, this_node };
enum class Paused : std::uint8_t { no, yes };
[[nodiscard]] asio::awaitable<Exit> set_pause(Context& context,
                                              Scope scope,
                                              Paused paused,
                                              std::string reason);

struct ProbeRunOptions {
    std::string backend;        ///< GROUP/BACKEND of the cluster, or one of the document's
    std::string text;           ///< a document with one group; empty = ask the cluster
    std::string node_settings;  ///< of a node, for its secrets, certificates, commands, plug-ins
    int count = 1;
};
/// Probes from here, now. Ends with 6 when something is not well.
[[nodiscard]] asio::awaitable<Exit> probe_run(Context& context, ProbeRunOptions options);

struct ProbeTestOptions {
    std::string program;
    std::vector<std::string> arguments;
    std::string host = "127.0.0.1";
    int port = 1;
    std::string settings = "{}";
    int timeout_ms = 1000;
};
[[nodiscard]] asio::awaitable<Exit> probe_test(Context& context, ProbeTestOptions options);

struct ReplayOptions {
    std::string text;   ///< what `-o json why` printed
    std::string group;  ///< a document with the check to replay it through; empty = the defaults
    int rise = 0;       ///< 0 = the check's
    int fall = 0;
};
[[nodiscard]] asio::awaitable<Exit> replay(Context& context, ReplayOptions options);

[[nodiscard]] asio::awaitable<Exit> version(Context& context);

using Command = std::function<asio::awaitable<Exit>(Context&)>;
/// Shows `command` again at each change of the cluster, until interrupted.
[[nodiscard]] asio::awaitable<Exit> watch(Context& context, Command command);

}  // namespace muster::ctl
