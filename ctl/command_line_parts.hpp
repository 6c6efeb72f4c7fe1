#pragma once

#include "ctl/commands.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <utility>
#include <vector>

// The inside of the command line: for command_line*.cpp only, since CLI11 costs seconds to compile.
namespace muster::ctl {

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

/// An option whose value is one of some words.
template <class T>
CLI::Option* add_choice(CLI::App* app,
                        const std::string& name,
                        T& into,
                        const Choices<T>& choices,
                        const std::string& description) {
    std::vector<std::string> words;
    for (const auto& [word, value] : choices) words.push_back(word);
    const auto choose = [&into, choices](const std::string& chosen) {
        for (const auto& [word, value] : choices) {
            if (word == chosen) into = value;
        }
    };
    return app->add_option_function<std::string>(name, choose, description)
        ->check(CLI::IsMember(words));
}

inline CLI::App* add(CLI::App& app, const std::string& name, const std::string& description) {
    CLI::App* command = app.add_subcommand(name, description);
    command->fallthrough();  // global options may also stand behind the command
    return command;
}

/// `musterctl shift`; `command` is set when it is what was asked for.
void add_shift(CLI::App& app, ShiftOptions& options, Command& command);

}  // namespace muster::ctl
