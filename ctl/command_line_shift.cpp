#include "ctl/command_input.hpp"
#include "ctl/command_line_parts.hpp"

namespace muster::ctl {

void add_shift(CLI::App& app, ShiftOptions& options, Command& command) {
    CLI::App* shift_command = add(
        app, "shift", "Shift traffic of a name between fleets, in percent; or show how far it is");
    shift_command->add_option("NAME", options.name, "The DNS name")->required();
    shift_command->add_option(
        "SHARES", options.shares, "FLEET=PERCENT ..., 100 in all: blue=90 green=10");
    shift_command->add_option("--over", options.over, "In so long, step by step (10m)");
    shift_command->add_option("--interval", options.interval, "Between two steps (over/10)");
    shift_command->add_option("--patience",
                              options.patience,
                              "So long may a step be forbidden before all is undone (1m)");
    shift_command
        ->add_option("--healthy",
                     options.healthy_percent,
                     "Percent of the load balancers that gain which must be healthy (50)")
        ->check(CLI::Range(1, 100));
    add_choice<std::string>(shift_command,
                            "--by",
                            options.by,
                            {{"fleet", "fleet"}, {"zone", "zone"}},
                            "What SHARES names (fleet)");
    shift_command->add_flag("--dry-run", options.dry_run, "Only check");
    CLI::Option* const status =
        shift_command->add_flag("--status", options.status, "Show how far it is");
    CLI::Option* const cancel = shift_command->add_flag(
        "--cancel", options.cancel, "Back to what was before the shift, in one step");
    CLI::Option* const forget = shift_command->add_flag(
        "--forget", options.forget, "No shares any more: by the weights of the fleets");
    cancel->excludes(status)->excludes(forget);
    forget->excludes(status);
    shift_command->callback([&options, &command] {
        if (!options.shares.empty() && (options.cancel || options.forget || options.status))
            throw Mistake("SHARES begin a shift: leave --status, --cancel and --forget out",
                          Exit::usage);
        command = [chosen = options](Context& context) { return shift(context, chosen); };
    });
}

}  // namespace muster::ctl
