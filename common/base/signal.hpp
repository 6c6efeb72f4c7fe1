#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace muster {

namespace asio = boost::asio;

/// "Something changed, look again": an auto-reset event with one waiter. Notifications that arrive
/// while nobody waits collapse into one. Executor: all calls on the one given. Waiting is
/// cancellable.
class Signal {
 public:
    explicit Signal(const asio::any_io_executor& executor) : channel_(executor, 1) {}

    void notify() { channel_.try_send(boost::system::error_code{}); }

    [[nodiscard]] asio::awaitable<void> wait() {
        return channel_.async_receive(asio::use_awaitable);
    }

 private:
    asio::experimental::channel<void(boost::system::error_code)> channel_;
};

}  // namespace muster
