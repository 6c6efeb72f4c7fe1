#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// The way from a master to etcd, on which its transactions get late, half sent or unanswered.
namespace muster::fencing {

namespace asio = boost::asio;

enum class Fate : std::uint8_t {
    pass,
    hold,        ///< kept whole; the master sees its connection end
    half,        ///< half of it is with etcd; the master sees its connection end
    lose_reply,  ///< carried out; the master sees its connection end
};

/// A transaction that is on its way still.
struct LateWrite {
    std::string bytes;  ///< the whole request
    std::size_t sent = 0;
    std::shared_ptr<asio::ip::tcp::socket> upstream;  ///< where half of it has gone
    std::string fence;                                ///< that it compares
};

/// What etcd said to a transaction.
struct Said {
    bool succeeded = false;
    std::string body;
};

/// A proxy before etcd's JSON gateway, on a loopback port of its own, with a thread of its own. All
/// but transactions pass. Its calls are for one other thread.
class LateNetwork {
 public:
    explicit LateNetwork(std::uint16_t etcd);
    LateNetwork(const LateNetwork&) = delete;
    LateNetwork& operator=(const LateNetwork&) = delete;
    ~LateNetwork();

    [[nodiscard]] std::string url() const;

    /// Of all transactions from now on, by the fence that they compare. Called on the proxy's
    /// thread, one at a time.
    void set_fate(std::function<Fate(const std::string& fence)> fate);
    /// That are still to come.
    [[nodiscard]] std::vector<LateWrite> take_late();
    /// Transactions that compare a smaller fence than this and were let through count as stale.
    void set_fence(std::string fence);
    [[nodiscard]] std::size_t stale_passed() const { return stale_passed_; }

    /// Sends what is missing of it; nothing: etcd closed the connection.
    std::optional<Said> deliver(LateWrite& late) const;

 private:
    using Socket = asio::ip::tcp::socket;
    asio::awaitable<void> accept();
    asio::awaitable<void> serve(std::shared_ptr<Socket> client);
    [[nodiscard]] Fate choose(const std::string& fence);

    std::uint16_t etcd_;
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_;
    std::mutex mutex_;                                    ///< of what follows
    std::function<Fate(const std::string& fence)> fate_;  ///< none: all pass
    std::vector<LateWrite> late_;
    std::string fence_;
    std::atomic<std::size_t> stale_passed_ = 0;
    std::thread thread_;
};

/// The value that a transaction's request compares the fence key with; empty: none.
[[nodiscard]] std::string fence_of(const std::string& body);

/// The same request, without anything to compare: what a writer without guards would send.
[[nodiscard]] std::string without_guards(const std::string& request);

}  // namespace muster::fencing
