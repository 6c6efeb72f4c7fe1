#pragma once

#include "agent/envoy_config.hpp"
#include "agent/envoy_settings.hpp"
#include "agent/lb_addresses.hpp"
#include "agent/lb_driver.hpp"
#include "common/base/clock.hpp"

#include <vector>

namespace muster::agent {

/// Drives one Envoy by the files of its filesystem subscriptions (EnvoySettings says where). Envoy
/// reads a file when another is moved over it, and so each change is written beside it and moved; a
/// file that wouldn't change isn't touched. It says nothing back: a resource that it rejects is in
/// its log and in the counter `update_rejected`, and it goes on with the one before.
class EnvoyDriver final : public LbDriver {
 public:
    /// The clock outlives it.
    EnvoyDriver(EnvoySettings settings, Clock& clock);

    /// `commands` counts the files that changed. Endpoints are there before the clusters that name
    /// them, and go after these. EnvoyErrc::hostile_value (nothing was done), std::errc of files.
    [[nodiscard]] asio::awaitable<Result<Applied>> apply(LbState wanted) override;

    /// Its admin listener, if it is known, says that it is ready, and every listener of the last
    /// apply() accepts.
    [[nodiscard]] asio::awaitable<Result<void>> check() override;

 private:
    Result<int> follow(const RenderedEnvoy& made);
    asio::awaitable<Result<void>> ready();

    EnvoySettings settings_;
    Clock& clock_;
    ServerAddresses addresses_;
    std::vector<config::Listener> listeners_;
};

}  // namespace muster::agent
