#include "tests/coordination/memory_world.hpp"

#include "common/coordination/running_sessions.hpp"

#include <utility>

namespace muster::coordination {

namespace {

class MemoryClient final : public TestClient {
 public:
    MemoryClient(MemoryWorld& world, const ClientOptions& options)
        : world_(world), name_(options.name), tasks_(world.context().get_executor()) {
        store_ = std::make_unique<MemoryStore>(
            world.context().get_executor(),
            world.clock(),
            world.ensemble(),
            MemoryStore::Settings{.client = options.name,
                                  .session_timeout = options.session_timeout,
                                  .limits = options.limits});
        tasks_.spawn("store", store_->run());
    }
    ~MemoryClient() override { crash(); }

    Store& store() override { return *store_; }
    SessionClient& primary() override { return *store_; }
    asio::awaitable<void> close() override { return store_->close(); }
    void crash() override {
        if (!store_) return;
        stop_tasks(world_, tasks_);
        store_.reset();
    }
    void expire_session() override { world_.ensemble().expire(name_); }

 private:
    MemoryWorld& world_;
    std::string name_;
    TaskGroup tasks_;
    std::unique_ptr<MemoryStore> store_;
};

/// One whose watches have sessions of their own: "a/1", "a/2" and so on.
class CarriedMemoryClient final : public TestClient {
 public:
    CarriedMemoryClient(MemoryWorld& world, ClientOptions options, WatchLimits carried)
        : world_(world), options_(std::move(options)), tasks_(world.context().get_executor()) {
        carried.total = options_.limits.max_watches;
        options_.limits = carrier_limits(options_.limits, carried);
        primary_ = make(options_.name);
        further_ = std::make_unique<RunningSessions<MemoryStore>>(
            world.context().get_executor(),
            [this] { return make(options_.name + "/" + std::to_string(++made_)); });
        store_ = std::make_unique<WatchCarriers>(*primary_, *further_, carried);
        tasks_.spawn("store", primary_->run());
    }
    ~CarriedMemoryClient() override { crash(); }

    Store& store() override { return *store_; }
    SessionClient& primary() override { return *primary_; }
    std::size_t watches() override { return store_->watches(); }
    asio::awaitable<void> close() override {
        store_->end();
        co_await primary_->close();
    }
    void crash() override {
        if (!store_) return;
        stop_tasks(world_, tasks_);
        further_->cancel();
        world_.drive([this] { return further_->size() == 0; }, patience);
        store_.reset();
        further_.reset();
        primary_.reset();
    }
    void expire_session() override { world_.ensemble().expire(options_.name); }

 private:
    std::unique_ptr<MemoryStore> make(const std::string& name) {
        world_.prepare_link(name, options_);
        return std::make_unique<MemoryStore>(
            world_.context().get_executor(),
            world_.clock(),
            world_.ensemble(),
            MemoryStore::Settings{.client = name,
                                  .session_timeout = options_.session_timeout,
                                  .limits = options_.limits});
    }

    MemoryWorld& world_;
    ClientOptions options_;
    int made_ = 0;
    TaskGroup tasks_;
    std::unique_ptr<MemoryStore> primary_;
    std::unique_ptr<RunningSessions<MemoryStore>> further_;
    std::unique_ptr<WatchCarriers> store_;
};

}  // namespace

void stop_tasks(StoreWorld& world, TaskGroup& tasks) {
    tasks.cancel();
    world.drive([&tasks] { return tasks.size() == 0; }, patience);
}

MemoryWorld::MemoryWorld(std::optional<WatchLimits> carried) : carried_(carried) {
    tasks_.spawn("ensemble", ensemble_.run());
}

MemoryWorld::~MemoryWorld() {
    stop_tasks(*this, tasks_);
}

bool MemoryWorld::drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    return clock_.run_for(limit, done);
}

std::unique_ptr<TestClient> MemoryWorld::start(const ClientOptions& options) {
    if (carried_) return std::make_unique<CarriedMemoryClient>(*this, options, *carried_);
    prepare_link(options.name, options);
    return std::make_unique<MemoryClient>(*this, options);
}

void MemoryWorld::prepare_link(const std::string& name, const ClientOptions& options) {
    ensemble_.set_latency(name, [] { return std::chrono::microseconds(100); });
    if (!options.reachable) ensemble_.cut(name, std::chrono::nanoseconds::zero());
}

std::string MemoryWorld::new_root() {
    ensemble_.write({CreateOp{.path = "/case"}});
    return "/case";
}

}  // namespace muster::coordination
