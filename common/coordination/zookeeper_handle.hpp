#pragma once

#include "common/coordination/request.hpp"
#include "common/coordination/session_secret.hpp"
#include "common/coordination/watch_set.hpp"
#include "common/coordination/zookeeper_codec.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace muster::coordination {

enum class ConnectionEvent { connected, disconnected, expired, auth_failed };

/// One zhandle_t of ZooKeeper's single-threaded C client, hence one session, driven on one executor
/// through its descriptor and a timer. Nothing of ours runs inside a call of the client: what it
/// tells is kept and passed on when the call has returned.
///
/// Executor: the one given. Owned by a shared_ptr; ended by detach().
class ZooKeeperHandle : public std::enable_shared_from_this<ZooKeeperHandle> {
 public:
    struct Settings {
        std::string hosts;  ///< "127.0.0.1:2181,...": literals, or the client would block in DNS
        std::chrono::nanoseconds session_timeout{};
        std::string digest;            ///< "user:password"; empty: anonymous
        std::vector<Acl> default_acl;  ///< empty: open to all
        std::function<bool()> alive;   ///< false: the session is left to die; empty: always true
        void (*log)(const char* message) = nullptr;
        std::uint64_t seed = 0;  ///< of the jitter
    };

    class Owner {
     public:
        Owner() = default;
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        virtual void on_connection(ConnectionEvent event) = 0;
        virtual void on_dirty(const std::string& path, WatchEvent event) = 0;
        virtual void on_answer(const std::shared_ptr<Request>& request, Reply reply) = 0;

     protected:
        ~Owner() = default;
    };

    ZooKeeperHandle(asio::any_io_executor executor, Settings settings, Owner& owner);
    ZooKeeperHandle(const ZooKeeperHandle&) = delete;
    ZooKeeperHandle& operator=(const ZooKeeperHandle&) = delete;
    ~ZooKeeperHandle();

    /// Creates the C handle and starts to connect. False: the client refused (bad hosts).
    [[nodiscard]] bool open();

    /// From now on, of creates that bring none.
    void use_acl(std::vector<Acl> acl) { settings_.default_acl = std::move(acl); }

    /// Its answer comes through the owner, also when it could not be sent.
    void submit(const std::shared_ptr<Request>& request);

    [[nodiscard]] bool is_unrecoverable() const;
    [[nodiscard]] std::int64_t session_id() const;
    [[nodiscard]] std::chrono::nanoseconds negotiated_timeout() const;
    [[nodiscard]] std::optional<SessionSecret> secret() const;

    enum class SessionEnd {
        clean,    ///< the server is told, ephemerals go at once
        abandon,  ///< as if we had crashed
    };
    /// Stops driving; nothing is told any more. What is returned closes the C handle, blocks for up
    /// to seconds, and is to be called once, on any thread.
    [[nodiscard]] std::function<void()> detach(SessionEnd end);

 private:
    void drive();
    void kick();
    void process(int events);
    void deliver();
    void tell(const ZooKeeperInbox::State& state);

    void attach(int descriptor);
    void drop_descriptor();
    void drop_closed_descriptor();
    void wait_for(int events);
    void wake_after(std::chrono::microseconds span);
    void on_ready(int event, std::uint64_t attachment);
    void back_off();

    asio::any_io_executor executor_;
    Settings settings_;
    Owner* owner_;
    std::shared_ptr<ZooKeeperInbox> inbox_ = std::make_shared<ZooKeeperInbox>();
    zhandle_t* handle_ = nullptr;

    asio::posix::stream_descriptor descriptor_;
    std::uint64_t cookie_ = 0;      ///< of the socket attached: numbers are reused (G7)
    std::uint64_t attachment_ = 0;  ///< counts sockets, to know stale waits
    bool waits_to_read_ = false;
    bool waits_to_write_ = false;
    asio::steady_timer timer_;
    std::uint64_t wake_up_ = 0;  ///< counts timer settings, to know stale ones
    bool kicked_ = false;
    bool delivering_ = false;

    std::minstd_rand jitter_;
    int failures_ = 0;  ///< to connect, in a row
    bool backing_off_ = false;
};

}  // namespace muster::coordination
