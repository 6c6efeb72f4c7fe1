#include "tests/coordination/memory_world.hpp"

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

    SessionClient& store() override { return *store_; }
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

}  // namespace

void stop_tasks(StoreWorld& world, TaskGroup& tasks) {
    tasks.cancel();
    world.drive([&tasks] { return tasks.size() == 0; }, patience);
}

MemoryWorld::MemoryWorld() {
    tasks_.spawn("ensemble", ensemble_.run());
}

MemoryWorld::~MemoryWorld() {
    stop_tasks(*this, tasks_);
}

bool MemoryWorld::drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    return clock_.run_for(limit, done);
}

std::unique_ptr<TestClient> MemoryWorld::start(const ClientOptions& options) {
    ensemble_.set_latency(options.name, [] { return std::chrono::microseconds(100); });
    if (!options.reachable) ensemble_.cut(options.name, std::chrono::nanoseconds::zero());
    return std::make_unique<MemoryClient>(*this, options);
}

std::string MemoryWorld::new_root() {
    ensemble_.write({CreateOp{.path = "/case"}});
    return "/case";
}

}  // namespace muster::coordination
