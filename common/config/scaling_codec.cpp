#include "common/config/scaling_codec.hpp"

#include "common/config/decimal.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/scaling_limits.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<ScalingMode> {
    static constexpr std::array<std::pair<ScalingMode, std::string_view>, 2> words = {{
        {ScalingMode::muster, "muster"},
        {ScalingMode::hpa, "hpa"},
    }};
};

template <>
struct EnumWords<BudgetSelect> {
    static constexpr std::array<std::pair<BudgetSelect, std::string_view>, 2> words = {{
        {BudgetSelect::largest, "largest"},
        {BudgetSelect::smallest, "smallest"},
    }};
};

namespace {

constexpr DecimalRange share{.least = 0, .most = one_million};
constexpr DecimalRange rise{.least = 0, .most = 1'000 * one_million};
constexpr DecimalRange not_negative{.least = 0, .most = largest_decimal};
constexpr DecimalRange improvement{.least = 1, .most = one_million / 2 - 1};

constexpr std::string_view not_of_an_hpa =
    "is nothing that an HPA has; leave it out, or write the mode muster";

enum class Direction : std::uint8_t { out, in };

void read_int(const Fields& fields,
              std::string_view name,
              std::optional<int>& into,
              IntRange range) {
    if (const auto value = fields.find(name)) {
        if (const auto number = config::read_int(*value, range)) into = static_cast<int>(*number);
    }
}

ScalingBudget decode_budget(const Value& value, Direction direction, ScalingMode mode) {
    ScalingBudget budget;
    const Fields fields(value, {"count", "percent", "window"});
    read_int(fields, "count", budget.count, bounds::fleet_size);
    read_int(fields,
             "percent",
             budget.percent,
             direction == Direction::in ? bounds::budget_percent_in : bounds::budget_percent_out);
    const auto percent = fields.find("percent");
    const bool counts = fields.find("count").has_value();
    if (value.node().kind == Node::Kind::map && !counts && !percent)
        value.refuse("allows nothing; must have count, percent, or both");
    if (mode == ScalingMode::hpa && counts && percent)
        percent->refuse("stands beside count, which no policy of an HPA has; write two budgets");
    read_seconds(fields, "window", budget.window, bounds::budget_window);
    return budget;
}

void decode_behaviour(const Value& value,
                      Direction direction,
                      ScalingMode mode,
                      ScalingBehaviour& into) {
    const Fields fields(value,
                        {"tolerance",
                         "tolerance_instances",
                         "window",
                         "budgets",
                         "select",
                         "disabled",
                         "max_unavailable",
                         "cooldown"});
    if (mode == ScalingMode::hpa) {
        for (const std::string_view name : {"tolerance_instances", "max_unavailable", "cooldown"})
            if (const auto field = fields.find(name)) field->refuse(std::string(not_of_an_hpa));
    } else if (const auto select = fields.find("select")) {
        select->refuse("is of the mode hpa; here all budgets hold, so leave it out");
    }
    read_decimal(fields, "tolerance", into.tolerance, share);
    read_int(fields, "tolerance_instances", into.tolerance_instances, bounds::tolerance_instances);
    read_seconds(fields, "window", into.window, bounds::stabilization);
    if (const auto budgets = fields.find("budgets")) {
        into.budgets.clear();
        for (const Value& element : elements_of(*budgets, bounds::budgets))
            into.budgets.push_back(decode_budget(element, direction, mode));
    }
    read_enum(fields, "select", into.select);
    read_bool(fields, "disabled", into.disabled);
    read_int(fields, "max_unavailable", into.max_unavailable, bounds::max_unavailable);
    read_seconds(fields, "cooldown", into.cooldown, bounds::cooldown);
}

template <class Guard>
void read_rise(const Fields& fields, Guard& guard) {
    read_decimal(fields, "rise", guard.rise, rise);
    read_decimal(fields, "floor", guard.floor, not_negative);
    read_seconds(fields, "window", guard.window, bounds::guard_window);
}

ScalingGuard decode_guard(const Value& value) {
    ScalingGuard guard;
    const Fields fields(value, {"query", "freshness", "rise", "floor", "window"});
    if (const auto query = fields.require("query", "a PromQL query with one value"))
        guard.query = read_query(*query).value_or("");
    if (const auto freshness = fields.find("freshness"))
        guard.freshness = read_query(*freshness).value_or("");
    read_rise(fields, guard);
    return guard;
}

UnhealthyGuard decode_unhealthy(const Value& value) {
    UnhealthyGuard guard;
    const Fields fields(value, {"rise", "floor", "window"});
    read_rise(fields, guard);
    return guard;
}

/// A map, true for the default, or false for none.
std::optional<EffectivenessGuard> decode_effectiveness(const Value& value) {
    const Node& node = value.node();
    if (node.kind == Node::Kind::plain && node.text == "false") return std::nullopt;
    EffectivenessGuard guard;
    if (node.kind == Node::Kind::plain && node.text == "true") return guard;
    if (node.kind != Node::Kind::map) {
        value.refuse_type("false, true, or a map of after, improvement, hold");
        return guard;
    }
    const Fields fields(value, {"after", "improvement", "hold"});
    config::read_int(fields, "after", guard.after, bounds::effectiveness_after);
    read_decimal(fields, "improvement", guard.improvement, improvement);
    read_seconds(fields, "hold", guard.hold, bounds::effectiveness_hold);
    return guard;
}

/// Is max known?
bool read_bounds(const Fields& fields, ScalingSpec& scaling) {
    config::read_int(fields, "min", scaling.min, bounds::fleet_bound);
    // No size that is written below is held against a bound that isn't known.
    scaling.max = static_cast<int>(bounds::fleet_size.most);
    const auto max = fields.require("max", "the largest number of LBs");
    const auto number = max ? config::read_int(*max, bounds::fleet_bound) : std::nullopt;
    if (!number) return false;
    scaling.max = static_cast<int>(*number);
    const auto min = fields.find("min");
    if (scaling.max == 0 && !min) scaling.min = 0;
    if (scaling.max < scaling.min)
        max->refuse(
            fmt::format("is {}, and min is {}; must be at least that", scaling.max, scaling.min));
    if (min && scaling.min == 0 && scaling.max > 0)
        min->refuse(
            "is 0, which only a fleet has that is taken down, with max: 0; must be 1 or more");
    return true;
}

void read_metrics(const Value& value,
                  const Fields& fields,
                  bool max_is_known,
                  ScalingSpec& scaling) {
    const auto metrics = fields.find("metrics");
    // What a fleet that is taken down was sized by may stand.
    const int largest = scaling.max == 0 ? static_cast<int>(bounds::fleet_size.most) : scaling.max;
    if (metrics) scaling.metrics = decode_metrics(*metrics, scaling.mode, largest);
    const bool none =
        !metrics || (metrics->node().kind == Node::Kind::list && metrics->node().items.empty());
    if (none && max_is_known && scaling.min < scaling.max)
        (metrics ? *metrics : value)
            .refuse(fmt::format("has no metrics to choose a size between {} and {} by; must have "
                                "one, or min and max must be equal",
                                scaling.min,
                                scaling.max));
}

json::object encode(const ScalingBudget& budget) {
    FieldWriter writer(Verbosity::full);
    writer.optional("count", budget.count);
    writer.optional("percent", budget.percent);
    writer.put("window", json::string(to_string(budget.window)));
    return writer.take();
}

json::object encode(const ScalingBehaviour& behaviour,
                    const ScalingBehaviour& standard,
                    ScalingMode mode,
                    Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.field("tolerance", behaviour.tolerance, standard.tolerance);
    writer.optional("tolerance_instances", behaviour.tolerance_instances);
    writer.field("window", behaviour.window, standard.window);
    if (verbosity == Verbosity::full || behaviour.budgets != standard.budgets) {
        json::array budgets;
        for (const ScalingBudget& budget : behaviour.budgets) budgets.push_back(encode(budget));
        writer.put("budgets", std::move(budgets));
    }
    if (mode == ScalingMode::hpa)
        writer.field("select",
                     std::string(word_of(behaviour.select)),
                     std::string(word_of(standard.select)));
    writer.field("disabled", behaviour.disabled, standard.disabled);
    writer.optional("max_unavailable", behaviour.max_unavailable);
    if (mode == ScalingMode::muster)
        writer.field("cooldown", behaviour.cooldown, standard.cooldown);
    return writer.take();
}

template <class Guard>
void put_rise(FieldWriter& writer, const Guard& guard) {
    const Guard standard;
    writer.field("rise", guard.rise, standard.rise);
    writer.field("floor", guard.floor, standard.floor);
    writer.field("window", guard.window, standard.window);
}

json::object encode(const ScalingGuard& guard, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.put("query", json::string(guard.query));
    writer.optional("freshness", guard.freshness);
    put_rise(writer, guard);
    return writer.take();
}

json::object encode(const UnhealthyGuard& guard, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    put_rise(writer, guard);
    return writer.take();
}

json::value encode(const std::optional<EffectivenessGuard>& guard, Verbosity verbosity) {
    if (!guard) return false;
    const EffectivenessGuard standard;
    FieldWriter writer(verbosity);
    writer.field("after", guard->after, standard.after);
    writer.field("improvement", guard->improvement, standard.improvement);
    writer.field("hold", guard->hold, standard.hold);
    return writer.take();
}

}  // namespace

ScalingSpec decode_scaling(const Value& value) {
    const Fields fields(value,
                        {"mode",
                         "min",
                         "max",
                         "period",
                         "scrape_interval",
                         "metrics",
                         "out",
                         "in",
                         "warm_up",
                         "errors",
                         "latency",
                         "unhealthy",
                         "effectiveness",
                         "shadow"});
    ScalingMode mode = ScalingMode::muster;
    read_enum(fields, "mode", mode);
    ScalingSpec scaling = standard_scaling(mode);
    const bool max_is_known = read_bounds(fields, scaling);
    read_seconds(fields, "period", scaling.period, bounds::period);
    read_seconds(fields, "scrape_interval", scaling.scrape_interval, bounds::scrape_interval);
    read_metrics(value, fields, max_is_known, scaling);
    if (const auto out = fields.find("out"))
        decode_behaviour(*out, Direction::out, mode, scaling.out);
    if (const auto in = fields.find("in")) decode_behaviour(*in, Direction::in, mode, scaling.in);
    read_seconds(fields, "warm_up", scaling.warm_up, bounds::warm_up);
    if (const auto errors = fields.find("errors")) scaling.errors = decode_guard(*errors);
    if (const auto latency = fields.find("latency")) scaling.latency = decode_guard(*latency);
    if (const auto unhealthy = fields.find("unhealthy"))
        scaling.unhealthy = decode_unhealthy(*unhealthy);
    if (const auto effectiveness = fields.find("effectiveness")) {
        if (mode == ScalingMode::hpa) {
            effectiveness->refuse(std::string(not_of_an_hpa));
        } else {
            scaling.effectiveness = decode_effectiveness(*effectiveness);
        }
    }
    read_bool(fields, "shadow", scaling.shadow);
    return scaling;
}

json::object encode(const ScalingSpec& scaling, Verbosity verbosity) {
    const ScalingSpec standard = standard_scaling(scaling.mode);
    FieldWriter writer(verbosity);
    writer.field(
        "mode", std::string(word_of(scaling.mode)), std::string(word_of(ScalingMode::muster)));
    writer.field("min", scaling.min, standard.min);
    writer.put("max", scaling.max);
    writer.field("period", scaling.period, standard.period);
    writer.field("scrape_interval", scaling.scrape_interval, standard.scrape_interval);
    if (!scaling.metrics.empty()) writer.put("metrics", encode(scaling.metrics, verbosity));
    writer.map("out", encode(scaling.out, standard.out, scaling.mode, verbosity));
    writer.map("in", encode(scaling.in, standard.in, scaling.mode, verbosity));
    writer.field("warm_up", scaling.warm_up, standard.warm_up);
    if (scaling.errors) writer.put("errors", encode(*scaling.errors, verbosity));
    if (scaling.latency) writer.put("latency", encode(*scaling.latency, verbosity));
    if (scaling.unhealthy) writer.put("unhealthy", encode(*scaling.unhealthy, verbosity));
    const bool is_changed = scaling.effectiveness != standard.effectiveness;
    if (scaling.mode == ScalingMode::muster && (verbosity == Verbosity::full || is_changed))
        writer.put("effectiveness", encode(scaling.effectiveness, verbosity));
    writer.field("shadow", scaling.shadow, standard.shadow);
    return writer.take();
}

}  // namespace muster::config
