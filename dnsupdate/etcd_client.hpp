#pragma once

#include "common/base/clock.hpp"
#include "common/base/tls_files.hpp"
#include "common/http/tls_client.hpp"
#include "dnsupdate/etcd_messages.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace muster::dnsupdate::etcd {

struct ClientSettings {
    std::vector<std::string> endpoints{"http://127.0.0.1:2379"};
    std::string user;  ///< empty: none
    std::string password;
    /// For one endpoint to answer. Below etcd's own 7 s: we go to the next one first.
    std::chrono::nanoseconds timeout = std::chrono::milliseconds(2'500);
    TlsFiles tls;                               ///< for endpoints that begin with https://
    std::size_t page = 2'000;                   ///< keys in one reply
    std::size_t max_keys = 500'000;             ///< in one list
    std::size_t max_reply_bytes = 64UZ << 20U;  ///< of one page
};

/// etcd's key-value store through its JSON gateway. Stays with the endpoint that answered last;
/// goes to the next one when there is no answer. Reads are asked of each in turn; a write that may
/// have been sent is asked once, and its outcome is then unknown. Executor: the awaiting
/// coroutine's; one call at a time. Every call ends within timeout x endpoints.
class Client {
 public:
    Client(Clock& clock, ClientSettings settings);

    /// All keys that begin with `prefix`, of one revision.
    [[nodiscard]] asio::awaitable<Result<RangeReply>> list(std::string prefix);
    [[nodiscard]] asio::awaitable<Result<RangeReply>> get(std::string key);
    /// Errc::outcome_unknown: read what it would have written. Any other error: nothing was.
    [[nodiscard]] asio::awaitable<Result<TxnReply>> commit(const Txn& txn);

    /// The newest revision that a reply has named, and in which term; 0: none yet.
    [[nodiscard]] const Header& seen() const { return seen_; }
    /// Of the last reply.
    [[nodiscard]] const Header& last() const { return last_; }
    /// A revision was smaller than one before it: the store was restored from a snapshot.
    [[nodiscard]] bool went_back() const { return went_back_; }

 private:
    enum class Kind { read, write };

    asio::awaitable<Result<std::string>> call(const char* path, std::string body, Kind kind);
    asio::awaitable<Result<std::string>> call_one(const char* path,
                                                  const std::string& body,
                                                  Kind kind);
    asio::awaitable<Result<std::string>> post(const char* path,
                                              const std::string& body,
                                              bool login);
    asio::awaitable<Result<void>> log_in();
    Result<void> note(const Header& header);

    Clock& clock_;
    ClientSettings settings_;
    std::shared_ptr<http::TlsClient> tls_;
    std::size_t current_ = 0;
    std::string token_;
    Header seen_;
    Header last_;
    bool went_back_ = false;
};

}  // namespace muster::dnsupdate::etcd
