#include "ctl/command_line_dns.hpp"

#include "ctl/command_input.hpp"

#include <CLI/CLI.hpp>

namespace muster::ctl {

namespace {

CLI::App* add(CLI::App& app, const std::string& name, const std::string& description) {
    CLI::App* command = app.add_subcommand(name, description);
    command->fallthrough();
    return command;
}

void add_plans(CLI::App& dns, ParsedDns& p, Command& command, std::istream& in) {
    CLI::App* plan =
        add(dns, "plan", "What is to be written, why, and what muster itself waits for");
    plan->add_option("NAMES", p.plan.names, "Of these names alone");
    plan->add_option("-o,--out", p.plan.file, "File for `dns apply`");
    plan->add_option("--store", p.plan.store, "Of this store alone");
    plan->add_option("--empty", p.plan.empty, "A name that may lose all it has")
        ->allow_extra_args(false);
    plan->callback([&p, &command] {
        command = [options = p.plan](Context& context) { return dns_plan(context, options); };
    });

    CLI::App* apply = add(dns, "apply", "Carry out a plan, unless something has moved since");
    apply->add_option("PLAN", p.file, "What `dns plan -o` wrote; - is standard input")->required();
    apply->add_option("--empty", p.apply.empty, "Again, each name that the plan empties")
        ->allow_extra_args(false);
    apply->callback([&p, &command, &in] {
        p.apply.text = read_input(p.file, in);
        command = [options = p.apply](Context& context) { return dns_apply(context, options); };
    });

    CLI::App* diff = add(
        dns, "diff", "What differs from what is desired; ends with 0 when nothing, else with 1");
    diff->add_option("NAMES", p.names, "Of these names alone");
    diff->callback([&p, &command] {
        command = [names = p.names](Context& context) { return dns_diff(context, names); };
    });

    CLI::App* adopt = add(dns, "adopt", "Take over names that others publish");
    adopt->add_option("NAMES", p.adopt.names, "Names of a fleet")->required();
    adopt->add_option("--store", p.adopt.store, "In this store alone");
    adopt->add_flag("-y,--yes", p.adopt.yes, "Do it; without, it is only shown");
    adopt->callback([&p, &command] {
        command = [options = p.adopt](Context& context) { return dns_adopt(context, options); };
    });

    CLI::App* explain = add(dns, "explain", "What a name answers, and why");
    explain->add_option("NAME", p.name, "As in the fleet's dns")->required();
    explain->callback([&p, &command] {
        command = [name = p.name](Context& context) { return dns_explain(context, name); };
    });
}

void add_fences(CLI::App& dns, ParsedDns& p, Command& command) {
    CLI::App* fence = add(dns, "fence", "Who may write to the stores; recovery when data was lost");
    fence->require_subcommand(1);
    add(*fence, "show", "What each store has, and what to do about it")->callback([&command] {
        command = dns_fence_show;
    });

    CLI::App* bump =
        add(*fence, "bump-era", "ZooKeeper lost its data: outbid the fences of before");
    bump->add_option("--to", p.bump.to, "The new era; default: one more than any that there is")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{0x7fff'ffff}));
    bump->callback([&p, &command] {
        command = [options = p.bump](Context& context) { return dns_bump_era(context, options); };
    });

    CLI::App* repair = add(*fence, "repair", "The fence was deleted or is garbage: put ours there");
    repair->add_option("--store", p.fence.store, "Whose")->capture_default_str();
    repair
        ->add_option("--expect-mod-rev,--expect-version",
                     p.fence.expected_version,
                     "Only if it has this version (`dns fence show`; 0: it is not there)")
        ->required();
    repair->callback([&p, &command] {
        command = [options = p.fence](Context& context) {
            return dns_repair_fence(context, options);
        };
    });

    CLI::App* bootstrap =
        add(*fence, "bootstrap", "ZooKeeper and the store have both lost data: begin anew");
    bootstrap->add_option("--store", p.fence.store, "Whose fence")->capture_default_str();
    bootstrap->add_flag("--i-have-no-other-master",
                        p.fence.no_other_master,
                        "You have looked, and no other muster writes there");
    bootstrap->callback([&p, &command] {
        command = [options = p.fence](Context& context) { return dns_bootstrap(context, options); };
    });
}

}  // namespace

void add_dns(CLI::App& app, ParsedDns& parsed, Command& command, std::istream& in) {
    CLI::App* dns = add(app, "dns", "Plans, adoption, explanation and recovery of DNS records");
    dns->require_subcommand(1);
    add_plans(*dns, parsed, command, in);
    add_fences(*dns, parsed, command);
}

}  // namespace muster::ctl
