#pragma once

#include "common/base/clock.hpp"
#include "scaler/machine_keeper.hpp"
#include "scaler/program_call.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::scaler {

struct ProcessProviderSettings {
    MachineTemplates machines;
    std::vector<std::string> supervisor;  ///< argv of run_machine(); the directory is appended
    std::chrono::milliseconds start_limit = std::chrono::seconds(10);
    ProgramEffects effects;
    OnStep on_step = [](std::string_view) {};
};

/// Machines are sets of processes on this host, made of templates. They are in sessions of their
/// own and outlive this process, its guardian, and an upgrade of both. All state is on disk: any
/// number of these objects, in any number of processes, may work on one directory, one after the
/// other or at once.
class ProcessProvider final : public Provider {
 public:
    ProcessProvider(Clock& clock, ProcessProviderSettings settings);

    [[nodiscard]] ProviderAbilities abilities() const override {
        return {.places = true, .fences = true};
    }
    [[nodiscard]] asio::awaitable<ProviderResult<Machines>> list(FleetName fleet) override;
    [[nodiscard]] asio::awaitable<ProviderResult<Machine>> get(FleetName fleet,
                                                               InstanceId id) override;
    [[nodiscard]] asio::awaitable<ProviderResult<Machine>> create(MachineOrder order,
                                                                  ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<ProviderResult<void>> remove(FleetName fleet,
                                                               InstanceId id,
                                                               std::chrono::seconds grace,
                                                               ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<ProviderResult<void>> can_remove(FleetName fleet,
                                                                   InstanceId id) override;

 private:
    [[nodiscard]] asio::awaitable<ProviderResult<void>> launch(MachineRecord record);
    [[nodiscard]] asio::awaitable<ProviderResult<void>> end(MachineRecord record,
                                                            std::chrono::seconds grace);
    [[nodiscard]] asio::awaitable<bool> wait_until(std::function<bool()> condition,
                                                   SteadyTime deadline);
    [[nodiscard]] Machine describe(const MachineRecord& record) const;

    Clock& clock_;
    ProcessProviderSettings settings_;
    MachineKeeper keeper_;
};

}  // namespace muster::scaler
