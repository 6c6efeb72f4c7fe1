// A musterd under its guardian that is killed amid its work with a provider:
//   guarded_machine_program process ROOT     makes the machine edge-1-1, and dies
//   guarded_machine_program exec DIRECTORY   dies while the program of a create() hangs
#include "common/base/asio_clock.hpp"
#include "orchestrator/guardian.hpp"
#include "tests/scaler/providers/exec_world.hpp"
#include "tests/scaler/providers/process_world.hpp"
#include "tests/support/eventually.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace {

using namespace muster;

int work(const std::string& kind,
         const std::filesystem::path& directory,
         orchestrator::GuardianLink& link) {
    const scaler::ProgramEffects effects{
        .started = [&link](pid_t group) { link.effect_started(group); },
        .ended = [&link](pid_t group) { link.effect_ended(group); }};
    asio::io_context context(1);
    AsioClock clock;
    std::unique_ptr<scaler::Provider> provider;
    if (kind == "exec") {
        auto settings = test::cloud_settings(directory);
        settings.effects = effects;
        provider = std::make_unique<scaler::ExecProvider>(clock, std::move(settings));
    } else {
        auto settings = test::process_settings(directory);
        settings.effects = effects;
        provider = std::make_unique<scaler::ProcessProvider>(clock, std::move(settings));
    }
    auto made = asio::co_spawn(
        context,
        provider->create({.fleet = FleetName("edge"), .id = InstanceId("edge-1-1"), .token = "t1"},
                         {.epoch = 1}),
        asio::use_future);
    const bool done = test::eventually(std::chrono::seconds(20), [&] {
        context.poll();
        return kind == "exec" ? std::filesystem::exists(directory / "hanging")
                              : made.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    if (done) ::kill(::getpid(), SIGKILL);
    return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return EXIT_FAILURE;
    return orchestrator::run_guarded(
        {}, [&](orchestrator::GuardianLink& link) { return work(argv[1], argv[2], link); });
}
