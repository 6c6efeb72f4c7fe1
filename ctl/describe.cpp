#include "common/config/yaml_text.hpp"
#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <fmt/format.h>

#include <ostream>
#include <span>

namespace muster::ctl {

namespace {

namespace json = boost::json;

struct Line {
    std::string_view label;
    std::string_view path;
};

constexpr Line group_fields[] = {{"group", "name"},
                                 {"uid", "uid"},
                                 {"generation", "generation"},
                                 {"author", "author"},
                                 {"changed", "changed"},
                                 {"check", "check"},
                                 {"algorithm", "algorithm"},
                                 {"backends", "backends"},
                                 {"shards", "shards"},
                                 {"in rotation", "in_rotation"},
                                 {"healthy %", "healthy_percent"},
                                 {"panic", "panic"}};
constexpr Line fleet_fields[] = {{"fleet", "name"},
                                 {"uid", "uid"},
                                 {"generation", "generation"},
                                 {"author", "author"},
                                 {"changed", "changed"}};

void print_fields(Context& context, const json::value& object, std::span<const Line> fields) {
    for (const Line& field : fields) {
        context.out << fmt::format(
            "{:12} {}\n", field.label, printable(text_at(object, field.path)));
    }
    for (const json::value& note : list_at(object, "notes")) {
        context.out << fmt::format("{:12} {}\n", "note", printable(text_at(note, "")));
    }
}

/// YAML line by line, so that what it quotes stays harmless on a terminal.
void print_spec(Context& context, const json::value& spec) {
    context.out << "\nspec\n";
    const std::string text = config::to_yaml(spec);
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        context.out << "  " << printable(rest.substr(0, end)) << '\n';
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

}  // namespace

asio::awaitable<Exit> describe_group(Context& context, std::string name) {
    const Answer answer =
        co_await ask(context, {.target = "/api/v1/groups/" + http::percent_encode(name)});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    const json::value& group = at(answer.body, "group");
    print_fields(context, group, group_fields);
    print_spec(context, at(group, "spec"));
    context.out << "\nbackends\n";
    co_return co_await get(context, {.kind = Kind::backends, .group = name});
}

asio::awaitable<Exit> describe_fleet(Context& context, std::string name) {
    const Answer answer =
        co_await ask(context, {.target = "/api/v1/fleets/" + http::percent_encode(name)});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    const json::value& fleet = at(answer.body, "fleet");
    print_fields(context, fleet, fleet_fields);
    print_spec(context, at(fleet, "spec"));
    if (number_at(fleet, "instances.total").value_or(0) == 0) co_return Exit::ok;
    context.out << "\ninstances\n";
    co_return co_await get(context, {.kind = Kind::backends, .group = "@" + name});
}

}  // namespace muster::ctl
