#pragma once

#include "agent/lb_addresses.hpp"
#include "agent/lb_driver.hpp"
#include "agent/nginx_config.hpp"
#include "agent/nginx_files.hpp"
#include "agent/nginx_master.hpp"
#include "agent/nginx_settings.hpp"
#include "common/base/clock.hpp"

#include <set>
#include <vector>

namespace muster::agent {

/// Drives one nginx 1.22 or newer, which others start (NginxSettings says where it is).
///
/// nginx learns nothing but by a reload, so changes are taken together: the first is carried out at
/// once, and one that comes less than `reload_interval` after the last reload waits for its turn.
/// Until then nothing has been touched, and the waiting apply() may be cancelled for one that knows
/// more. A change is put in place, tested with the operator's whole configuration (`nginx -t`), and
/// loaded; it counts when new workers have taken over. What `-t` refuses, or the master does not
/// load, goes back to what was there, and is not tried again before `refused_retry`.
class NginxDriver final : public LbDriver {
 public:
    /// The clock outlives it.
    NginxDriver(NginxSettings settings, Clock& clock);

    /// Errors: NginxErrc::hostile_value (nothing was done), no_process (the files are in place),
    /// bad_config with nginx's own words, reload_failed; std::errc of files and of `nginx -t`.
    [[nodiscard]] asio::awaitable<Result<Applied>> apply(LbState wanted) override;

    /// The master lives, and every listener of the last apply() accepts.
    [[nodiscard]] asio::awaitable<Result<void>> check() override;

 private:
    asio::awaitable<Result<void>> change(NginxTexts wanted);
    asio::awaitable<Result<void>> test();
    asio::awaitable<Result<void>> load();
    asio::awaitable<Result<void>> taken_over(const NginxMaster& master, std::set<pid_t> old);

    NginxSettings settings_;
    Clock& clock_;
    NginxFiles files_;
    std::vector<config::Listener> listeners_;
    ServerAddresses addresses_;
    SteadyTime next_reload_ = SteadyTime::min();
    /// What was refused last, with what words, and when it may be tried again.
    NginxTexts refused_;
    Error refusal_;
    SteadyTime retry_ = SteadyTime::min();
};

}  // namespace muster::agent
