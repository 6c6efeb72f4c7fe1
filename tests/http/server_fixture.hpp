#pragma once

#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "tests/http/raw_connection.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <memory>

namespace muster::http {

/// A server on real sockets and virtual time: its deadlines are tested at their full length without
/// waiting for them.
class ServerFixture : public testing::Test {
 protected:
    ~ServerFixture() override { stop(); }

    void start(ServerSettings settings, Handler handler) {
        server_ = std::make_unique<Server>(
            context_.get_executor(), clock_, std::move(settings), std::move(handler));
        const auto opened = server_->open();
        ASSERT_TRUE(opened) << opened.error().message();
        port_ = server_->port();
        tasks_.spawn("server", server_->run());
        clock_.run_ready();
    }
    void start(Handler handler) { start(ServerSettings{}, std::move(handler)); }

    /// Cancels the server and gives it (virtual) time to end.
    void stop() {
        tasks_.cancel();
        clock_.run_for(std::chrono::seconds(5), [&] { return tasks_.size() == 0; });
        EXPECT_EQ(tasks_.size(), 0U) << "the server did not end";
    }

    /// Lets everything run without moving time, until the condition holds.
    bool until(const std::function<bool()>& condition) {
        return test::eventually(std::chrono::seconds(10), [&] {
            clock_.run_ready();
            return condition();
        });
    }
    void pass(std::chrono::nanoseconds time) { clock_.run_for(time); }

    test::RawConnection connect() { return test::RawConnection(port_); }

    /// The reply to `bytes` on a fresh connection, up to its end by close.
    std::string exchange(std::string_view bytes) {
        test::RawConnection client = connect();
        client.send(bytes);
        client.finish_sending();
        EXPECT_TRUE(until([&] { return client.closed(); })) << bytes.substr(0, 100);
        return client.received();
    }

    bool replied(test::RawConnection& client, std::string_view text) {
        const bool found = until([&] { return client.received().find(text) != std::string::npos; });
        if (!found) ADD_FAILURE() << "expected " << text << ", received " << client.received();
        return found;
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    TaskGroup tasks_{context_.get_executor()};
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
};

}  // namespace muster::http
