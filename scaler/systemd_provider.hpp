#pragma once

#include "common/base/clock.hpp"
#include "scaler/machine_keeper.hpp"
#include "scaler/program_call.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace muster::scaler {

struct SystemdProviderSettings {
    /// Its programs are the unit's business: none are named here. `${dir}/environment` is written
    /// beside the files (docs/providers.md).
    MachineTemplates machines;
    std::string unit = "muster-lb";  ///< of `unit@ID.service`
    std::vector<std::string> systemctl{"/usr/bin/systemctl"};
    std::chrono::seconds timeout{60};  ///< of one call; `grace` is added to that of a stop
    ProgramEffects effects;
    OnStep on_step = [](std::string_view) {};
};

/// Machines are units of one template on this host: systemd starts, watches and ends their
/// processes. `directory/.units/ID` leads to a machine's directory, for use in the unit
/// (EnvironmentFile=, ExecStart=). Records, names and tokens are kept as by the process provider.
class SystemdProvider final : public Provider {
 public:
    SystemdProvider(Clock& clock, SystemdProviderSettings settings);

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
    using UnitStates = std::map<std::string, std::string>;  ///< ActiveState by Id

    [[nodiscard]] std::string unit_of(const InstanceId& id) const;
    [[nodiscard]] asio::awaitable<ProgramCall> systemctl(std::vector<std::string> words,
                                                         std::chrono::seconds more_time = {});
    [[nodiscard]] asio::awaitable<ProviderResult<UnitStates>> show(std::string which);
    [[nodiscard]] Machine describe(const MachineRecord& record, const UnitStates& states) const;
    [[nodiscard]] asio::awaitable<ProviderResult<void>> start(MachineRecord record);
    [[nodiscard]] asio::awaitable<ProviderResult<void>> stop(MachineRecord record,
                                                             std::chrono::seconds grace);
    [[nodiscard]] ProviderResult<void> link(const MachineRecord& record) const;

    Clock& clock_;
    SystemdProviderSettings settings_;
    MachineKeeper keeper_;
};

/// What `systemctl show --property=Id,ActiveState` writes: blocks of NAME=VALUE with an empty line
/// between them. A block that isn't one is an error.
[[nodiscard]] tl::expected<std::map<std::string, std::string>, std::string> parse_unit_states(
    std::string_view text);

}  // namespace muster::scaler
