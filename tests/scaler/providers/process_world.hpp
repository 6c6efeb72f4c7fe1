#pragma once

#include "scaler/process_provider.hpp"
#include "tests/scaler/providers/provider_world.hpp"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace muster::test {

/// Two programs that do nothing for long, and a file for the first.
[[nodiscard]] scaler::ProcessProviderSettings process_settings(const std::filesystem::path& root);

/// All processes with the mark of a machine in their environment, as the kernel tells it now.
[[nodiscard]] std::vector<pid_t> marked_processes(const std::string& mark_begins_with);

/// Ends every machine below the root, whatever is recorded of it.
void end_machines_of(const std::filesystem::path& root);

/// Takes the cluster's name from the records of all machines.
void unlabel_machines_of(const std::filesystem::path& root);

[[nodiscard]] std::unique_ptr<ProviderWorld> make_process_world();

}  // namespace muster::test
