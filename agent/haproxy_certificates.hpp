#pragma once

#include "agent/haproxy_runtime.hpp"
#include "common/base/result.hpp"
#include "common/config/fleet_model.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace muster::agent {

/// Brings certificate files that have changed into a running HAProxy, without a reload: `set ssl
/// cert` and `commit ssl cert` of its Runtime API. Executor: the awaiting coroutine's.
class HaproxyCertificates {
 public:
    /// What of the certificates belongs to the structure, which only a reload brings: nothing,
    /// until something could not be done at run time. An agent that starts anew forgets of that.
    [[nodiscard]] const std::string& stamp() const { return stamp_; }
    /// The last follow() has made it another.
    [[nodiscard]] bool must_reload() const { return must_reload_; }

    /// Compares the files with what this worker has, and sends what differs; how many. A file that
    /// is no certificate, or not there, is left alone, and a note tells: the worker goes on with
    /// the one it has. What HAProxy refuses (HaproxyErrc::command_failed) a reload has to do.
    [[nodiscard]] asio::awaitable<Result<int>> follow(HaproxyRuntime& runtime,
                                                      int worker,
                                                      std::vector<config::Listener> listeners,
                                                      std::vector<std::string>& notes);

 private:
    asio::awaitable<Result<bool>> bring(HaproxyRuntime& runtime,
                                        std::string file,
                                        std::string stamp,
                                        std::vector<std::string>& notes);

    int worker_ = 0;
    std::map<std::string, std::string> loaded_;  ///< file -> its stamp when this worker had it
    std::string stamp_;
    bool must_reload_ = false;
};

/// The leaf's fingerprint in an answer to `show ssl cert FILE`; empty: there is none. Pure.
[[nodiscard]] std::string shown_fingerprint(std::string_view answer);

}  // namespace muster::agent
