#pragma once

#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace muster::coordination {

namespace asio = boost::asio;

/// "host:port" each, at least one, no chroot suffix (the C client frees twice with one, reference
/// G2). IPv6 addresses in brackets.
[[nodiscard]] Result<void> check_servers(const std::vector<std::string>& servers);

/// The connect string for the C client, with addresses only: it would resolve names in a blocking
/// way, on our executor (G5). Names that don't resolve are left out; none left is an error.
[[nodiscard]] asio::awaitable<Result<std::string>> resolve_servers(
    std::vector<std::string> servers);

}  // namespace muster::coordination
