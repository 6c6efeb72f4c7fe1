#include "agent/haproxy_state.hpp"

#include "agent/haproxy_errc.hpp"
#include "agent/haproxy_names.hpp"
#include "common/base/split.hpp"
#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace muster::agent {
namespace {

tl::unexpected<Error> senseless(std::string_view what, std::string_view why) {
    return fail(HaproxyErrc::bad_answer, fmt::format("{}: {}", what, why));
}

std::optional<int> number(std::string_view text, int least, int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return {};
    if (value < least || value > most) return {};
    return value;
}

/// A name that may stand in a command again: what HAProxy's own rules allow.
bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 1024 && std::ranges::all_of(text, [](char c) {
        return c == '_' || haproxy_name(std::string_view(&c, 1)).size() == 1;
    });
}

/// The next line of `text`, which loses it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// Where each of the wanted columns is; nothing when one is missing.
std::optional<std::vector<std::size_t>> columns(const std::vector<std::string_view>& header,
                                                std::initializer_list<std::string_view> wanted) {
    std::vector<std::size_t> places;
    for (const std::string_view name : wanted) {
        const auto at = std::ranges::find(header, name);
        if (at == header.end()) return {};
        places.push_back(static_cast<std::size_t>(at - header.begin()));
    }
    return places;
}

struct Row {
    const std::vector<std::string_view>& cells;
    const std::vector<std::size_t>& places;
    std::string_view operator[](std::size_t wanted) const { return cells[places[wanted]]; }
};

std::optional<ObservedServer> read_server(const Row& row) {
    constexpr int forced_or_inherited_maintenance = 0x03;
    constexpr int unresolved = 0x20;
    constexpr int drain = 0x18;
    const auto id = number(row[2], 1, 0x7fffffff);
    const auto running = number(row[4], 0, 3);
    const auto admin = number(row[5], 0, 0xff);
    const auto weight = number(row[6], 0, 256);
    const auto port = number(row[8], 0, 65535);
    const std::string_view address = row[3];
    const bool placed = address == "-" || config::is_ipv4(address) || config::is_ipv6(address);
    const bool named = row[7] == "-" || config::is_host_name(row[7]);
    if (!id || !running || !admin || !weight || !port || !placed || !named) return {};
    ObservedServer server{.number = *id,
                          .address = address == "-" ? "" : std::string(address),
                          .host = row[7] == "-" ? "" : std::string(row[7]),
                          .port = static_cast<std::uint16_t>(*port),
                          .weight = *weight};
    if ((*admin & forced_or_inherited_maintenance) != 0) {
        server.state = ServerState::maintenance;
    } else if ((*admin & drain) != 0) {
        server.state = ServerState::drain;
    }
    server.stopped = server.state != ServerState::maintenance && (*admin & unresolved) == 0 &&
                     (*running == 0 || *running == 3);
    return server;
}

constexpr std::string_view stat = "show stat";

/// Of its table these columns: the proxy's name, the server's, and `column`. `take` gets each row,
/// and its line; the first error ends it.
template <class Take>
Result<void> each_of_stat(std::string_view answer, const char* column, Take take) {
    std::string_view heading = take_line(answer);
    if (!heading.starts_with("# ")) return senseless(stat, "no header");
    heading.remove_prefix(2);
    const auto header = split(heading, ',');
    const auto places = columns(header, {"pxname", "svname", column});
    if (!places) return senseless(stat, "a column is missing");
    while (!answer.empty()) {
        const std::string_view line = take_line(answer);
        if (line.empty()) continue;
        const auto cells = split(line, ',');
        if (cells.size() <= std::ranges::max(*places)) return senseless(stat, "a short row");
        if (auto taken = take(Row{.cells = cells, .places = *places}, line); !taken) return taken;
    }
    return {};
}

}  // namespace

Result<ObservedBackends> parse_backends(std::string_view answer) {
    if (take_line(answer) != "# name") return senseless("show backend", "no header");
    ObservedBackends backends;
    while (!answer.empty()) {
        const std::string_view name = take_line(answer);
        if (name.empty()) continue;
        if (!is_name(name)) return senseless("show backend", "a name with other characters");
        backends.emplace(name, ObservedServers());
    }
    return backends;
}

Result<void> parse_servers(std::string_view answer, ObservedBackends& backends) {
    constexpr std::string_view what = "show servers state";
    if (take_line(answer) != "1") return senseless(what, "not format 1");
    std::string_view heading = take_line(answer);
    if (!heading.starts_with("# ")) return senseless(what, "no header");
    heading.remove_prefix(2);
    const auto header = split(heading, ' ');
    const auto places = columns(header,
                                {"be_name",
                                 "srv_name",
                                 "srv_id",
                                 "srv_addr",
                                 "srv_op_state",
                                 "srv_admin_state",
                                 "srv_uweight",
                                 "srv_fqdn",
                                 "srv_port"});
    if (!places) return senseless(what, "a column is missing");
    while (!answer.empty()) {
        const std::string_view line = take_line(answer);
        if (line.empty() || line.starts_with('#')) continue;
        const auto cells = split(line, ' ');
        if (cells.size() != header.size()) return senseless(what, "a row of another length");
        const Row row{.cells = cells, .places = *places};
        auto server = read_server(row);
        if (!server || !is_name(row[0]) || !is_name(row[1]))
            return senseless(what, fmt::format("a row that doesn't read: {:.200}", line));
        const auto backend = backends.find(row[0]);
        if (backend == backends.end()) continue;
        if (!backend->second.emplace(row[1], std::move(*server)).second)
            return senseless(what, fmt::format("'{}' is there twice", row[1]));
    }
    return {};
}

Result<void> parse_limits(std::string_view answer, ObservedBackends& backends) {
    return each_of_stat(answer, "slim", [&](const Row& row, std::string_view) -> Result<void> {
        const auto limit = row[2].empty() ? 0 : number(row[2], 0, 0x7fffffff);
        if (!limit) return senseless(stat, "a limit that is no number");
        const auto backend = backends.find(row[0]);
        if (backend == backends.end()) return {};
        const auto server = backend->second.find(row[1]);
        if (server != backend->second.end()) server->second.max_connections = *limit;
        return {};
    });
}

Result<HaproxyInfo> parse_info(std::string_view answer) {
    HaproxyInfo info;
    while (!answer.empty()) {
        std::string_view line = take_line(answer);
        if (line.starts_with("Pid: ")) {
            const auto pid = number(line.substr(5), 2, 0x7fffffff);
            if (!pid) return senseless("show info", "a Pid that is no number");
            info.pid = *pid;
        }
        constexpr std::string_view ours = "description: muster ";
        if (line.starts_with(ours)) info.structure = line.substr(ours.size());
    }
    if (info.pid == 0) return senseless("show info", "no Pid");
    return info;
}

Result<std::int64_t> parse_connections(std::string_view answer,
                                       const std::set<std::string, std::less<>>& frontends) {
    constexpr int most = 1'000'000'000;
    std::int64_t open = 0;
    std::set<std::string_view> seen;
    const auto add = [&](const Row& row, std::string_view line) -> Result<void> {
        if (row[1] != "FRONTEND" || !frontends.contains(row[0])) return {};
        const auto now = number(row[2], 0, most);
        if (!now || !seen.insert(row[0]).second)
            return senseless(stat, fmt::format("a row that doesn't read: {:.200}", line));
        open += *now;
        return {};
    };
    if (auto read = each_of_stat(answer, "scur", add); !read)
        return tl::unexpected(std::move(read).error());
    if (seen.size() != frontends.size()) return senseless(stat, "a frontend is missing");
    if (open > most) return senseless(stat, "too many connections");
    return open;
}

Result<int> parse_old_workers(std::string_view answer) {
    constexpr std::string_view what = "show proc";
    if (!take_line(answer).starts_with("#<PID>")) return senseless(what, "no header");
    bool old = false;
    bool workers = false;
    int count = 0;
    while (!answer.empty()) {
        const std::string_view line = take_line(answer);
        if (line.starts_with('#')) {
            old = line == "# old workers";
            workers = workers || line == "# workers";
        } else if (old && !line.empty()) {
            ++count;
        }
    }
    if (!workers) return senseless(what, "no workers");
    return count;
}

std::optional<int> failed_reloads(std::string_view answer) {
    constexpr std::string_view mark = "[failed: ";
    const std::size_t at = answer.find(mark);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = answer.substr(at + mark.size());
    return number(rest.substr(0, rest.find(']')), 0, 0x7fffffff);
}

}  // namespace muster::agent
