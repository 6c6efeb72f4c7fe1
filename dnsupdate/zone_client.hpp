#pragma once

#include "common/base/clock.hpp"
#include "common/config/endpoint.hpp"
#include "dnsupdate/update_message.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace muster::dnsupdate {

struct Rfc2136Settings {
    config::Endpoint server;  ///< the zone's primary: an address, not a name
    DnsName zone;
    std::string key_name;
    std::string secret;  ///< base64, as in named.conf; HMAC-SHA256
    std::chrono::nanoseconds timeout = std::chrono::seconds(3);  ///< of one message and its reply
    std::chrono::nanoseconds transfer_timeout = std::chrono::seconds(30);  ///< of the whole zone
    std::size_t max_records = 500'000;                                     ///< in the whole zone
    std::size_t max_transfer_bytes = 64UZ << 20U;
};

/// One primary server's zone, over TCP, a connection for each message; all requests are signed, and
/// no reply is believed whose signature isn't right. Executor: the awaiting coroutine's. Every call
/// ends within its timeout.
class ZoneClient {
 public:
    ZoneClient(Clock& clock, Rfc2136Settings settings);

    /// UpdateErrc::outcome_unknown: read what it would have written. A TsigErrc, too, tells
    /// nothing of what became of it.
    [[nodiscard]] asio::awaitable<Result<UpdateReply>> send(const Update& update);
    /// The RRset, empty where there is none.
    [[nodiscard]] asio::awaitable<Result<std::vector<ZoneRecord>>> ask_text(std::string name);
    /// All records, of one version of the zone. Every message of it is verified.
    [[nodiscard]] asio::awaitable<Result<std::vector<ZoneRecord>>> transfer();

    [[nodiscard]] const Rfc2136Settings& settings() const { return settings_; }

 private:
    [[nodiscard]] std::string where() const;
    asio::awaitable<Result<UpdateReply>> exchange(Result<SignedMessage> message);
    asio::awaitable<Result<UpdateReply>> exchange_without_limit(SignedMessage message);
    asio::awaitable<Result<std::vector<ZoneRecord>>> transfer_without_limit(SignedMessage message);

    Clock& clock_;
    Rfc2136Settings settings_;
    Result<TsigKey> key_;
};

}  // namespace muster::dnsupdate
