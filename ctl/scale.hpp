#pragma once

#include "ctl/commands.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <string>
#include <vector>

// `musterctl scale ...`: what a fleet's policy does, did, and would have done (docs/simulate.md).
namespace muster::ctl {

struct NamedText {
    std::string name;  ///< of the file
    std::string text;
};

enum class ScaleOutput : std::uint8_t { as_asked, table, json, csv, svg };

struct SimulateOptions {
    NamedText policy;
    NamedText against;    ///< no name: none
    NamedText history;    ///< CSV
    NamedText recording;  ///< of the three one has a name, or there is a URL
    std::string prometheus;
    std::string fleet;  ///< which of several in the documents
    /// Empty: as the history, the policy and the model have it.
    std::string from;
    std::string to;
    std::string step;
    std::string boot;
    std::string warm_up;
    std::string drain;
    std::string period;
    std::string at;                     ///< explain the decision of then
    std::vector<std::string> bearable;  ///< "rps=120"
    int initial = -1;                   ///< below 0: as the history has it
    bool all_at_once = false;
    bool ignore_pauses = false;
    bool ascii = false;
    bool no_plot = false;
    ScaleOutput output = ScaleOutput::as_asked;
};
[[nodiscard]] asio::awaitable<Exit> scale_simulate(Context& context, SimulateOptions options);

struct ScaleReplayOptions {
    std::vector<std::string> recordings;  ///< files, each read when its turn comes
    /// The whole of one. Throws Mistake (command_input.hpp).
    std::function<std::string(const std::string& file)> read;
    NamedText policy;  ///< no name: that of the recording
};
/// 0: every decision is the same; 1: one isn't; 2: of something it can't be told.
[[nodiscard]] asio::awaitable<Exit> scale_replay(Context& context, ScaleReplayOptions options);

struct ScaleExplainOptions {
    std::string fleet;
    std::string at;
};
[[nodiscard]] asio::awaitable<Exit> scale_explain(Context& context, ScaleExplainOptions options);

struct ScalePauseOptions {
    std::string fleet;
    bool resume = false;
    std::string kind = "all";  ///< or "in", "out"
    std::string lasts;         ///< "30m"; empty: until someone ends it
    std::string reason;
};
/// Of one fleet; that of the whole cluster is set_pause().
[[nodiscard]] asio::awaitable<Exit> scale_pause(Context& context, ScalePauseOptions options);

struct ForgetHostOptions {
    std::string fleet;
    std::string host;
    std::string reason;
    bool dry_run = false;
};
[[nodiscard]] asio::awaitable<Exit> forget_host(Context& context, ForgetHostOptions options);

/// "paused (in) by alice until 2026-03-01T12:00:00Z: reason", of the API's JSON.
[[nodiscard]] std::string spelled_pause(const boost::json::value& pause);

}  // namespace muster::ctl
