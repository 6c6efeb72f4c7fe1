#include "agent/haproxy_counters.hpp"

#include "agent/haproxy_errc.hpp"
#include "agent/haproxy_names.hpp"
#include "agent/haproxy_state.hpp"
#include "agent/lb_uses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

namespace muster::agent {
namespace {

/// HAProxy 2.6 has 100; newer ones have more.
constexpr std::size_t most_columns = 1000;

tl::unexpected<Error> senseless(std::string_view why) {
    return fail(HaproxyErrc::bad_answer, fmt::format("show stat: {}", why));
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// The cells of a line, `most` at most; texts of servers' checks may stand in quotes, with commas
/// in them. Of those nothing is needed.
void split(std::string_view line, std::size_t most, std::vector<std::string_view>& cells) {
    cells.clear();
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= line.size(); ++at) {
        if (at < line.size() && line[at] == '"') quoted = !quoted;
        if (at < line.size() && (quoted || line[at] != ',')) continue;
        cells.push_back(line.substr(begin, at - begin));
        begin = at + 1;
        if (cells.size() == most) return;
    }
}

/// Nothing where it is no number. An empty cell is 0: HAProxy leaves those empty that its mode
/// doesn't have.
std::optional<std::uint64_t> count(std::string_view text) {
    if (text.empty()) return 0;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // No sum of ours can overflow then.
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / 64;
    if (error != std::errc() || end != text.data() + text.size() || value > most) return {};
    return value;
}

enum Column : std::size_t {
    pxname,
    svname,
    stot,
    econ,
    eresp,
    wretr,
    wredis,
    hrsp_1xx,
    hrsp_2xx,
    hrsp_3xx,
    hrsp_4xx,
    hrsp_5xx,
    hrsp_other,
    columns,
};
constexpr std::array<std::string_view, columns> names = {"pxname",
                                                         "svname",
                                                         "stot",
                                                         "econ",
                                                         "eresp",
                                                         "wretr",
                                                         "wredis",
                                                         "hrsp_1xx",
                                                         "hrsp_2xx",
                                                         "hrsp_3xx",
                                                         "hrsp_4xx",
                                                         "hrsp_5xx",
                                                         "hrsp_other"};

std::optional<ServerCounters> read_server(const std::vector<std::string_view>& cells,
                                          const std::array<std::size_t, columns>& places,
                                          config::ListenMode mode) {
    std::array<std::uint64_t, columns> values{};
    for (std::size_t column = stot; column < columns; ++column) {
        const auto value = count(cells[places[column]]);
        if (!value) return {};
        values[column] = *value;
    }
    ServerCounters counters{.failures =
                                values[econ] + values[eresp] + values[wretr] + values[wredis]};
    if (mode == config::ListenMode::http) {
        counters.errors = values[hrsp_5xx];
        counters.answers = counters.failures;
        for (std::size_t column = hrsp_1xx; column <= hrsp_other; ++column)
            counters.answers += values[column];
    } else {
        counters.answers = std::max(values[stot], counters.failures);
    }
    return counters;
}

}  // namespace

Result<std::map<std::string, ServerCounters, std::less<>>> parse_counters(std::string_view answer,
                                                                          std::string_view backend,
                                                                          config::ListenMode mode) {
    std::map<std::string, ServerCounters, std::less<>> servers;
    std::string_view heading = take_line(answer);
    if (!heading.starts_with("# ")) return senseless("no header");
    heading.remove_prefix(2);
    std::vector<std::string_view> header;
    split(heading, most_columns, header);
    std::array<std::size_t, columns> places{};
    for (std::size_t column = 0; column < columns; ++column) {
        const auto at = std::ranges::find(header, names[column]);
        if (at == header.end()) return senseless(fmt::format("no column {}", names[column]));
        places[column] = static_cast<std::size_t>(at - header.begin());
    }
    // There may be thousands of rows, each second.
    const std::size_t needed = std::ranges::max(places) + 1;
    std::vector<std::string_view> cells;
    while (!answer.empty()) {
        const std::string_view line = take_line(answer);
        if (line.empty()) continue;
        split(line, needed, cells);
        if (cells.size() < needed) return senseless("a short row");
        if (cells[places[pxname]] != backend) return senseless("a row of another backend");
        const auto counters = read_server(cells, places, mode);
        if (!counters) return senseless(fmt::format("a count that is no number: {:.200}", line));
        servers.emplace(cells[places[svname]], *counters);
    }
    return servers;
}

HaproxyCounters::HaproxyCounters(const HaproxySettings& settings, Clock& clock)
    : runtime_(settings.stats_socket, settings.master_socket, settings.answer_timeout, clock),
      timeout_(settings.answer_timeout) {}

asio::awaitable<Result<std::int64_t>> HaproxyCounters::count_connections(
    std::vector<config::Listener> listeners) {
    std::set<std::string, std::less<>> frontends;
    for (const config::Listener& listener : listeners) frontends.insert(frontend_name(listener));
    // Last of all: what a reload leaves to an old worker between the two is then counted there.
    const std::vector<std::string> question{"show stat -1 1 -1"};
    const auto answers = co_await runtime_.ask(question);
    if (!answers) co_return tl::unexpected(answers.error());
    const auto open = parse_connections(answers->front(), frontends);
    if (!open) co_return tl::unexpected(open.error());
    const auto processes = co_await runtime_.ask_master("show proc", timeout_);
    if (!processes) co_return tl::unexpected(processes.error());
    const auto old = parse_old_workers(*processes);
    if (!old) co_return tl::unexpected(old.error());
    co_return *open + *old;
}

asio::awaitable<Result<LbCounters>> HaproxyCounters::read_counters(
    const LbState& state, const std::set<GroupName>& groups) {
    std::vector<Use> uses;
    for (const Use& use : uses_of(state.listeners)) {
        if (groups.contains(use.first)) uses.push_back(use);
    }
    std::vector<std::string> questions{"show info"};
    for (const auto& [group, mode] : uses)
        questions.push_back(fmt::format("show stat {} 4 -1", backend_name(group, mode)));
    std::map<GroupName, std::map<std::string, BackendId, std::less<>>> servers;
    for (const Pool& pool : state.pools) {
        if (!groups.contains(pool.group)) continue;
        for (const Server& server : pool.servers)
            servers[pool.group].emplace(server_name(server.id), server.id);
    }

    const auto answers = co_await runtime_.ask(std::move(questions));
    if (!answers) co_return tl::unexpected(answers.error());
    const auto info = parse_info(answers->front());
    if (!info) co_return tl::unexpected(info.error());
    LbCounters counters{.epoch = std::to_string(info->pid)};
    for (std::size_t i = 0; i < uses.size(); ++i) {
        const auto& [group, mode] = uses[i];
        const std::string& answer = (*answers)[i + 1];
        // One that the next reload brings.
        if (!answer.starts_with("# ")) continue;
        const auto read = parse_counters(answer, backend_name(group, mode), mode);
        if (!read) co_return tl::unexpected(read.error());
        for (const auto& [name, counted] : *read) {
            const auto id = servers[group].find(name);
            if (id == servers[group].end()) continue;
            ServerCounters& sum = counters.groups[group][id->second];
            sum.answers += counted.answers;
            sum.errors += counted.errors;
            sum.failures += counted.failures;
        }
    }
    co_return counters;
}

}  // namespace muster::agent
