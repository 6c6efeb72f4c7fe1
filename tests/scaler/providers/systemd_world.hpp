#pragma once

#include "scaler/systemd_provider.hpp"
#include "tests/scaler/providers/provider_world.hpp"

#include <filesystem>
#include <memory>

namespace muster::test {

/// Units are files in root/units (fake_systemctl.cpp).
[[nodiscard]] scaler::SystemdProviderSettings systemd_settings(const std::filesystem::path& root);

[[nodiscard]] std::unique_ptr<ProviderWorld> make_systemd_world();

}  // namespace muster::test
