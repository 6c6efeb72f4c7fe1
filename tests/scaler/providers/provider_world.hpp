#pragma once

#include "common/base/asio_clock.hpp"
#include "scaler/provider.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace muster::test {

/// A provider and what it works on, for the suite that all of them pass. Its machines are gone when
/// it goes.
class ProviderWorld {
 public:
    ProviderWorld() = default;
    ProviderWorld(const ProviderWorld&) = delete;
    ProviderWorld& operator=(const ProviderWorld&) = delete;
    virtual ~ProviderWorld() = default;

    [[nodiscard]] scaler::Provider& provider() { return *provider_; }
    /// Another object on the same state: what a restarted musterd has.
    void restart() {
        provider_.reset();
        provider_ = make();
    }

    /// From now on the provider is that of another cluster's musterd, on the same state.
    void work_for(const std::string& cluster) {
        cluster_ = cluster;
        restart();
    }
    /// Takes the cluster's name from all machines, as if an earlier release had made them. False:
    /// it has none to take.
    [[nodiscard]] virtual bool unlabel() { return false; }

    /// How many machines really are there under this name, whatever the provider says.
    [[nodiscard]] virtual std::size_t machines(const FleetName& fleet, const InstanceId& id) = 0;

    /// The next create() is carried out, and its answer is lost.
    virtual void lose_next_answer() = 0;

    /// The provider refuses lower tokens itself.
    [[nodiscard]] bool fences() { return provider().abilities().fences; }
    /// It has answers of others to be mistrusted: the next call gets this text for one.
    [[nodiscard]] virtual bool takes_answers() const { return false; }
    virtual void answer_next(const std::string& /*text*/) {}

    template <class T>
    T run(asio::awaitable<T> work) {
        context_.restart();
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.run();
        return result.get();
    }
    /// Cancels the work after so many steps of the context, and waits for it to end.
    template <class T>
    void break_off(asio::awaitable<T> work, int steps) {
        context_.restart();
        asio::cancellation_signal cancel;
        asio::co_spawn(context_,
                       std::move(work),
                       asio::bind_cancellation_slot(cancel.slot(),
                                                    [](const std::exception_ptr&, const T&) {}));
        for (int step = 0; step <= steps; ++step) context_.poll_one();
        cancel.emit(asio::cancellation_type::terminal);
        context_.run();
    }
    [[nodiscard]] asio::io_context& context() { return context_; }
    [[nodiscard]] Clock& clock() { return clock_; }

 protected:
    [[nodiscard]] virtual std::unique_ptr<scaler::Provider> make() = 0;
    [[nodiscard]] const TempDir& directory() const { return directory_; }
    void end_provider() { provider_.reset(); }
    [[nodiscard]] const std::string& cluster() const { return cluster_; }

 private:
    std::string cluster_ = "prod";
    TempDir directory_;
    asio::io_context context_{1};
    AsioClock clock_;
    std::unique_ptr<scaler::Provider> provider_;
};

using MakeProviderWorld = std::unique_ptr<ProviderWorld> (*)();

}  // namespace muster::test
