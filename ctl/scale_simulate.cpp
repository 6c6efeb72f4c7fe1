#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"
#include "ctl/scale_policy.hpp"
#include "ctl/scale_prometheus.hpp"
#include "ctl/scale_report.hpp"
#include "ctl/scale_time.hpp"
#include "scaler/explain.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <ostream>

// What policies would have made of the past.
namespace muster::ctl {

namespace {

using std::chrono::seconds;

template <class T>
using Or = tl::expected<T, std::string>;

/// What the options say.
struct Chosen {
    scaler::SimulationSettings settings;
    seconds step{15};
    std::optional<WallTime> at;
};

Or<std::map<std::string, scaler::Micros>> bearable_of(const SimulateOptions& options,
                                                      const FleetPolicy& policy,
                                                      const FleetPolicy* against) {
    auto all = scaler::bearable_of(policy.policy);
    if (against != nullptr)
        for (const auto& [metric, value] : scaler::bearable_of(against->policy))
            all[metric] = value;
    for (const std::string& one : options.bearable) {
        const auto sign = one.rfind('=');
        const auto value = scaler::read_quantity(sign == std::string::npos
                                                     ? std::string_view{}
                                                     : std::string_view(one).substr(sign + 1));
        if (!value || value->count <= 0)
            return tl::unexpected(
                fmt::format("--bears {}: must be like connections=120, and above 0", one));
        const std::string metric = one.substr(0, sign);
        if (!all.contains(metric))
            return tl::unexpected(
                fmt::format("--bears {}: no policy has a target of a metric {}", one, metric));
        all[metric] = *value;
    }
    return all;
}

/// The first that is wrong; nothing: each that was given is in its place.
std::optional<std::string> read_times(const SimulateOptions& options, Chosen& into, WallTime now) {
    scaler::SimulationSettings& settings = into.settings;
    struct Span {
        const std::string& text;
        const char* option;
        seconds& into;
        seconds least;
    };
    for (const Span& one : {Span{options.boot, "--boot", settings.fleet.boot, seconds{0}},
                            Span{options.warm_up, "--warm-up", settings.fleet.warm_up, seconds{0}},
                            Span{options.drain, "--drain", settings.fleet.drain, seconds{0}},
                            Span{options.period, "--period", settings.period, seconds{1}},
                            Span{options.step, "--step", into.step, seconds{1}}}) {
        if (one.text.empty()) continue;
        const auto span = read_span(one.text);
        if (!span || *span < one.least)
            return fmt::format("{} must be like 30s, 2m or 1h{}",
                               one.option,
                               one.least.count() > 0 ? ", and above 0" : "");
        one.into = *span;
    }
    struct Time {
        const std::string& text;
        const char* option;
        std::optional<WallTime>& into;
    };
    for (const Time& one : {Time{options.from, "--from", settings.from},
                            Time{options.to, "--to", settings.to},
                            Time{options.at, "--at", into.at}}) {
        if (one.text.empty()) continue;
        one.into = read_time_or_span(one.text, now);
        if (!one.into)
            return fmt::format("{} must be like 2026-03-01T12:00:00Z, now, or -7d", one.option);
    }
    return std::nullopt;
}

/// The model is that of the new policy: both run on the same machines.
Or<Chosen> chosen_of(const SimulateOptions& options,
                     const FleetPolicy& policy,
                     const FleetPolicy* against,
                     WallTime now) {
    Chosen chosen;
    scaler::SimulationSettings& settings = chosen.settings;
    settings.fleet.warm_up = std::chrono::duration_cast<seconds>(policy.spec.warm_up);
    settings.period = std::chrono::duration_cast<seconds>(policy.spec.period);
    if (auto wrong = read_times(options, chosen, now)) return tl::unexpected(std::move(*wrong));
    auto bearable = bearable_of(options, policy, against);
    if (!bearable) return tl::unexpected(bearable.error());
    settings.bearable = std::move(*bearable);
    settings.fleet.one_at_a_time = !options.all_at_once;
    settings.keep_pauses = !options.ignore_pauses;
    if (options.initial >= 0) settings.initial = options.initial;
    return chosen;
}

/// Of several parts of a recording the longest: they begin anew where a master or a policy changed.
Or<scaler::Past> recorded(const SimulateOptions& options, Context& context) {
    const auto recording = scaler::read_recording(options.recording.text, options.recording.name);
    if (!recording) return tl::unexpected(recording.error());
    if (recording->parts.empty())
        return tl::unexpected(options.recording.name + ": its only line was cut short");
    const scaler::RecordedPart* longest = &recording->parts.front();
    for (const scaler::RecordedPart& part : recording->parts)
        if (part.ticks.size() > longest->ticks.size()) longest = &part;
    if (recording->parts.size() > 1)
        context.err << printable(fmt::format("{} has {} parts: taken is that of line {}, the "
                                             "longest",
                                             options.recording.name,
                                             recording->parts.size(),
                                             longest->line))
                    << '\n';
    return past_of(*longest);
}

using Guard = std::optional<config::ScalingGuard>;

asio::awaitable<Or<KnownPast>> past_of(Context& context,
                                       const SimulateOptions& options,
                                       const FleetPolicy& policy,
                                       const FleetPolicy* against,
                                       const Chosen& chosen) {
    const auto alone = [](Or<scaler::Past> past) {
        return std::move(past).map([](scaler::Past&& one) { return KnownPast{std::move(one)}; });
    };
    if (!options.history.name.empty())
        co_return alone(scaler::read_csv(options.history.text, options.history.name));
    if (!options.recording.name.empty()) co_return alone(recorded(options, context));
    PrometheusPast wanted{.url = options.prometheus,
                          .metrics = policy.spec.metrics,
                          .from = chosen.settings.from,
                          .to = chosen.settings.to,
                          .step = chosen.step};
    if (against != nullptr)
        for (const config::ScalingMetric& one : against->spec.metrics)
            wanted.metrics.push_back(one);
    for (const FleetPolicy* const one : {&policy, against}) {
        if (one == nullptr) continue;
        for (const Guard* const guard : {&one->spec.errors, &one->spec.latency})
            if (*guard) wanted.guards.push_back((*guard)->query);
    }
    co_return co_await past_of_prometheus(context, std::move(wanted));
}

void warn_of_what_is_left_out(Context& context, const NamedText& file, const FleetPolicy& policy) {
    const std::size_t out = policy.spec.metrics.size() - policy.policy.metrics.size();
    if (out > 0)
        context.err << printable(file.name) << ": " << out
                    << " of its metrics can't be simulated, and are left out\n";
}

/// Brings what this policy's guards ask for into the past, and says which of them are left out.
void watch_past(Context& context,
                const NamedText& file,
                const FleetPolicy& policy,
                KnownPast& into) {
    const auto points_of = [&](const char* name, const Guard& guard) {
        if (!guard || !into.past.fleet.empty()) return std::vector<scaler::PastPoint>{};
        const auto found = into.guards.find(guard->query);
        if (found != into.guards.end() && !found->second.empty()) return found->second;
        context.err << printable(fmt::format("{}: there is no history of its guard {}, which is "
                                             "left out; in production no LB is removed while it "
                                             "has no value",
                                             file.name,
                                             name))
                    << '\n';
        return std::vector<scaler::PastPoint>{};
    };
    into.past.errors = points_of("errors", policy.spec.errors);
    into.past.latency = points_of("latency", policy.spec.latency);
}

void print(Context& context, const SimulateOptions& options, const ScaleReport& report) {
    switch (options.output) {
        case ScaleOutput::csv:
            context.out << to_csv(report);
            return;
        case ScaleOutput::svg:
            context.out << to_svg(report);
            return;
        case ScaleOutput::json:
            context.out << pretty_json(to_json(report));
            return;
        case ScaleOutput::as_asked:
            if (print_as_data(context, to_json(report))) return;
            break;
        case ScaleOutput::table:
            break;
    }
    const PlotSettings plots{
        .width = context.width, .ascii = options.ascii, .colours = context.colours};
    context.out << to_table(report, options.no_plot ? nullptr : &plots);
}

/// The run of a policy; the decision of `at` is explained into `lines`.
Or<scaler::Simulation> run_of(const scaler::Policy& policy,
                              const scaler::Past& past,
                              const Chosen& chosen,
                              std::vector<std::string>* lines) {
    if (lines == nullptr || !chosen.at) return simulate(policy, past, chosen.settings);
    return simulate(policy, past, chosen.settings, [&](const scaler::TickView& tick) {
        if (tick.at > *chosen.at || *chosen.at - tick.at >= chosen.settings.period) return;
        *lines = to_lines(explain(
            tick.policy, tick.history, tick.observed, tick.membership, tick.at, tick.decision));
    });
}

}  // namespace

asio::awaitable<Exit> scale_simulate(Context& context, SimulateOptions options) {
    const auto refuse = [&context](const std::string& why, Exit exit = Exit::failed) {
        context.err << "error: " << printable(why) << '\n';
        return exit;
    };
    const auto policy = read_policy(options.policy, options.fleet);
    if (!policy) co_return refuse(policy.error());
    std::optional<FleetPolicy> old;
    if (!options.against.name.empty()) {
        auto other = read_policy(options.against, policy->fleet);
        if (!other) co_return refuse(other.error());
        old = std::move(*other);
    }
    const FleetPolicy* const against = old ? &*old : nullptr;
    auto chosen = chosen_of(options, *policy, against, context.clock.wall());
    if (!chosen) co_return refuse(chosen.error(), Exit::usage);
    auto known = co_await past_of(context, options, *policy, against, *chosen);
    if (!known) co_return refuse(known.error());

    warn_of_what_is_left_out(context, options.policy, *policy);
    watch_past(context, options.policy, *policy, *known);
    ScaleReport report{.fleet = policy->fleet, .bearable = chosen->settings.bearable};
    auto run = run_of(policy->policy, known->past, *chosen, &report.explained);
    if (!run) co_return refuse(options.policy.name + ": " + run.error());
    if (chosen->at && report.explained.empty())
        co_return refuse(fmt::format("--at {} is not in what is simulated, {} to {}",
                                     scaler::time_text(*chosen->at),
                                     scaler::time_text(run->ticks.front().at),
                                     scaler::time_text(run->ticks.back().at)));
    chosen->settings.initial = run->ticks.front().was;  // both begin alike
    report.runs.push_back({.name = options.policy.name, .run = std::move(*run)});
    if (against != nullptr) {
        warn_of_what_is_left_out(context, options.against, *against);
        watch_past(context, options.against, *against, *known);
        auto other = run_of(against->policy, known->past, *chosen, nullptr);
        if (!other) co_return refuse(options.against.name + ": " + other.error());
        report.runs.push_back({.name = options.against.name, .run = std::move(*other)});
    }
    report.settings = chosen->settings;
    print(context, options, report);
    co_return Exit::ok;
}

}  // namespace muster::ctl
