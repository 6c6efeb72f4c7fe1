#include "ctl/command_line_scale.hpp"

#include "ctl/command_input.hpp"
#include "ctl/command_line_parts.hpp"

namespace muster::ctl {

namespace {

void read(NamedText& file, std::istream& in, std::size_t longest) {
    if (!file.name.empty()) file.text = read_input(file.name, in, longest);
}

void add_past(CLI::App& simulate, SimulateOptions& options) {
    CLI::Option* const history = simulate.add_option(
        "--history", options.history.name, "CSV: time,metric[,instance],value[,capacity]");
    CLI::Option* const recording = simulate.add_option(
        "--recording", options.recording.name, "What a node recorded (docs/simulate.md)");
    CLI::Option* const prometheus =
        simulate.add_option("--prometheus", options.prometheus, "URL of a Prometheus to ask");
    history->excludes(recording)->excludes(prometheus);
    recording->excludes(prometheus);
    simulate.add_option("--from", options.from, "2026-03-01T12:00:00Z, or -7d")
        ->allow_extra_args(false);
    simulate.add_option("--to", options.to, "As --from; of a Prometheus: now")
        ->allow_extra_args(false);
    simulate.add_option("--step", options.step, "Of the values of a Prometheus (15s)");
}

void add_model(CLI::App& simulate, SimulateOptions& options) {
    simulate.add_option("--period", options.period, "Between two decisions (the policy's)");
    simulate.add_option("--boot", options.boot, "From a decision until an LB is healthy (30s)");
    simulate.add_option("--warm-up", options.warm_up, "From there until it serves (the policy's)");
    simulate.add_option("--drain", options.drain, "From a decision until an LB is gone (1m)");
    simulate.add_option("--initial", options.initial, "Size at the beginning")
        ->check(CLI::Range(0, 10'000));
    simulate
        .add_option("--bears",
                    options.bearable,
                    "METRIC=VALUE: what an LB bears, by which shortages are counted "
                    "(the older policy's target, with its tolerance)")
        ->allow_extra_args(false);
    simulate.add_flag(
        "--all-at-once", options.all_at_once, "Shrinking doesn't wait for the change before");
    simulate.add_flag(
        "--ignore-pauses", options.ignore_pauses, "As if nothing of it had been paused");
}

void add_simulate(CLI::App& scale, SimulateOptions& options, Command& command, std::istream& in) {
    CLI::App* const simulate =
        add(scale, "simulate", "What a policy would have made of the past, beside another one");
    simulate->add_option("--policy", options.policy.name, "A fleet's document")->required();
    simulate->add_option("--against", options.against.name, "Another one, to compare it with");
    simulate->add_option("--fleet", options.fleet, "Which one, where the documents have several");
    add_past(*simulate, options);
    add_model(*simulate, options);
    simulate->add_option("--at", options.at, "Explain the decision of this time, too")
        ->allow_extra_args(false);
    simulate->add_flag("--ascii", options.ascii, "Plots without other characters than ASCII");
    simulate->add_flag("--no-plot", options.no_plot, "Figures alone");
    add_choice<ScaleOutput>(simulate,
                            "-o,--output",
                            options.output,
                            {{"table", ScaleOutput::table},
                             {"json", ScaleOutput::json},
                             {"csv", ScaleOutput::csv},
                             {"svg", ScaleOutput::svg}},
                            "Form of the result: table, json, csv (each tick) or svg (a plot)");
    simulate->callback([&options, &command, &in] {
        if (options.history.name.empty() && options.recording.name.empty() &&
            options.prometheus.empty())
            throw Mistake("name the past: --history, --recording or --prometheus", Exit::usage);
        if (!options.step.empty() && options.prometheus.empty())
            throw Mistake("--step is of --prometheus", Exit::usage);
        if (!options.prometheus.empty() && options.from.empty())
            throw Mistake("--prometheus needs --from, like --from -7d", Exit::usage);
        read(options.policy, in, longest_document);
        read(options.against, in, longest_document);
        read(options.history, in, longest_history);
        read(options.recording, in, longest_history);
        command = [chosen = options](Context& context) { return scale_simulate(context, chosen); };
    });
}

void add_pause(CLI::App& scale, ScalePauseOptions& options, Command& command) {
    CLI::App* const pause = add(scale, "pause", "Stop a fleet from changing its size");
    pause->add_option("FLEET", options.fleet, "Its name")->required();
    CLI::Option* const in =
        pause->add_flag_callback("--in", [&options] { options.kind = "in"; }, "It may grow");
    pause->add_flag_callback(
             "--out", [&options] { options.kind = "out"; }, "It may shrink")
        ->excludes(in);
    pause->add_option("--for", options.lasts, "So long, like 30m (until it is resumed)");
    pause->add_option("--reason", options.reason, "Kept with it");
    CLI::App* const resume = add(scale, "resume", "End the pause of a fleet");
    resume->add_option("FLEET", options.fleet, "Its name")->required();
    const auto choose = [&options, &command](bool resumes) {
        options.resume = resumes;
        command = [chosen = options](Context& context) { return scale_pause(context, chosen); };
    };
    pause->callback([choose] { choose(false); });
    resume->callback([choose] { choose(true); });
}

void add_forget_host(CLI::App& scale, ForgetHostOptions& options, Command& command) {
    CLI::App* const forget =
        add(scale, "forget-host", "Say that a host is lost for good, with all of a fleet on it");
    forget->add_option("FLEET", options.fleet, "Its name")->required();
    forget->add_option("HOST", options.host, "A node that is no member any more")->required();
    forget->add_option("--reason", options.reason, "Kept in the audit");
    forget->add_flag("--dry-run", options.dry_run, "Only say what would be");
    forget->callback([&options, &command] {
        command = [chosen = options](Context& context) { return forget_host(context, chosen); };
    });
}

}  // namespace

void add_scale(CLI::App& app, ParsedScale& parsed, Command& command, std::istream& in) {
    CLI::App* const scale = add(
        app, "scale", "The size of fleets: simulate policies, replay and explain decisions, pause");
    scale->require_subcommand(1);
    add_simulate(*scale, parsed.simulate, command, in);

    CLI::App* const replay = add(
        *scale, "replay", "Decide recordings again; ends with 0 when all is the same, else with 1");
    replay
        ->add_option("FILE",
                     parsed.replay.recordings,
                     "What nodes recorded: files, or directories such as "
                     "/var/lib/muster/recordings/edge")
        ->required();
    replay->add_option(
        "--policy", parsed.replay.policy.name, "A fleet's document, instead of the recorded one");
    replay->callback([&parsed, &command, &in] {
        parsed.replay.recordings = recordings_in(parsed.replay.recordings);
        parsed.replay.read = [&in](const std::string& file) {
            return read_input(file, in, longest_history);
        };
        read(parsed.replay.policy, in, longest_document);
        command = [chosen = parsed.replay](Context& context) {
            return scale_replay(context, chosen);
        };
    });

    add_pause(*scale, parsed.pause, command);
    add_forget_host(*scale, parsed.forget, command);

    CLI::App* const explain = add(*scale, "explain", "Why a fleet has the size that it has");
    explain->add_option("FLEET", parsed.explain.fleet, "Its name")->required();
    explain->add_option("--at", parsed.explain.at, "Of then: 2026-03-01T12:00:00Z, or -10m")
        ->allow_extra_args(false);
    explain->callback([&parsed, &command] {
        command = [chosen = parsed.explain](Context& context) {
            return scale_explain(context, chosen);
        };
    });
}

}  // namespace muster::ctl
