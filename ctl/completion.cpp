#include "ctl/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace muster::ctl {

namespace {

std::string join(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
    return all;
}

/// Commands whose argument names something in the cluster, and what to list for the names.
struct Named {
    std::string_view command;
    std::string_view kinds;
};
constexpr std::array<Named, 6> named = {{{"why", "backends"},
                                         {"drain", "backends"},
                                         {"maintenance", "backends"},
                                         {"activate", "backends"},
                                         {"describe", "groups fleets"},
                                         {"delete", "groups fleets"}}};

/// Shell commands that print the names, one a line; empty for commands without.
std::string names_for(std::string_view command) {
    const auto found = std::ranges::find(named, command, &Named::command);
    if (found == named.end()) return {};
    std::string commands;
    std::string_view rest = found->kinds;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        commands += fmt::format("{}musterctl get {} -o name 2>/dev/null",
                                commands.empty() ? "" : "; ",
                                rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return commands;
}

/// In single quotes for any of the shells.
std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string bash_script(const std::vector<CommandShape>& commands,
                        const std::vector<std::string>& global_options) {
    std::vector<std::string> names;
    std::string cases;
    for (const CommandShape& command : commands) {
        names.push_back(command.name);
        std::string words = join(command.words);
        const std::string names_command = names_for(command.name);
        if (!names_command.empty()) words += fmt::format(" $({})", names_command);
        cases += fmt::format(
            "        {}) words=\"{} {}\" ;;\n", command.name, join(command.options), words);
    }
    return fmt::format(R"(# bash completion of musterctl: source <(musterctl completion bash)
_musterctl() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" words="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in
            -*) ;;
            *) command="${{COMP_WORDS[i]}}"; break ;;
        esac
    done
    case "$command" in
        "") words="{} {}" ;;
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ -z "$COMPREPLY" && "$command" =~ ^(apply|diff|scale)$ ]]; then
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -F _musterctl musterctl
)",
                       join(names),
                       join(global_options),
                       cases);
}

std::string zsh_script(const std::vector<CommandShape>& commands,
                       const std::vector<std::string>& global_options) {
    std::string described;
    std::string cases;
    for (const CommandShape& command : commands) {
        described += "        " + in_quotes(command.name + ":" + command.description) + "\n";
        const std::string names_command = names_for(command.name);
        const std::string dynamic =
            names_command.empty() ? "" : fmt::format(" ${{(f)\"$({})\"}}", names_command);
        cases += fmt::format("        {}) compadd -- {} {}{} ;;\n",
                             command.name,
                             join(command.options),
                             join(command.words),
                             dynamic);
    }
    return fmt::format(R"(#compdef musterctl
# zsh completion of musterctl: source <(musterctl completion zsh)
_musterctl() {{
    local -a commands
    commands=(
{}    )
    if (( CURRENT == 2 )); then
        _describe command commands
        compadd -- {}
        return
    fi
    case "$words[2]" in
{}    esac
    case "$words[2]" in
        apply|diff|scale) _files ;;
    esac
}}
compdef _musterctl musterctl
)",
                       described,
                       join(global_options),
                       cases);
}

std::string fish_script(const std::vector<CommandShape>& commands,
                        const std::vector<std::string>& global_options) {
    std::string out = "# fish completion of musterctl: musterctl completion fish | source\n";
    const auto add_options = [&](const std::string& condition,
                                 const std::vector<std::string>& options) {
        for (const std::string& option : options) {
            if (!option.starts_with("--")) continue;
            out += fmt::format("complete -c musterctl{} -l {}\n", condition, option.substr(2));
        }
    };
    add_options("", global_options);
    for (const CommandShape& command : commands) {
        out += fmt::format("complete -c musterctl -n __fish_use_subcommand -x -a {} -d {}\n",
                           command.name,
                           in_quotes(command.description));
        const std::string condition =
            fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
        add_options(condition, command.options);
        if (!command.words.empty()) {
            out += fmt::format(
                "complete -c musterctl{} -x -a {}\n", condition, in_quotes(join(command.words)));
        }
        const std::string names_command = names_for(command.name);
        if (!names_command.empty())
            out += fmt::format("complete -c musterctl{} -x -a '({})'\n", condition, names_command);
    }
    return out;
}

}  // namespace

std::string completion_script(Shell shell,
                              const std::vector<CommandShape>& commands,
                              const std::vector<std::string>& global_options) {
    switch (shell) {
        case Shell::bash:
            return bash_script(commands, global_options);
        case Shell::zsh:
            return zsh_script(commands, global_options);
        case Shell::fish:
            return fish_script(commands, global_options);
    }
    return {};
}

}  // namespace muster::ctl
