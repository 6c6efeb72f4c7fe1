// What musterd does of the process provider, as programs of a test that may be killed at a step:
//   machine_program run-machine [--die-at STEP] DIRECTORY
//   machine_program create|remove ROOT ID STEP [SUPERVISOR'S STEP]
#include "common/base/asio_clock.hpp"
#include "scaler/machine_supervisor.hpp"
#include "tests/scaler/providers/process_world.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <span>

namespace {

using namespace muster;

auto dies_at(const std::string& step) {
    return [step](std::string_view now) {
        if (now == step) ::kill(::getpid(), SIGKILL);
    };
}

int act(std::span<const std::string> words) {
    auto settings = test::process_settings(words[1]);
    settings.on_step = dies_at(words[3]);
    if (words.size() > 4) {
        settings.supervisor.push_back("--die-at");
        settings.supervisor.push_back(words[4]);
    }
    asio::io_context context(1);
    AsioClock clock;
    scaler::ProcessProvider provider(clock, std::move(settings));
    const InstanceId id(words[2]);
    const auto run = [&](auto work) {
        auto result = asio::co_spawn(context, std::move(work), asio::use_future);
        context.run();
        const auto done = result.get();
        if (!done) std::cerr << done.error().detail << '\n';
        return done ? EXIT_SUCCESS : EXIT_FAILURE;
    };
    const FleetName fleet("edge");
    if (words[0] == "create")
        return run(provider.create({.fleet = fleet, .id = id, .token = "t1"}, {.epoch = 1}));
    return run(provider.remove(fleet, id, std::chrono::seconds(5), {.epoch = 1}));
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[0] == "run-machine") return scaler::run_machine(words[1]);
    if (words.size() == 4 && words[0] == "run-machine")
        return scaler::run_machine(words[3], dies_at(words[2]));
    if (words.size() == 4 || words.size() == 5) return act(words);
    return EXIT_FAILURE;
}
