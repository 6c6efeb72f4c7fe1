#pragma once

#include "agent/lb_uses.hpp"
#include "agent/nginx_config.hpp"

#include <map>
#include <string>
#include <vector>

namespace muster::agent {

/// The `upstream` blocks of nginx's files: a pool has one for each mode in which it is used. Pure.
class NginxUpstreams {
 public:
    /// All outlive it.
    NginxUpstreams(const LbState& state, const NginxSettings& settings, const NginxHost& host);

    /// Nothing when no server of the pool may get any traffic: nginx has no empty ones, and answers
    /// 502 for one whose servers are all down.
    [[nodiscard]] std::string render(const Use& use, std::vector<std::string>& notes) const;

    /// Nothing: there is no such group.
    [[nodiscard]] const Pool* pool(const GroupName& group) const;
    [[nodiscard]] bool serves(const GroupName& group) const;

 private:
    [[nodiscard]] bool is_usable(const Server& server) const;
    [[nodiscard]] const std::string* address(const Server& server) const;
    [[nodiscard]] std::string server_line(const Server& server, bool hashed) const;

    std::map<GroupName, const Pool*> pools_;
    const NginxSettings& settings_;
    const NginxHost& host_;
};

}  // namespace muster::agent
