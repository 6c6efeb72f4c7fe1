#include "ctl/command_line.hpp"

#include "ctl/command_input.hpp"
#include "ctl/command_line_dns.hpp"
#include "ctl/command_line_parts.hpp"
#include "ctl/command_line_scale.hpp"
#include "ctl/completion.hpp"
#include "ctl/init.hpp"
#include "ctl/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

namespace muster::ctl {

namespace {

constexpr std::size_t max_token_bytes = 4096;

/// The values that CLI11 writes into, alive until parsing is over.
struct Parsed {
    std::vector<std::string> urls = {"http://127.0.0.1:9700"};
    std::string token_file;
    std::string author;
    int timeout_seconds = 10;
    Format format = Format::table;
    bool watch = false;

    Command command;
    std::string text;

    GetOptions get;
    EventsOptions events;
    ApplyOptions apply;
    DeleteOptions remove;
    InitOptions init;
    ProbeRunOptions probe_run;
    ProbeTestOptions probe_test;
    ReplayOptions replay;
    ParsedDns dns;
    ParsedScale scale;
    std::string second_file;
    std::string file;
    std::string name;
    Defined defined = Defined::group;
    std::string reason;
    Scope scope = Scope::all;
    Shell shell = Shell::bash;
    ShiftOptions shift;
};

void add_defined(CLI::App* command, Defined& into) {
    add_choice<Defined>(command,
                        "KIND",
                        into,
                        {{"group", Defined::group}, {"fleet", Defined::fleet}},
                        "group or fleet")
        ->required();
}

void add_watch(CLI::App* command, Parsed& parsed) {
    command->add_flag("-w,--watch", parsed.watch, "Show it again at each change");
}

void add_file(CLI::App* command, Parsed& parsed) {
    command->add_option("-f,--file", parsed.file, "YAML or JSON; - is standard input")->required();
}

void add_reads(CLI::App& app, Parsed& p) {
    CLI::App* get_command =
        add(app,
            "get",
            "List groups, fleets, agents, dns (names), shifts, backends, shards, nodes or events");
    add_choice<Kind>(get_command,
                     "KIND",
                     p.get.kind,
                     {{"groups", Kind::groups},
                      {"group", Kind::groups},
                      {"fleets", Kind::fleets},
                      {"fleet", Kind::fleets},
                      {"agents", Kind::agents},
                      {"dns", Kind::dns},
                      {"shifts", Kind::shifts},
                      {"backends", Kind::backends},
                      {"shards", Kind::shards},
                      {"nodes", Kind::nodes},
                      {"events", Kind::events}},
                     "What to list")
        ->required();
    get_command->add_option("NAME", p.get.name, "Only this one");
    get_command->add_option("-g,--group", p.get.group, "Only of this group");
    get_command->add_option(
        "-s,--state", p.get.state, "Only backends in these states (up,down,...)");
    get_command->add_option("-q,--query", p.get.words, "Only backends with these words");
    get_command->add_option("--limit", p.get.limit, "At most so many")
        ->check(CLI::Range(1, 10'000));
    add_watch(get_command, p);
    get_command->callback([&p] {
        p.command = [options = p.get](Context& context) { return get(context, options); };
    });

    CLI::App* describe = add(app, "describe", "All about one group or fleet");
    add_defined(describe, p.defined);
    describe->add_option("NAME", p.name, "Its name")->required();
    add_watch(describe, p);
    describe->callback([&p] {
        p.command = [name = p.name, kind = p.defined](Context& context) {
            return kind == Defined::group ? describe_group(context, name)
                                          : describe_fleet(context, name);
        };
    });

    CLI::App* status_command = add(app, "status", "Is the cluster well? Ends with 6 when it isn't");
    add_watch(status_command, p);
    status_command->callback([&p] { p.command = status; });

    CLI::App* why_command = add(app, "why", "Why a backend is in the state that it is in");
    why_command->add_option("BACKEND", p.name, "GROUP/BACKEND, or its id or address")->required();
    add_watch(why_command, p);
    why_command->callback(
        [&p] { p.command = [name = p.name](Context& context) { return why(context, name); }; });

    CLI::App* events_command = add(app, "events", "What happened");
    events_command->add_option("-g,--group", p.events.group, "Only of this group");
    events_command->add_option("--kind", p.events.kind, "Only of this kind (health_changed, ...)");
    events_command->add_option("--limit", p.events.limit, "The newest so many")
        ->check(CLI::Range(1, 1000));
    events_command->add_flag("-w,--watch", p.events.watch, "Go on until interrupted");
    events_command
        ->add_flag("--audit", p.events.audit, "Who changed what, instead of what happened")
        ->excludes("--watch")
        ->excludes("--kind");
    events_command->callback([&p] {
        p.command = [options = p.events](Context& context) { return events(context, options); };
    });
}

void add_config(CLI::App& app, Parsed& p, std::istream& in) {
    CLI::App* apply_command = add(app, "apply", "Create or change groups and fleets");
    add_file(apply_command, p);
    apply_command->add_flag("--dry-run", p.apply.dry_run, "Show what would change");
    apply_command->add_option("--expect",
                              p.apply.expect,
                              "Only from these generations: web:4,fleet/edge:0 (0 = is not there)");
    apply_command->callback([&p, &in] {
        p.apply.text = read_input(p.file, in);
        p.command = [options = p.apply](Context& context) { return apply(context, options); };
    });

    CLI::App* diff_command =
        add(app, "diff", "What apply would change; ends with 0 when nothing, else with 1");
    add_file(diff_command, p);
    diff_command->callback([&p, &in] {
        p.command = [text = read_input(p.file, in)](Context& context) {
            return diff(context, text);
        };
    });

    CLI::App* remove_command = add(app, "delete", "Remove a group or a fleet");
    add_defined(remove_command, p.remove.kind);
    remove_command->add_option("NAME", p.remove.name, "Its name")->required();
    remove_command
        ->add_option("--generation", p.remove.generation, "Only when this is its generation")
        ->check(CLI::PositiveNumber);
    remove_command->add_flag("--dry-run", p.remove.dry_run, "Only check");
    remove_command->add_flag(
        "--abandon", p.remove.abandon, "A fleet whose LBs muster made: they run on, unmanaged");
    remove_command->callback([&p] {
        p.command = [options = p.remove](Context& context) { return remove(context, options); };
    });
}

void add_operations(CLI::App& app, Parsed& p) {
    struct BackendCommand {
        const char* name;
        const char* description;
        const char* state;
    };
    for (const auto& [name, description, state] :
         {BackendCommand{"drain", "Take a backend out of traffic, finishing what it has", "drain"},
          BackendCommand{
              "maintenance", "Take a backend out of traffic and of checks", "maintenance"},
          BackendCommand{"activate", "End drain or maintenance of a backend", "active"}}) {
        CLI::App* command = add(app, name, description);
        command->add_option("BACKEND", p.name, "GROUP/BACKEND, or its id or address")->required();
        command->callback([&p, wanted = std::string(state)] {
            p.command = [backend = p.name, wanted](Context& context) {
                return set_backend_state(context, backend, wanted);
            };
        });
    }

    add_shift(app, p.shift, p.command);

    CLI::App* step_down_command = add(app, "step-down", "The master gives up its office");
    step_down_command->callback([&p] { p.command = step_down; });

    for (const Paused paused : {Paused::yes, Paused::no}) {
        const bool pausing = paused == Paused::yes;
        CLI::App* command =
            add(app,
                pausing ? "pause" : "resume",
                pausing ? "Stop automation, in the cluster or on one node" : "End a pause");
        add_choice<Scope>(command,
                          "SCOPE",
                          p.scope,
                          {{"all", Scope::all},
                           {"scaling", Scope::scaling},
                           {"dns", Scope::dns},
                           {"status", Scope::status},
                           {"node", Scope::this_node}},
                          "What to pause (default: all); node: the one that answers");
        if (pausing) command->add_option("--reason", p.reason, "Kept with the pause of a node");
        command->callback([&p, paused] {
            p.command = [scope = p.scope, paused, reason = p.reason](Context& context) {
                return set_pause(context, scope, paused, reason);
            };
        });
    }
}

void add_init(CLI::App& app, Parsed& p) {
    CLI::App* command = add(app, "init", "Make a cluster's tree in ZooKeeper, and its secrets");
    command->add_option("--zookeeper", p.init.zookeeper, "host:port,... of ZooKeeper's servers")
        ->required()
        ->delimiter(',')
        ->allow_extra_args(false)
        ->envname("MUSTER_ZOOKEEPER");
    command->add_option("--cluster", p.init.cluster, "Name of the cluster")->capture_default_str();
    command->add_option("--secrets", p.init.secrets, "Directory of its secrets")
        ->capture_default_str();
    command->callback([&p] {
        p.command = [options = p.init](Context& context) {
            return init(context.clock, context.out, context.err, options);
        };
    });
}

void add_probes(CLI::App& app, Parsed& p, std::istream& in) {
    CLI::App* probe = add(app, "probe", "Probe from here, and test plug-ins");
    probe->require_subcommand(1);

    CLI::App* run = add(*probe, "run", "Probe once, now, and show every phase");
    run->add_option("BACKEND", p.probe_run.backend, "GROUP/BACKEND, or its id or address");
    run->add_option("-f,--file", p.file, "A group, instead of the cluster's; - is standard input");
    run->add_option(
        "--node-settings", p.second_file, "A node's settings, for its secrets and programs");
    run->add_option("-n,--count", p.probe_run.count, "Probes of each backend")
        ->check(CLI::Range(1, 1000));
    run->callback([&p, &in] {
        if (p.file.empty() && p.probe_run.backend.empty())
            throw Mistake("name a BACKEND, or a --file", Exit::usage);
        if (!p.file.empty()) p.probe_run.text = read_input(p.file, in);
        if (!p.second_file.empty()) p.probe_run.node_settings = read_input(p.second_file, in);
        p.command = [options = p.probe_run](Context& context) {
            return probe_run(context, options);
        };
    });

    CLI::App* test = add(*probe, "test", "Hold a plug-in to docs/plugin-protocol.md");
    test->add_option("PROGRAM", p.probe_test.program, "The plug-in")->required();
    test->add_option("ARGUMENTS", p.probe_test.arguments, "Its arguments");
    test->add_option("--host", p.probe_test.host, "Whom it is to probe");
    test->add_option("--port", p.probe_test.port, "And where")->check(CLI::Range(1, 65535));
    test->add_option("--settings", p.probe_test.settings, "Of its checks, as JSON");
    test->add_option("--probe-timeout", p.probe_test.timeout_ms, "Milliseconds for each probe")
        ->check(CLI::Range(10, 60'000));
    test->callback([&p] {
        p.command = [options = p.probe_test](Context& context) {
            return probe_test(context, options);
        };
    });

    CLI::App* replay_command = add(
        app, "replay", "Past results through the state machine, with these thresholds or others");
    replay_command->add_option("FILE", p.file, "What `musterctl -o json why BACKEND` printed")
        ->required();
    replay_command->add_option("--check", p.second_file, "A group with the check to use");
    replay_command->add_option("--rise", p.replay.rise, "Instead of the check's")
        ->check(CLI::Range(1, 100));
    replay_command->add_option("--fall", p.replay.fall, "Instead of the check's")
        ->check(CLI::Range(1, 100));
    replay_command->callback([&p, &in] {
        p.replay.text = read_input(p.file, in);
        if (!p.second_file.empty()) p.replay.group = read_input(p.second_file, in);
        p.command = [options = p.replay](Context& context) { return replay(context, options); };
    });
}

/// Every command as it was declared above.
std::vector<CommandShape> shapes_of(const CLI::App& app) {
    std::vector<CommandShape> shapes;
    for (const CLI::App* command : app.get_subcommands({})) {
        CommandShape shape{.name = command->get_name(), .description = command->get_description()};
        for (const CLI::Option* option : command->get_options()) {
            for (const std::string& name : option->get_lnames())
                shape.options.push_back("--" + name);
        }
        if (shape.name == "get") {
            shape.words = {"groups",
                           "fleets",
                           "agents",
                           "dns",
                           "shifts",
                           "backends",
                           "shards",
                           "nodes",
                           "events"};
        } else if (shape.name == "describe" || shape.name == "delete") {
            shape.words = {"group", "fleet"};
        } else if (shape.name == "pause" || shape.name == "resume") {
            shape.words = {"all", "scaling", "dns", "status", "node"};
        } else if (shape.name == "completion") {
            shape.words = {"bash", "zsh", "fish"};
        } else if (shape.name == "probe") {
            shape.words = {"run", "test"};
        } else if (shape.name == "dns") {
            shape.words = {"plan", "apply", "diff", "adopt", "explain", "fence"};
        } else if (shape.name == "scale") {
            shape.words = {"simulate", "replay", "explain", "pause", "resume", "forget-host"};
            for (const CLI::App* part : command->get_subcommands({}))
                for (const CLI::Option* option : part->get_options())
                    for (const std::string& name : option->get_lnames())
                        if (std::ranges::find(shape.options, "--" + name) == shape.options.end())
                            shape.options.push_back("--" + name);
        }
        shapes.push_back(std::move(shape));
    }
    return shapes;
}

void add_rest(CLI::App& app, Parsed& p) {
    CLI::App* version_command = add(app, "version", "Of musterctl and of the node that answers");
    version_command->callback([&p] { p.command = version; });

    CLI::App* command = add(app, "completion", "A completion script for a shell");
    add_choice<Shell>(command,
                      "SHELL",
                      p.shell,
                      {{"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}},
                      "Whose")
        ->required();
    command->callback([&p, &app] {
        std::vector<std::string> global;
        for (const CLI::Option* option : app.get_options()) {
            for (const std::string& name : option->get_lnames()) global.push_back("--" + name);
        }
        p.text = completion_script(p.shell, shapes_of(app), global);
    });
}

void add_globals(CLI::App& app, Parsed& p) {
    app.add_option("--url", p.urls, "Nodes to ask, one after the other: http://host:port,...")
        ->delimiter(',')
        ->allow_extra_args(false)  // what comes behind it is somebody else's
        ->envname("MUSTER_URL")
        ->capture_default_str();
    app.add_option("--token-file", p.token_file, "File of mode 0600 with the API's token")
        ->envname("MUSTER_TOKEN_FILE");
    app.add_option("--author", p.author, "Who asks, for history and audit (default: the user)")
        ->envname("MUSTER_AUTHOR");
    app.add_option("--timeout", p.timeout_seconds, "Seconds to wait for an answer")
        ->check(CLI::Range(1, 600))
        ->capture_default_str();
    add_choice<Format>(&app,
                       "-o,--output",
                       p.format,
                       {{"table", Format::table},
                        {"wide", Format::wide},
                        {"json", Format::json},
                        {"yaml", Format::yaml},
                        {"name", Format::name}},
                       "Form of the result")
        ->envname("MUSTER_OUTPUT");
}

Invocation invocation_of(Parsed parsed) {
    Invocation invocation{.format = parsed.format, .text = std::move(parsed.text)};
    for (const std::string& url : parsed.urls) {
        invocation.api.urls.push_back(normalised_url(url));
    }
    if (!parsed.token_file.empty()) {
        auto token = read_private_file(parsed.token_file, max_token_bytes);
        if (!token) throw Mistake(token.error().message(), Exit::failed);
        invocation.api.token = std::move(*token);
    }
    invocation.api.author = author_or_user(parsed.author);
    invocation.api.timeout = std::chrono::seconds(parsed.timeout_seconds);
    if (parsed.watch) {
        invocation.command = [command = std::move(parsed.command)](Context& context) {
            return watch(context, command);
        };
    } else {
        invocation.command = std::move(parsed.command);
    }
    return invocation;
}

}  // namespace

Invocation parse_command_line(std::vector<std::string> arguments, std::istream& in) {
    Parsed parsed;
    CLI::App app("The command line of muster: health checks, load balancers and DNS, in a cluster",
                 "musterctl");
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    add_globals(app, parsed);
    add_reads(app, parsed);
    add_config(app, parsed, in);
    add_operations(app, parsed);
    add_probes(app, parsed, in);
    add_dns(app, parsed.dns, parsed.command, in);
    add_scale(app, parsed.scale, parsed.command, in);
    add_init(app, parsed);
    add_rest(app, parsed);
    try {
        std::ranges::reverse(arguments);  // CLI11 takes them from the back
        app.parse(std::move(arguments));
        return invocation_of(std::move(parsed));
    } catch (const CLI::CallForHelp&) {
        return {.text = app.help()};
    } catch (const Mistake& mistake) {
        return {.text = fmt::format("error: {}\n", mistake.what()), .exit = mistake.exit};
    } catch (const CLI::Error& error) {
        return {
            .text = fmt::format("error: {}\nmusterctl --help shows what there is\n", error.what()),
            .exit = Exit::usage};
    }
}

}  // namespace muster::ctl
