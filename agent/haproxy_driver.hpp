#pragma once

#include "agent/haproxy_certificates.hpp"
#include "agent/haproxy_runtime.hpp"
#include "agent/haproxy_settings.hpp"
#include "agent/haproxy_state.hpp"
#include "agent/lb_driver.hpp"
#include "common/base/clock.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::agent {

struct HaproxyPlan;
struct RenderedHaproxy;

/// Drives one HAProxy 2.6 or newer, which others start, in master-worker mode (HaproxySettings).
///
/// An apply() reads what HAProxy does, plans the commands that lie between, sends them, and reads
/// back. What can be done at run time is done first and whatever else fails: a listener that can't
/// be had keeps no dead server in rotation. So is another certificate in the same file. When the
/// structure differs from what the running worker has loaded, the new configuration is checked
/// (`haproxy -c`), moved into place and reloaded, with the servers' state handed over; the old file
/// stays, or comes back, when that fails, and the same structure is not tried again before
/// `reload_retry`. The file follows without a reload, too, so that a HAProxy that is started again
/// does what it did.
///
/// A flip is quicker: change_quickly() plans from what was read last and sends, once the structure
/// is seen to be the same. What it touched is read back by confirm(), which also finds a worker
/// that is another. Both know only what they were told or have read: somebody else's change to a
/// backend that they didn't touch is mended by the next apply().
///
/// A removed server that still has connections stays in maintenance, and the notes tell; the next
/// apply() tries again. So call it every few seconds, also when nothing has changed: that mends
/// what others did (a foreign `set server`, a restart), as well.
class HaproxyDriver final : public LbDriver {
 public:
    /// Clock and executor (the awaiting coroutine's) outlive it. Throws when the settings can't
    /// stand in a configuration.
    HaproxyDriver(HaproxySettings settings, Clock& clock);

    /// Errors: HaproxyErrc::hostile_value (nothing was done), no_process (the file is in place),
    /// bad_config with HAProxy's own words, reload_failed, command_failed, not_applied, bad_answer;
    /// std::errc of files and sockets.
    [[nodiscard]] asio::awaitable<Result<Applied>> apply(LbState wanted) override;

    /// Changes of servers that are there; what is added, removed or needs a reload is apply()'s.
    [[nodiscard]] asio::awaitable<std::optional<Applied>> change_quickly(LbState wanted) override;

    /// Reads the backends that change_quickly() touched, and no others; and lets the file follow
    /// when it is time. After any surprise it does an apply().
    [[nodiscard]] asio::awaitable<Result<Applied>> confirm() override;

    /// The socket answers, and every listener of the last apply() accepts.
    [[nodiscard]] asio::awaitable<Result<void>> check() override;

 private:
    struct Seen {
        HaproxyInfo info;
        ObservedBackends backends;
    };
    /// What HAProxy does as far as it is known, for change_quickly() to plan from.
    struct Known {
        LbState wanted;
        std::string files;            ///< as for render_haproxy()
        Seen seen;                    ///< without servers that are leaving
        std::set<GroupName> touched;  ///< since they were read
    };
    asio::awaitable<Result<Seen>> look(bool with_limits);
    asio::awaitable<Result<Seen>> look_at(const LbState& part);
    asio::awaitable<Result<bool>> is_as_known();
    void remember(LbState wanted, std::string files, Seen seen);
    asio::awaitable<Result<void>> settle(const LbState& wanted,
                                         Seen& seen,
                                         Applied& applied,
                                         std::string& reason);
    asio::awaitable<Result<int>> carry_out(const HaproxyPlan& plan);
    asio::awaitable<Result<void>> reload(const RenderedHaproxy& rendered, int old_pid);
    asio::awaitable<Result<void>> restart_worker(const RenderedHaproxy& rendered, int old_pid);
    asio::awaitable<int> count_failed_reloads();
    void refuse(const RenderedHaproxy& rendered, Error why);
    Result<void> follow_config(const RenderedHaproxy& rendered);
    asio::awaitable<Result<void>> place_config(const RenderedHaproxy& rendered);
    Result<HaproxyPlan> plan(const LbState& wanted, const Seen& seen);

    HaproxySettings settings_;
    Clock& clock_;
    HaproxyRuntime runtime_;
    HaproxyCertificates certificates_;
    std::vector<config::Listener> listeners_;
    std::optional<Known> known_;                 ///< nothing: it has to be read
    std::map<std::string, SteadyTime> leaving_;  ///< "backend/server", since when
    SteadyTime next_file_ = SteadyTime::min();
    bool stale_file_ = false;  ///< it doesn't say what was changed at run time
    /// The structure that was refused last, and when it may be tried again.
    std::string refused_;
    SteadyTime retry_ = SteadyTime::min();
    Error refusal_;
};

}  // namespace muster::agent
