#pragma once

#include "common/base/clock.hpp"
#include "ctl/exit_code.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

namespace muster::ctl {

struct InitOptions {
    std::vector<std::string> zookeeper;  ///< host:port
    std::string cluster = "main";
    std::string secrets = "muster-secrets";  ///< directory
    std::chrono::nanoseconds timeout = std::chrono::seconds(20);
};

/// `musterctl init`: makes the secrets and the cluster's tree, or checks those that are there; then
/// checks that a session without credentials is kept out. The one command that talks to ZooKeeper
/// and not to a musterd. Safe to repeat.
[[nodiscard]] asio::awaitable<Exit> init(Clock& clock,
                                         std::ostream& out,
                                         std::ostream& err,
                                         InitOptions options);

}  // namespace muster::ctl
