#include "common/config/cron.hpp"
#include "common/config/decimal.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/scaling_codec.hpp"
#include "common/config/scaling_limits.hpp"
#include "common/config/scaling_rules.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<ScalingMeasure> {
    static constexpr std::array<std::pair<ScalingMeasure, std::string_view>, 4> words = {{
        {ScalingMeasure::utilization, "utilization"},
        {ScalingMeasure::average_of_instances, "average"},
        {ScalingMeasure::average_of_total, "total_average"},
        {ScalingMeasure::value, "value"},
    }};
};

template <>
struct EnumWords<Reducer> {
    static constexpr std::array<std::pair<Reducer, std::string_view>, 5> words = {{
        {Reducer::none, "none"},
        {Reducer::sum, "sum"},
        {Reducer::max, "max"},
        {Reducer::min, "min"},
        {Reducer::avg, "avg"},
    }};
};

template <>
struct EnumWords<StepChange> {
    static constexpr std::array<std::pair<StepChange, std::string_view>, 3> words = {{
        {StepChange::instances, "add"},
        {StepChange::percent, "add_percent"},
        {StepChange::exact, "size"},
    }};
};

namespace {

constexpr DecimalRange above_zero{.least = 1, .most = largest_decimal};
constexpr DecimalRange any_number{.least = -largest_decimal, .most = largest_decimal};
/// Of what an instance can take. More than all of it is possible where requests are less than that.
constexpr DecimalRange utilization{.least = one_million, .most = 1'000 * one_million};

using Names = std::vector<std::string_view>;

/// As only_field(), and says what there must be where there is none of them.
std::optional<std::pair<std::string_view, Value>> one_field(const Value& map,
                                                            const Fields& fields,
                                                            const Names& names) {
    const bool has_others =
        map.node().kind == Node::Kind::map && !map.node().items.empty() &&
        std::ranges::none_of(names, [&](auto name) { return fields.find(name).has_value(); });
    if (has_others) map.refuse(fmt::format("must have one of {}", fmt::join(names, ", ")));
    return only_field(map, fields, names);
}

bool is_empty_list(const Value& list) {
    return list.node().kind == Node::Kind::list && list.node().items.empty();
}

std::optional<int> read_size(const Value& value, int max) {
    const auto size = read_int(value, bounds::fleet_size);
    if (!size) return std::nullopt;
    if (*size > max)
        value.refuse(fmt::format("is {}, and max is {}; must be at most that", *size, max));
    return static_cast<int>(*size);
}

TargetRule decode_target(const Value& value) {
    TargetRule rule;
    const Names names = {"utilization", "average", "total_average", "value"};
    const Fields fields(value, names);
    const auto target = only_field(value, fields, names);
    if (!target) return rule;
    rule.measure = parse_enum<ScalingMeasure>(target->first).value_or(rule.measure);
    const bool is_percent = rule.measure == ScalingMeasure::utilization;
    if (auto number = read_decimal(target->second, is_percent ? utilization : above_zero))
        rule.target = *number;
    return rule;
}

/// Nothing when what it begins at or does is not known.
std::optional<StepBound> decode_step(const Value& value, int max) {
    StepBound step;
    const Fields fields(value, {"from", "add", "add_percent", "size"});
    const auto from = fields.require("from", "the least value that the step is for");
    const auto number = from ? read_decimal(*from, any_number) : std::nullopt;
    if (number) step.from = *number;
    const auto change = one_field(value, fields, {"add", "add_percent", "size"});
    if (!change) return std::nullopt;
    step.change = parse_enum<StepChange>(change->first).value_or(step.change);
    std::optional<std::int64_t> amount;
    switch (step.change) {
        case StepChange::instances:
            amount = read_int(change->second, bounds::step_add);
            break;
        case StepChange::percent:
            amount = read_int(change->second, bounds::step_percent);
            break;
        case StepChange::exact:
            amount = read_size(change->second, max);
            break;
    }
    if (!amount || !number) return std::nullopt;
    step.amount = static_cast<int>(*amount);
    return step;
}

StepRule decode_steps(const Value& list, int max) {
    StepRule rule;
    if (is_empty_list(list))
        list.refuse("is an empty list; must have a step, such as {from: 100, add: 2}");
    std::string before;  // the path of the step before
    for (const Value& element : elements_of(list, bounds::steps)) {
        auto step = decode_step(element, max);
        if (!step) continue;
        if (!rule.steps.empty() &&
            *parse_decimal(step->from) <= *parse_decimal(rule.steps.back().from))
            element.refuse(fmt::format("is from {}, and {} is from {}; steps must rise",
                                       step->from,
                                       before,
                                       rule.steps.back().from));
        before = element.path();
        rule.steps.push_back(std::move(*step));
    }
    return rule;
}

ScheduleRule decode_schedule(const Value& value, int max) {
    ScheduleRule rule;
    const Fields fields(value, {"time_zone", "entries"});
    read_text(fields, "time_zone", rule.time_zone, rules::time_zone);
    const auto entries = fields.require("entries", "a list of {start, length, size}");
    if (!entries) return rule;
    if (is_empty_list(*entries))
        entries->refuse(
            "is an empty list; must have an entry, such as {start: \"0 8 * * 1-5\", length: 10h, "
            "size: 4}");
    for (const Value& element : elements_of(*entries, bounds::schedule_entries)) {
        ScheduleEntry entry;
        const Fields own(element, {"start", "length", "size"});
        if (const auto start = own.require("start", "5 fields of cron, such as \"0 8 * * 1-5\""))
            entry.start = read_text(*start, rules::cron).value_or("");
        if (own.require("length", "how long it lasts, such as 10h"))
            read_seconds(own, "length", entry.length, bounds::schedule_length);
        if (const auto size = own.require("size", "the least number of LBs meanwhile"))
            entry.size = read_size(*size, max).value_or(entry.size);
        rule.entries.push_back(std::move(entry));
    }
    return rule;
}

ForecastRule decode_forecast(const Value& value) {
    ForecastRule rule;
    const Fields fields(
        value, {"total_average", "season", "seasons", "ahead", "observe_only", "percentile"});
    if (const auto target = fields.require("total_average", "what each LB shall take"))
        rule.target = read_decimal(*target, above_zero).value_or(rule.target);
    read_seconds(fields, "season", rule.season, bounds::season);
    read_int(fields, "seasons", rule.seasons, bounds::seasons);
    read_seconds(fields, "ahead", rule.ahead, bounds::ahead);
    read_bool(fields, "observe_only", rule.observe_only);
    read_int(fields, "percentile", rule.percentile, bounds::percentile);
    return rule;
}

/// The name of the field that holds it.
std::optional<std::string_view> read_rule(
    const Value& value, const Fields& fields, ScalingMode mode, int max, ScalingRule& into) {
    const auto rule =
        one_field(value, fields, {"target", "steps", "schedule", "forecast", "fixed"});
    if (!rule) return std::nullopt;
    const auto& [name, place] = *rule;
    if (mode == ScalingMode::hpa && name != "target")
        place.refuse("is nothing that an HPA has; must be a target, or the mode muster");
    if (name == "target") into = decode_target(place);
    if (name == "steps") into = decode_steps(place, max);
    if (name == "schedule") into = decode_schedule(place, max);
    if (name == "forecast") into = decode_forecast(place);
    if (name == "fixed") into = FixedRule{.size = read_size(place, max).value_or(1)};
    return name;
}

/// The label is read already.
void read_missing(const Fields& fields, ScalingMode mode, ScalingMetric& metric) {
    const auto field = fields.find("missing_percent");
    if (!field) return;
    if (mode == ScalingMode::hpa)
        return field->refuse("is nothing that an HPA has; leave it out, or write the mode muster");
    if (!may_miss(metric.rule))
        return field->refuse(
            "stands without a target of utilization, average or total_average, of which alone a "
            "part may be missing; leave it out");
    if (metric.instance_label.empty())
        return field->refuse(
            "stands beside an empty instance_label, with which no instance is known to be missing; "
            "leave it out");
    if (const auto percent = read_int(*field, bounds::missing_percent))
        metric.missing_percent = static_cast<int>(*percent);
}

/// What is asked, for the rule of this name.
void read_question(const Fields& fields,
                   std::string_view rule,
                   ScalingMode mode,
                   ScalingMetric& metric) {
    if (!asks(metric.rule)) {
        for (const std::string_view name : {"query",
                                            "capacity_query",
                                            "freshness",
                                            "instance_label",
                                            "reducer",
                                            "max_age",
                                            "missing_percent"}) {
            if (const auto field = fields.find(name))
                field->refuse(fmt::format(
                    "stands beside {}, for which nothing is asked; leave it out", rule));
        }
        return;
    }
    const auto capacity = fields.find("capacity_query");
    if (const auto query = fields.require("query", "a PromQL query"))
        metric.query = read_query(*query).value_or("");
    if (capacity) metric.capacity_query = read_query(*capacity).value_or("");
    if (const auto freshness = fields.find("freshness"))
        metric.freshness = read_query(*freshness).value_or("");
    read_text(fields, "instance_label", metric.instance_label, rules::series_label);
    read_enum(fields, "reducer", metric.reducer);
    read_seconds(fields, "max_age", metric.max_age, bounds::max_age);
    read_missing(fields, mode, metric);
    if (capacity && measure_of(metric.rule) != ScalingMeasure::utilization)
        capacity->refuse("stands without a target of utilization, whose 100 % it is; leave it out");
    if (is_of_instances(metric.rule) && metric.reducer != Reducer::none)
        fields.find("reducer")->refuse(
            "makes one value of all, and a target of utilization or average needs that of each "
            "instance; leave it out, or write total_average");
}

ScalingMetric decode_metric(const Value& value, ScalingMode mode, int max) {
    ScalingMetric metric;
    const Fields fields(value,
                        {"name",
                         "query",
                         "capacity_query",
                         "freshness",
                         "instance_label",
                         "reducer",
                         "max_age",
                         "missing_percent",
                         "target",
                         "steps",
                         "schedule",
                         "forecast",
                         "fixed"});
    if (const auto name = fields.require("name", "the metric's name"))
        metric.name = read_text(*name, rules::name).value_or("");
    if (const auto rule = read_rule(value, fields, mode, max, metric.rule))
        read_question(fields, *rule, mode, metric);
    return metric;
}

json::array encode(const StepRule& rule) {
    json::array list;
    for (const StepBound& step : rule.steps)
        list.push_back(
            json::object{{"from", json::string(step.from)}, {word_of(step.change), step.amount}});
    return list;
}

json::object encode(const ScheduleRule& rule, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.field("time_zone", rule.time_zone, ScheduleRule{}.time_zone);
    json::array entries;
    for (const ScheduleEntry& entry : rule.entries)
        entries.push_back(json::object{{"start", json::string(entry.start)},
                                       {"length", json::string(to_string(entry.length))},
                                       {"size", entry.size}});
    writer.put("entries", std::move(entries));
    return writer.take();
}

json::object encode(const ForecastRule& rule, Verbosity verbosity) {
    const ForecastRule standard;
    FieldWriter writer(verbosity);
    writer.put("total_average", json::string(rule.target));
    writer.field("season", rule.season, standard.season);
    writer.field("seasons", rule.seasons, standard.seasons);
    writer.field("ahead", rule.ahead, standard.ahead);
    writer.field("observe_only", rule.observe_only, standard.observe_only);
    writer.field("percentile", rule.percentile, standard.percentile);
    return writer.take();
}

void encode_rule(const ScalingRule& rule, Verbosity verbosity, FieldWriter& writer) {
    if (const auto* target = std::get_if<TargetRule>(&rule))
        writer.put("target",
                   json::object{{word_of(target->measure), json::string(target->target)}});
    if (const auto* steps = std::get_if<StepRule>(&rule)) writer.put("steps", encode(*steps));
    if (const auto* schedule = std::get_if<ScheduleRule>(&rule))
        writer.put("schedule", encode(*schedule, verbosity));
    if (const auto* forecast = std::get_if<ForecastRule>(&rule))
        writer.put("forecast", encode(*forecast, verbosity));
    if (const auto* fixed = std::get_if<FixedRule>(&rule)) writer.put("fixed", fixed->size);
}

}  // namespace

std::optional<std::string> read_query(const Value& value) {
    auto text = read_text(value, rules::query);
    if (!text) return std::nullopt;
    constexpr std::string_view space = " \t\r\n";
    text->erase(text->find_last_not_of(space) + 1);
    text->erase(0, text->find_first_not_of(space));
    return text;
}

std::vector<ScalingMetric> decode_metrics(const Value& list, ScalingMode mode, int max) {
    std::vector<ScalingMetric> metrics;
    const std::vector<Value> elements = elements_of(list, bounds::scaling_metrics);
    for (const Value& element : elements) {
        ScalingMetric metric = decode_metric(element, mode, max);
        const auto same = std::ranges::find(metrics, metric.name, &ScalingMetric::name);
        if (!metric.name.empty() && same != metrics.end())
            element.refuse(
                fmt::format("is metric {} a second time; the first is {}",
                            metric.name,
                            elements[static_cast<std::size_t>(same - metrics.begin())].path()));
        metrics.push_back(std::move(metric));
    }
    return metrics;
}

json::array encode(const std::vector<ScalingMetric>& metrics, Verbosity verbosity) {
    const ScalingMetric standard;
    json::array list;
    for (const ScalingMetric& metric : metrics) {
        FieldWriter writer(verbosity);
        writer.put("name", json::string(metric.name));
        if (asks(metric.rule)) {
            writer.put("query", json::string(metric.query));
            writer.optional("capacity_query", metric.capacity_query);
            writer.optional("freshness", metric.freshness);
            writer.field("instance_label", metric.instance_label, standard.instance_label);
            writer.field("reducer",
                         std::string(word_of(metric.reducer)),
                         std::string(word_of(standard.reducer)));
            writer.field("max_age", metric.max_age, standard.max_age);
            writer.optional("missing_percent", metric.missing_percent);
        }
        encode_rule(metric.rule, verbosity, writer);
        list.push_back(writer.take());
    }
    return list;
}

}  // namespace muster::config
