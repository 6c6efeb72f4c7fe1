#pragma once

#include "common/base/clock.hpp"
#include "common/base/subprocess.hpp"
#include "scaler/program_call.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace muster::scaler {

struct ExecProviderSettings {
    std::string cluster;                      ///< whose machines these are; of every call
    std::string program;                      ///< absolute; run without a shell
    std::vector<std::string> arguments;       ///< before the verb
    std::vector<std::string> environment;     ///< NAME=value, beside PATH, LC_ALL and the order's
    std::optional<ProcessIdentity> identity;  ///< to run as; none: ours
    std::size_t memory_bytes = 0;             ///< of address space; 0: unbounded
    int cpu_seconds = 60;
    std::chrono::seconds timeout{60};  ///< of one call; `grace` is added to that of a removal
    bool fences = false;               ///< the program refuses lower tokens
    bool places = false;               ///< it heeds the host in an order
    ProgramEffects effects;
};

/// The user's program, called as `program arguments... VERB [ID]`; the verbs are list, get, create,
/// remove and can-remove. Environment, answers and exit codes: docs/providers.md. What it says on
/// standard error is told to people.
class ExecProvider final : public Provider {
 public:
    ExecProvider(Clock& clock, ExecProviderSettings settings);

    [[nodiscard]] ProviderAbilities abilities() const override {
        return {.places = settings_.places, .fences = settings_.fences};
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
    [[nodiscard]] asio::awaitable<ProgramCall> call(std::vector<std::string> words,
                                                    std::vector<std::string> environment,
                                                    std::chrono::seconds more_time = {});

    Clock& clock_;
    ExecProviderSettings settings_;
};

/// The name of a parameter in the environment: `size-of.disk` is MUSTER_PARAMETER_SIZE_OF_DISK.
[[nodiscard]] std::string parameter_variable(std::string_view name);

}  // namespace muster::scaler
