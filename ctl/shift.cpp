#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

std::optional<std::pair<std::string, int>> share_of(const std::string& text) {
    const auto sign = text.rfind('=');
    if (sign == std::string::npos || sign == 0) return std::nullopt;
    int percent = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + sign + 1, last, percent);
    if (error != std::errc{} || end != last) return std::nullopt;
    return std::pair(text.substr(0, sign), percent);
}

/// Nothing: a share can't be read, which `err` is told.
std::optional<std::string> body_of(const ShiftOptions& options, std::ostream& err) {
    json::object percent;
    for (const std::string& text : options.shares) {
        const auto share = share_of(text);
        if (!share || percent.contains(share->first)) {
            err << "error: " << printable(text)
                << (share ? " is there twice\n" : " must be like blue=90\n");
            return std::nullopt;
        }
        percent.emplace(share->first, share->second);
    }
    json::object body{{"name", options.name}, {"percent", std::move(percent)}};
    for (const auto& [field, value] : {std::pair("by", &options.by),
                                       std::pair("over", &options.over),
                                       std::pair("interval", &options.interval),
                                       std::pair("patience", &options.patience)}) {
        if (!value->empty()) body.emplace(field, *value);
    }
    if (options.healthy_percent > 0) body.emplace("healthy_percent", options.healthy_percent);
    return json::serialize(body);
}

std::string spelled(const json::value& percents) {
    std::string text;
    const json::object* const object = percents.if_object();
    if (object == nullptr) return text;
    for (const auto& member : *object)
        text += fmt::format("{}{}={}",
                            text.empty() ? "" : " ",
                            printable(std::string(member.key())),
                            printable(text_at(member.value(), "")));
    return text;
}

}  // namespace

asio::awaitable<Exit> shift(Context& context, ShiftOptions options) {
    if (options.shares.empty() && !options.cancel && !options.forget)
        co_return co_await get(context, {.kind = Kind::shifts, .name = options.name});
    const std::string of_name = "/api/v1/traffic-shift/" + http::percent_encode(options.name);
    ApiCall call{.method = "POST", .target = "/api/v1/traffic-shift"};
    std::string done = "asked for: ";
    if (options.cancel) {
        call.target = of_name + "/cancel";
        done = "cancelled: ";
    } else if (options.forget) {
        call.method = "DELETE";
        call.target = of_name;
        done = "forgotten: ";
    } else {
        auto body = body_of(options, context.err);
        if (!body) co_return Exit::usage;
        call.body = *std::move(body);
        call.fields.push_back({.name = "content-type", .value = "application/json"});
    }
    if (options.dry_run) call.target += "?dry_run=1";
    const Answer answer = co_await ask(context, std::move(call));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    const std::string from = spelled(at(answer.body, "from"));
    context.out << (options.dry_run ? "would be " : "") << done
                << printable(text_at(answer.body, "name")) << " to "
                << (options.cancel ? from : spelled(at(answer.body, "to"))) << '\n';
    if (!options.forget && !options.dry_run)
        context.err << "musterctl get shifts -w shows how far it is\n";
    co_return Exit::ok;
}

}  // namespace muster::ctl
