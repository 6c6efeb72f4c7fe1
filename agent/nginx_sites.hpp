#pragma once

#include "common/config/fleet_model.hpp"

#include <string>
#include <vector>

namespace muster::agent {

/// One `server` of nginx: a host of a listener's routes, or all others (empty).
struct NginxSite {
    std::string host;
    /// The routes that decide there, in their order. The last one has any path, unless the rest
    /// gets 404.
    std::vector<config::Route> routes;
    bool operator==(const NginxSite&) const = default;
};

/// nginx chooses among hosts by itself (an exact name, then the longest wildcard), and asks for the
/// path after that. The routes of a listener go in order, whatever they say: so the site of a host
/// holds every route that matches all of the host's names. The one for all others comes first.
/// Pure.
///
/// | route                | sites: | (others)  | www.a.org      | *.a.org  |
/// |----------------------|--------|-----------|----------------|----------|
/// | *.a.org /api -> x    |        |           | /api -> x      | /api -> x|
/// | www.a.org -> y       |        |           | / -> y         |          |
/// | /static -> z         |        |/static ->z|                | /st.. ->z|
[[nodiscard]] std::vector<NginxSite> sites_of(const config::Listener& listener);

}  // namespace muster::agent
