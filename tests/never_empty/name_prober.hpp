#pragma once

#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// Asks a DNS server for one name every ten milliseconds, for each record type in turn, and does
/// not wait for one answer before the next question. With a thread of its own. Any thread.
class NameProber {
 public:
    struct Tally {
        std::size_t answers = 0;   ///< with a record, or without one where none is published
        std::size_t empty = 0;     ///< NOERROR without a record of a type that is published
        std::size_t nxdomain = 0;  ///< of any type
        std::size_t failures = 0;  ///< SERVFAIL, or no answer: not empty, but no use either
        std::vector<std::string> first_bad;  ///< a few of the empty and of the NXDOMAIN
    };

    NameProber(std::uint16_t server, std::string name, std::set<dnsupdate::RecordType> published);
    NameProber(const NameProber&) = delete;
    NameProber& operator=(const NameProber&) = delete;
    ~NameProber();

    [[nodiscard]] Tally tally() const;

 private:
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<void> ask_once(dnsupdate::RecordType type);

    std::uint16_t server_;
    dnsupdate::DnsName name_;
    std::set<dnsupdate::RecordType> published_;
    boost::asio::io_context context_;
    AsioClock clock_;
    mutable std::mutex mutex_;
    Tally tally_;
    std::thread thread_;
};

}  // namespace muster::test
