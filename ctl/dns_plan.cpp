// dns plan, apply, diff, adopt.
#include "ctl/dns.hpp"
#include "ctl/dns_call.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <system_error>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& all) {
    json::array list(all.begin(), all.end());
    return list;
}

Tone tone_of_act(const std::string& act) {
    if (act == "add" || act == "change" || act == "mend") return Tone::good;
    if (act == "remove" || act == "drop name") return Tone::bad;
    return act == "hold" ? Tone::dim : Tone::warning;
}

bool writes_something(const json::value& plan) {
    bool some = false;
    for (const json::value& one : list_at(plan, "plans"))
        some = some || !list_at(one, "writes").empty();
    return some;
}

void show_plan(Context& context, const json::value& plan) {
    for (const json::value& one : list_at(plan, "plans")) {
        context.out << printable(text_at(one, "store")) << ": fence " << text_at(one, "era") << '-'
                    << text_at(one, "epoch") << ", revision " << text_at(one, "revision") << '\n';
        Table table({"ACT", "NAME", "WHAT", "WHY"});
        for (const json::value& line : list_at(one, "lines")) {
            const std::string act = text_at(line, "act");
            table.add({{.text = printable(act), .tone = tone_of_act(act)},
                       {.text = printable(text_at(line, "name"))},
                       {.text = printable(text_at(line, "what"))},
                       {.text = printable(text_at(line, "why"))}});
        }
        if (table.empty()) {
            context.out << "  nothing is to be done: the store has what is desired\n";
        } else {
            context.out << table.render(context.colours);
        }
    }
}

/// A new file beside it and a rename: never half a plan.
bool write_file(Context& context, const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    std::ofstream file(fresh, std::ios::trunc | std::ios::binary);
    file << text;
    file.close();
    std::error_code error;
    if (file) std::filesystem::rename(fresh, path, error);
    if (file && !error) return true;
    context.err << "error: " << printable(path) << " can't be written\n";
    return false;
}

void show_written(Context& context, const json::value& body) {
    for (const json::value& store : list_at(body, "stores")) {
        const json::array& written = list_at(store, "written");
        if (written.empty())
            context.out << printable(text_at(store, "store")) << ": nothing was to be written\n";
        for (const json::value& one : written) {
            const std::string detail = text_at(one, "detail");
            context.out << printable(text_at(store, "store")) << ": "
                        << printable(text_at(one, "name")) << ' '
                        << printable(text_at(one, "outcome"))
                        << (detail.empty() ? "" : ", " + printable(detail)) << '\n';
        }
    }
}

/// False: there are some, and they are told.
bool is_whole(Context& context, const json::value& body) {
    for (const json::value& problem : list_at(body, "problems"))
        context.err << "warning: " << printable(text_at(problem, "")) << '\n';
    return list_at(body, "problems").empty();
}

}  // namespace

asio::awaitable<Exit> dns_plan(Context& context, DnsPlanOptions options) {
    json::object body{{"names", texts(options.names)}, {"empty", texts(options.empty)}};
    if (!options.store.empty()) body["store"] = options.store;
    const Answer answer = co_await ask_master(context, posting("/api/v1/dns/plan", body));
    if (!answer.ok()) co_return answer.exit;
    (void)is_whole(context, answer.body);
    const json::value& plan = at(answer.body, "plan");
    if (!options.file.empty() && !write_file(context, options.file, pretty_json(plan)))
        co_return Exit::failed;
    if (print_as_data(context, plan)) co_return Exit::ok;
    show_plan(context, plan);
    if (!options.file.empty() && writes_something(plan))
        context.out << "`musterctl dns apply " << printable(options.file) << "` carries it out\n";
    co_return Exit::ok;
}

asio::awaitable<Exit> dns_apply(Context& context, DnsApplyOptions options) {
    boost::system::error_code error;
    json::value plan = json::parse(options.text, error);
    if (error || !plan.is_object()) {
        context.err << "error: the file is no plan: `musterctl dns plan -o FILE` makes one\n";
        co_return Exit::failed;
    }
    const json::object body{{"plan", std::move(plan)}, {"empty", texts(options.empty)}};
    const Answer answer = co_await ask_master(context, posting("/api/v1/dns/apply", body));
    if (!answer.ok()) {
        show_written(context, answer.body);
        co_return answer.exit;
    }
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    show_written(context, answer.body);
    co_return Exit::ok;
}

asio::awaitable<Exit> dns_diff(Context& context, std::vector<std::string> names) {
    // As `diff` does.
    constexpr Exit cant_tell = Exit::usage;
    const Answer answer =
        co_await ask_master(context, posting("/api/v1/dns/plan", {{"names", texts(names)}}));
    if (!answer.ok() || !is_whole(context, answer.body)) co_return cant_tell;
    const json::value& stores = at(answer.body, "differences");
    if (!stores.is_object()) co_return cant_tell;
    bool differs = false;
    for (const auto& store : stores.get_object())
        differs = differs || (store.value().is_array() && !store.value().get_array().empty());
    const Exit exit = differs ? Exit::failed : Exit::ok;
    if (print_as_data(context, stores)) co_return exit;
    for (const auto& store : stores.get_object()) {
        for (const json::value& name : list_at(store.value(), "")) {
            context.out << printable(store.key()) << ' ' << printable(text_at(name, "name"))
                        << '\n';
            for (const json::value& sentence : list_at(name, "differs")) {
                const std::string text = text_at(sentence, "");
                const Tone tone = text.starts_with('+')   ? Tone::good
                                  : text.starts_with('-') ? Tone::bad
                                                          : Tone::warning;
                context.out << "  " << toned(printable(text), tone, context.colours) << '\n';
            }
        }
    }
    co_return exit;
}

asio::awaitable<Exit> dns_adopt(Context& context, DnsAdoptOptions options) {
    json::object body{{"adopt", texts(options.names)}};
    if (!options.store.empty()) body["store"] = options.store;
    const Answer answer = co_await ask_master(context, posting("/api/v1/dns/plan", body));
    if (!answer.ok()) co_return answer.exit;
    (void)is_whole(context, answer.body);
    const json::value& plan = at(answer.body, "plan");
    const bool as_data = context.format == Format::json || context.format == Format::yaml;
    if (!as_data) show_plan(context, plan);
    if (!options.yes) {
        if (as_data) (void)print_as_data(context, plan);
        context.err << "nothing was done; --yes does it\n";
        co_return Exit::ok;
    }
    // The very plan that was shown.
    const Answer done =
        co_await ask_master(context, posting("/api/v1/dns/apply", {{"plan", plan}}));
    if (!done.ok()) {
        show_written(context, done.body);
        co_return done.exit;
    }
    if (print_as_data(context, done.body)) co_return Exit::ok;
    show_written(context, done.body);
    co_return Exit::ok;
}

}  // namespace muster::ctl
