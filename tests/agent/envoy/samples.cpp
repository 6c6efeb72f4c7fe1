// Writes what the agent makes for Envoy of states of every kind, one directory for each, for
// protos_test.py: envoy_samples DIRECTORY.
#include "agent/envoy_config.hpp"
#include "tests/agent/hostile_states.hpp"
#include "tests/agent/lb_samples.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace {

using namespace muster;
using agent::LbState;
using agent::Server;

std::map<std::string, LbState> states() {
    std::map<std::string, LbState> all;
    all["full"] = test::full_state();
    all["empty"] = test::web({});
    Server drains = test::server("b", "2001:db8::1");
    drains.state = agent::ServerState::drain;
    Server down = test::server("c", "10.0.0.3");
    down.state = agent::ServerState::maintenance;
    down.weight = 0;
    for (int number = 0; number <= static_cast<int>(config::Algorithm::random_two_choices);
         ++number) {
        LbState& state = all[fmt::format("algorithm-{}", number)];
        state = test::web({test::server("a"), drains, down});
        state.pools[0].lb = {.algorithm = config::Algorithm(number), .retries = number % 2};
    }
    return all;
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return EXIT_FAILURE;
    for (const auto& [name, state] : states()) {
        const std::filesystem::path directory = std::filesystem::path(argv[1]) / name;
        const auto made = agent::render_envoy(state, {}).value();
        write(directory / "clusters.json", made.clusters);
        for (const auto& [file, text] : made.endpoints) write(directory / file, text);
    }
    return EXIT_SUCCESS;
}
