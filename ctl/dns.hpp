#pragma once

#include "ctl/context.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

// The operator's DNS verbs (docs/dns.md). What only the master can do is asked of it, wherever the
// first node that is asked says that it is.
namespace muster::ctl {

struct DnsPlanOptions {
    std::vector<std::string> names;  ///< of these alone; none: of all
    std::vector<std::string> empty;  ///< these may lose all that they have
    std::string store;               ///< empty: of each
    std::string file;                ///< where the plan goes; empty: it is only shown
};
[[nodiscard]] asio::awaitable<Exit> dns_plan(Context& context, DnsPlanOptions options);

struct DnsApplyOptions {
    std::string text;                ///< a plan
    std::vector<std::string> empty;  ///< said again, of each name that the plan empties
};
[[nodiscard]] asio::awaitable<Exit> dns_apply(Context& context, DnsApplyOptions options);

/// 0 = nothing differs, 1 = something does, 2 = can't tell.
[[nodiscard]] asio::awaitable<Exit> dns_diff(Context& context, std::vector<std::string> names);
[[nodiscard]] asio::awaitable<Exit> dns_explain(Context& context, std::string name);

struct DnsAdoptOptions {
    std::vector<std::string> names;
    std::string store;  ///< empty: in each
    bool yes = false;   ///< false: only show what would be done
};
[[nodiscard]] asio::awaitable<Exit> dns_adopt(Context& context, DnsAdoptOptions options);

[[nodiscard]] asio::awaitable<Exit> dns_fence_show(Context& context);

struct BumpEraOptions {
    std::int64_t to = 0;  ///< 0: one more than the largest that there is
};
[[nodiscard]] asio::awaitable<Exit> dns_bump_era(Context& context, BumpEraOptions options);

struct FenceOptions {
    std::string store = "etcd";
    std::string expected_version;  ///< of `repair`
    bool no_other_master = false;  ///< of `bootstrap`
};
[[nodiscard]] asio::awaitable<Exit> dns_repair_fence(Context& context, FenceOptions options);
[[nodiscard]] asio::awaitable<Exit> dns_bootstrap(Context& context, FenceOptions options);

}  // namespace muster::ctl
