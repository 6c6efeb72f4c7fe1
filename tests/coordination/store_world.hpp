#pragma once

#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/session_client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace muster::coordination {

/// A client of the service under test, running: its store and the tasks that drive it.
class TestClient {
 public:
    TestClient() = default;
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;
    virtual ~TestClient() = default;

    [[nodiscard]] virtual Store& store() = 0;
    /// The session that its writes go through, and its lease rests on.
    [[nodiscard]] virtual SessionClient& primary() = 0;
    /// Armed, whatever carries them.
    [[nodiscard]] virtual std::size_t watches() { return primary().watches().size(); }
    [[nodiscard]] virtual asio::awaitable<void> close() = 0;
    /// Stops without a goodbye; the store is gone.
    virtual void crash() = 0;
    /// Has the servers end its session, as they would after a silence.
    virtual void expire_session() = 0;
};

struct ClientOptions {
    std::string name = "a";
    std::chrono::nanoseconds session_timeout = std::chrono::seconds(2);
    ClientLimits limits;
    bool reachable = true;  ///< false: there are no servers where it looks for them
};

/// What a conformance case runs in: servers, a clock, and the loop that drives both, with blocking
/// calls for the test.
class StoreWorld {
 public:
    StoreWorld() = default;
    StoreWorld(const StoreWorld&) = delete;
    StoreWorld& operator=(const StoreWorld&) = delete;
    virtual ~StoreWorld() = default;

    [[nodiscard]] virtual asio::io_context& context() = 0;
    [[nodiscard]] virtual Clock& clock() = 0;
    /// Lets things happen until `done` holds (true) or `limit` of the clock has passed.
    virtual bool drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) = 0;
    [[nodiscard]] virtual std::unique_ptr<TestClient> start(const ClientOptions& options) = 0;
    /// A node of the case's own, for all that it makes.
    [[nodiscard]] virtual std::string new_root() = 0;
};

constexpr std::chrono::seconds patience{20};

/// A call under way.
template <class T>
class Call {
 public:
    Call(StoreWorld& world, asio::awaitable<T> task) : world_(world), state_(new State) {
        auto on_end = [state = state_](const std::exception_ptr& error, T value) {
            if (!error) state->result.emplace(std::move(value));
            state->error = error;
            state->ended = true;
        };
        asio::co_spawn(world.context(),
                       std::move(task),
                       asio::bind_cancellation_slot(state_->cancel.slot(), std::move(on_end)));
    }

    void cancel() { state_->cancel.emit(asio::cancellation_type::terminal); }
    [[nodiscard]] bool ended() const { return state_->ended; }

    /// Waits for the end. Throws what the call threw.
    T wait() {
        if (!world_.drive([this] { return ended(); }, patience))
            throw std::runtime_error("a call did not come back");
        if (state_->error) std::rethrow_exception(state_->error);
        return std::move(*state_->result);
    }

 private:
    struct State {
        asio::cancellation_signal cancel;
        bool ended = false;
        std::exception_ptr error;
        std::optional<T> result;
    };
    StoreWorld& world_;
    std::shared_ptr<State> state_;
};

/// Why a call failed; no error when it did not.
template <class T>
std::error_code code_of(const Result<T>& result) {
    return result ? std::error_code{} : result.error().code;
}

/// The service under test, as the parameter of a suite.
struct Service {
    std::string name;
    std::function<std::unique_ptr<StoreWorld>()> make;
};

/// Those that the present executable tests.
[[nodiscard]] std::vector<Service> services();

inline std::string service_name(const testing::TestParamInfo<Service>& info) {
    return info.param.name;
}
inline void PrintTo(const Service& service, std::ostream* out) {
    *out << service.name;
}

class StoreTest : public testing::TestWithParam<Service> {
 protected:
    StoreTest() : world_(GetParam().make()), root_(world_->new_root()) {}

    [[nodiscard]] std::unique_ptr<TestClient> client(const std::string& name = "a") {
        return client(ClientOptions{.name = name});
    }
    [[nodiscard]] std::unique_ptr<TestClient> client(const ClientOptions& options) {
        auto made = world_->start(options);
        if (options.reachable) {
            EXPECT_TRUE(until([&] { return is_connected(made->store()); }));
        }
        return made;
    }

    template <class T>
    [[nodiscard]] Call<T> start(asio::awaitable<T> task) {
        return Call<T>(*world_, std::move(task));
    }
    template <class T>
    T await(asio::awaitable<T> task) {
        return start(std::move(task)).wait();
    }
    void await(asio::awaitable<void> task) { await(returning_true(std::move(task))); }

    bool until(const std::function<bool()>& done, std::chrono::nanoseconds limit = patience) {
        return world_->drive(done, limit);
    }
    /// Lets everything happen that is under way: what was answered to `store` after this call has
    /// been told before it returns.
    void settle(Store& store) { (void)await(store.sync(root_)); }

    [[nodiscard]] static bool is_connected(const Store& store) {
        return store.session().state == SessionState::connected;
    }
    [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }

    // What cases do most.
    std::string make(Store& store,
                     const std::string& name,
                     const std::string& data = "",
                     CreateMode mode = CreateMode::persistent) {
        const auto made = await(create(store, {.path = at(name), .data = data, .mode = mode}));
        EXPECT_TRUE(made.has_value()) << made.error().message();
        return made.value_or("");
    }
    std::int32_t write(Store& store, const std::string& name, const std::string& data) {
        const auto stat = await(set(store, {.path = at(name), .data = data}));
        EXPECT_TRUE(stat.has_value()) << stat.error().message();
        return stat ? stat->version : -1;
    }
    Node read(Store& store, const std::string& name, Watch watch = Watch::none) {
        const auto node = await(store.get(at(name), watch));
        EXPECT_TRUE(node.has_value()) << node.error().message();
        return node.value_or(Node{});
    }
    [[nodiscard]] bool there(Store& store, const std::string& name) {
        const auto stat = await(store.exists(at(name), Watch::none));
        EXPECT_TRUE(stat.has_value()) << stat.error().message();
        return stat && stat->has_value();
    }

    StoreWorld& world() { return *world_; }
    [[nodiscard]] const std::string& root() const { return root_; }

 private:
    static asio::awaitable<bool> returning_true(asio::awaitable<void> task) {
        co_await std::move(task);
        co_return true;
    }

    std::unique_ptr<StoreWorld> world_;
    std::string root_;
};

}  // namespace muster::coordination
