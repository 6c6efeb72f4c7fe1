#include "ctl/context.hpp"

#include "common/config/decode.hpp"
#include "common/config/yaml_text.hpp"
#include "common/http/url.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

void print_problem(Context& context, int status, const json::value& problem) {
    std::string title = text_at(problem, "title");
    if (title.empty()) title = fmt::format("the node answered {}", status);
    const std::string detail = text_at(problem, "detail");
    context.err << toned("error:", Tone::bad, context.colours) << ' ' << printable(title);
    if (!detail.empty()) context.err << ": " << printable(detail);
    context.err << '\n';
    for (const json::value& one : list_at(problem, "errors")) {
        const config::Problem place{
            .path = text_at(one, "path"),
            .line = static_cast<int>(number_at(one, "line").value_or(0)),
            .column = static_cast<int>(number_at(one, "column").value_or(0)),
            .what = text_at(one, "detail")};
        context.err << "  " << printable(config::to_string(place)) << '\n';
    }
    for (const auto& [list, kind] : {std::pair("groups", "group"), std::pair("fleets", "fleet")}) {
        for (const json::value& object : list_at(problem, list)) {
            for (const json::value& sentence : list_at(object, "problems")) {
                context.err << "  " << kind << ' ' << printable(text_at(object, "name")) << ": "
                            << printable(text_at(sentence, "")) << '\n';
            }
        }
    }
    const std::string nearest = text_at(problem, "nearest");
    if (!nearest.empty()) context.err << "  nearest: " << printable(nearest) << '\n';
    if (status == 401) {
        context.err << "  give a token with --token-file or MUSTER_TOKEN_FILE\n";
    }
}

json::value parse(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value{} : value;
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
    // 2026-03-01T12:00:00.250Z
    constexpr std::array<std::size_t, 6> starts = {0, 5, 8, 11, 14, 17};
    constexpr std::array<std::size_t, 6> lengths = {4, 2, 2, 2, 2, 2};
    if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
    std::array<int, 6> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const char* begin = text.data() + starts[i];
        const char* end = begin + lengths[i];
        if (std::from_chars(begin, end, parts[i]).ptr != end) return std::nullopt;
    }
    using namespace std::chrono;
    const year_month_day date{year(parts[0]),
                              month(static_cast<unsigned>(parts[1])),
                              day(static_cast<unsigned>(parts[2]))};
    if (!date.ok()) return std::nullopt;
    return sys_days(date) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]);
}

asio::awaitable<Answer> ask(Context& context, ApiCall call) {
    const auto reply = co_await context.api.call(std::move(call));
    co_return take(context, reply);
}

Answer take(Context& context, const Result<http::Response>& reply) {
    if (!reply) {
        context.err << toned("error:", Tone::bad, context.colours) << ' '
                    << printable(reply.error().message()) << '\n';
        const bool sent =
            reply.error().code == http::Errc::timed_out || reply.error().code == http::Errc::closed;
        if (sent) context.err << "  what was asked for may have been done: look before repeating\n";
        return {.exit = Exit::unreachable, .body = {}};
    }
    json::value body = parse(reply->body);
    const Exit exit = exit_of_status(reply->status);
    if (exit != Exit::ok) {
        print_problem(context, reply->status, body);
        return {.exit = exit, .body = std::move(body)};
    }
    if (!body.is_object()) {
        context.err << "error: the node did not answer as a musterd does\n";
        return {.exit = Exit::failed, .body = {}};
    }
    return {.exit = Exit::ok, .body = std::move(body)};
}

bool print_as_data(Context& context, const json::value& body) {
    if (context.format == Format::json) context.out << pretty_json(body);
    if (context.format == Format::yaml) context.out << config::to_yaml(body);
    return context.format == Format::json || context.format == Format::yaml;
}

std::string BackendName::target() const {
    return "/api/v1/backends/" + http::percent_encode(group) + "/" + http::percent_encode(id);
}

std::string BackendName::patch_target() const {
    return "/api/v1/groups/" + http::percent_encode(group) + "/backends/" +
           http::percent_encode(id);
}

asio::awaitable<FoundBackend> find_backend(Context& context, std::string text) {
    const std::size_t slash = text.find('/');
    if (slash != std::string::npos) {
        co_return FoundBackend{
            .name = {.group = text.substr(0, slash), .id = text.substr(slash + 1)}};
    }
    const Answer answer = co_await ask(
        context, {.target = "/api/v1/backends?limit=1000&q=" + http::percent_encode(text)});
    if (!answer.ok()) co_return FoundBackend{.exit = answer.exit};
    std::vector<BackendName> found;
    for (const json::value& backend : list_at(answer.body, "backends")) {
        BackendName name{.group = text_at(backend, "group"), .id = text_at(backend, "id")};
        if (name.id == text || text_at(backend, "address") == text)
            found.push_back(std::move(name));
    }
    if (found.size() == 1) co_return FoundBackend{.name = std::move(found.front())};
    if (found.empty()) {
        context.err << "error: no backend has the id or address " << printable(text) << '\n';
        co_return FoundBackend{.exit = Exit::not_found};
    }
    context.err << "error: several groups have it, say which:\n";
    for (const BackendName& name : found) {
        context.err << "  " << printable(name.group + "/" + name.id) << '\n';
    }
    co_return FoundBackend{.exit = Exit::usage};
}

std::string age_text(std::optional<double> seconds) {
    if (!seconds || *seconds < 0) return {};
    if (*seconds < 10) return fmt::format("{:.1f} s", *seconds);
    if (*seconds < 120) return fmt::format("{:.0f} s", *seconds);
    if (*seconds < 7200) return fmt::format("{:.0f} min", *seconds / 60);
    if (*seconds < 172'800) return fmt::format("{:.0f} h", *seconds / 3600);
    return fmt::format("{:.0f} d", *seconds / 86'400);
}

std::string since_text(Clock& clock, std::string_view time) {
    const auto since = parse_time(time);
    if (!since) return {};
    const std::chrono::duration<double> age = clock.wall() - *since;
    return age_text(std::max(0.0, age.count()));
}

}  // namespace muster::ctl
