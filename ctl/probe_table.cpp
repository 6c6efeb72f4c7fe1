#include "ctl/probe_table.hpp"

#include "checker/perfdata.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

std::string milliseconds(std::chrono::microseconds time) {
    return time.count() == 0 ? std::string()
                             : fmt::format("{:.1f} ms", static_cast<double>(time.count()) / 1000);
}

Tone tone_of(checker::Result result) {
    switch (result) {
        case checker::Result::success:
            return Tone::good;
        case checker::Result::failure:
            return Tone::bad;
        case checker::Result::degraded:
        case checker::Result::inconclusive:
            break;
    }
    return Tone::warning;
}

json::object as_data(const ShownProbe& probe) {
    const checker::ProbeOutcome& outcome = probe.outcome;
    const auto seconds = [](std::chrono::microseconds time) {
        return static_cast<double>(time.count()) / 1e6;
    };
    json::object data{{"backend", probe.backend},
                      {"time", fmt::format("{:%FT%T}Z", probe.time)},
                      {"result", checker::to_string(outcome.result)},
                      {"reason", checker::to_string(outcome.reason)},
                      {"code", outcome.code},
                      {"resolve_seconds", seconds(outcome.resolve)},
                      {"connect_seconds", seconds(outcome.connect)},
                      {"tls_seconds", seconds(outcome.tls)},
                      {"sent_seconds", seconds(outcome.sent)},
                      {"first_byte_seconds", seconds(outcome.first_byte)},
                      {"total_seconds", seconds(outcome.total)}};
    if (!outcome.said) return data;
    data["said"] = printable(*outcome.said);
    json::array figures;
    for (const checker::PerfDatum& figure : checker::parse_perfdata(*outcome.said)) {
        figures.push_back({{"label", printable(figure.label)},
                           {"value", figure.value},
                           {"unit", printable(figure.unit)}});
    }
    if (!figures.empty()) data["perfdata"] = std::move(figures);
    return data;
}

}  // namespace

void show_probes(Context& context, const std::vector<ShownProbe>& probes) {
    json::array list;
    for (const ShownProbe& probe : probes) list.push_back(as_data(probe));
    if (print_as_data(context, json::object{{"probes", std::move(list)}})) return;
    Table table({"BACKEND",
                 "RESULT",
                 "REASON",
                 "CODE",
                 "RESOLVE",
                 "CONNECT",
                 "TLS",
                 "SENT",
                 "FIRST BYTE",
                 "TOTAL",
                 "SAID"});
    for (const ShownProbe& probe : probes) {
        const checker::ProbeOutcome& outcome = probe.outcome;
        table.add({{.text = probe.backend},
                   {.text = std::string(checker::to_string(outcome.result)),
                    .tone = tone_of(outcome.result)},
                   {.text = std::string(checker::to_string(outcome.reason))},
                   {.text = outcome.code == 0 ? "" : std::to_string(outcome.code)},
                   {.text = milliseconds(outcome.resolve)},
                   {.text = milliseconds(outcome.connect)},
                   {.text = milliseconds(outcome.tls)},
                   {.text = milliseconds(outcome.sent)},
                   {.text = milliseconds(outcome.first_byte)},
                   {.text = milliseconds(outcome.total)},
                   {.text = outcome.said ? *outcome.said : std::string()}});
    }
    context.out << table.render(context.colours);
}

}  // namespace muster::ctl
