#pragma once

#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <vector>

namespace muster::agent {

namespace asio = boost::asio;

/// What an apply() has done.
struct Applied {
    int commands = 0;  ///< at run time
    bool reloaded = false;
    int certificates = 0;            ///< brought in at run time
    std::vector<std::string> notes;  ///< what this kind of LB can't do, and what it does instead
    bool operator==(const Applied&) const = default;
};

/// One kind of LB. Executor: the agent's; one call at a time.
class LbDriver {
 public:
    LbDriver() = default;
    LbDriver(const LbDriver&) = delete;
    LbDriver& operator=(const LbDriver&) = delete;
    virtual ~LbDriver() = default;

    /// Makes the LB do this, by reading what it does now and changing what differs. After an error
    /// the LB goes on as before, or with a part of the change; the same call again mends it.
    /// Without an LB process its files are made all the same, so that it can start.
    [[nodiscard]] virtual asio::awaitable<Result<Applied>> apply(LbState wanted) = 0;

    /// The quick way from what the last call left the LB doing to this: what differs is sent, and
    /// nothing is read first. Nothing when there is no quick way, or it failed: then apply() is
    /// next. After it, confirm() is due.
    [[nodiscard]] virtual asio::awaitable<std::optional<Applied>> change_quickly(LbState wanted) {
        (void)wanted;
        co_return std::nullopt;
    }

    /// Reads back what change_quickly() touched, looks whether the LB's process is still the one
    /// that was told, and does what can wait. Whatever is not as it was left is mended, as by
    /// apply(), whose errors it has. To be called every second or so.
    [[nodiscard]] virtual asio::awaitable<Result<Applied>> confirm() { co_return Applied{}; }

    /// Its process answers, and accepts connections.
    [[nodiscard]] virtual asio::awaitable<Result<void>> check() = 0;
};

}  // namespace muster::agent
