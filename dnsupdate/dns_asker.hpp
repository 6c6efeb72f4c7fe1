#pragma once

#include "common/base/clock.hpp"
#include "common/config/endpoint.hpp"
#include "dnsupdate/dns_message.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>

namespace muster::dnsupdate {

/// Asks one server, not the system's resolver: over UDP, and over TCP what is cut off. Datagrams
/// that answer something else are passed over. `server` is an address. Ends within `timeout`.
/// Executor: the awaiting coroutine's.
[[nodiscard]] asio::awaitable<Result<DnsAnswer>> ask(Clock& clock,
                                                     config::Endpoint server,
                                                     DnsName name,
                                                     RecordType type,
                                                     std::chrono::nanoseconds timeout);

}  // namespace muster::dnsupdate
