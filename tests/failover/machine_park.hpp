#pragma once

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/http/server.hpp"
#include "tests/cluster/responder.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// A service that makes machines, as docs/providers.md asks for it (webhook), and stand-ins for the
/// LBs on them: a backend of the responder each, healthy for as long as its machine is there, and
/// the registration that its agent would keep in ZooKeeper. It remembers all that was done. On a
/// thread of its own. Any thread.
class MachinePark {
 public:
    enum class Verb : std::uint8_t { list, get, create, remove, can_remove };
    enum class When : std::uint8_t {
        before,  ///< it is carried out
        after,
    };
    /// From made to healthy.
    static constexpr std::chrono::milliseconds boot{300};

    /// Machines get the responder's backends from `first` on, one after the other.
    MachinePark(Responder& responder, std::size_t first);
    MachinePark(const MachinePark&) = delete;
    MachinePark& operator=(const MachinePark&) = delete;
    ~MachinePark();

    [[nodiscard]] std::string url() const;
    /// `digest`: of the tree's agents. Before the first machine.
    void join(const std::vector<std::string>& zookeepers,
              const std::string& digest,
              const std::string& cluster_uuid);

    /// What else the server answers below "/api": tests play a Prometheus there.
    void answer_with(std::function<http::Response(const http::Request&)> more);

    /// The next such call, about this machine or any of the fleet so called, is not answered until
    /// release().
    void hold(Verb verb, const std::string& id, When when);
    [[nodiscard]] bool holds(Verb verb, const std::string& id) const;
    /// What was held before it was carried out is carried out now. True: it was taken.
    bool carry_out_late(const std::string& held);
    void release();
    /// Creates of this fleet are refused, as what is worth another try.
    void refuse_creates(const std::string& fleet, bool refuse);
    void fences(bool on);  ///< lower tokens are refused
    /// Added to what it says of machines' age.
    void pretend_age(std::chrono::seconds more);

    struct Machine {
        std::string fleet;
        std::string id;
        std::string token;
        std::string address;
        WallTime made{};
        bool operator==(const Machine&) const = default;
    };
    [[nodiscard]] std::map<std::string, Machine> machines() const;
    [[nodiscard]] std::set<std::string> machines_of(const std::string& fleet) const;

    struct Done {
        Verb verb = Verb::create;
        std::string fleet;
        std::string id;
        std::string address;
        WallTime at{};
    };
    /// What had an effect: machines that came and went.
    [[nodiscard]] std::vector<Done> done() const;
    /// Of this verb, about this machine.
    [[nodiscard]] int calls(Verb verb, const std::string& id) const;
    [[nodiscard]] int done_to(Verb verb, const std::string& fleet) const;
    /// A second machine under one name, ever; or tokens that change.
    [[nodiscard]] std::vector<std::string> violations() const;

 private:
    struct Hold {
        Verb verb;
        std::string id;
        When when;
        std::optional<http::Request> caught{};
    };
    asio::awaitable<http::Reply> answer(http::Request request);
    http::Response act(const http::Request& request, Verb verb, const std::string& id);
    http::Response create(const http::Request& request, const std::string& id);
    http::Response remove(const std::string& id);
    asio::awaitable<void> enter(std::string fleet, std::string id, std::string address);
    asio::awaitable<void> leave(std::string fleet, std::string id);
    [[nodiscard]] std::string describe(const Machine& machine) const;

    Responder& responder_;
    mutable std::mutex mutex_;
    std::size_t next_;
    std::map<std::string, Machine> machines_;
    std::map<std::string, std::string> tokens_;  ///< of every name there ever was
    std::map<std::pair<Verb, std::string>, int> calls_;
    std::vector<Done> done_;
    std::vector<std::string> violations_;
    std::vector<Hold> holds_;
    std::set<std::string> refused_;
    std::pair<std::int64_t, std::int64_t> fence_{};
    bool fences_ = false;
    bool released_ = false;
    std::chrono::seconds older_{0};
    std::string cluster_;
    std::function<http::Response(const http::Request&)> more_;

    asio::io_context context_{1};
    AsioClock clock_;
    http::Server server_;
    std::unique_ptr<coordination::ZooKeeperStore> store_;
    TaskGroup tasks_;
    std::thread thread_;
};

}  // namespace muster::test
