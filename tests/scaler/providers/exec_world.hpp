#pragma once

#include "scaler/exec_provider.hpp"
#include "tests/scaler/providers/provider_world.hpp"

#include <filesystem>
#include <memory>

namespace muster::test {

/// The program of a test whose machines are files in the directory (cloud_program.cpp).
[[nodiscard]] scaler::ExecProviderSettings cloud_settings(const std::filesystem::path& directory);

[[nodiscard]] std::unique_ptr<ProviderWorld> make_exec_world();

}  // namespace muster::test
