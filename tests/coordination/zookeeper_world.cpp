#include "tests/coordination/zookeeper_world.hpp"

#include "common/coordination/running_sessions.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <zookeeper/zookeeper.h>

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace muster::coordination {

namespace {

void end_session_of(const ZooKeeperStore& store, ZooKeeperWorld& world) {
    const auto secret = store.session_secret();
    if (!secret || !adopt_and_close(*secret, world.servers().addresses().front()))
        throw std::runtime_error("the session could not be closed from outside");
}

class ZooKeeperClient final : public TestClient {
 public:
    ZooKeeperClient(ZooKeeperWorld& world, ZooKeeperStore::Settings settings)
        : world_(world), tasks_(world.context().get_executor()) {
        store_ = std::make_unique<ZooKeeperStore>(
            world.context().get_executor(), world.clock(), std::move(settings));
        tasks_.spawn("store", store_->run());
    }
    ~ZooKeeperClient() override { crash(); }

    Store& store() override { return *store_; }
    SessionClient& primary() override { return *store_; }
    asio::awaitable<void> close() override { return store_->close(); }
    void crash() override {
        if (!store_) return;
        tasks_.cancel();
        world_.drive([this] { return tasks_.size() == 0; }, patience);
        store_.reset();
    }
    void expire_session() override { end_session_of(*store_, world_); }

 private:
    ZooKeeperWorld& world_;
    TaskGroup tasks_;
    std::unique_ptr<ZooKeeperStore> store_;
};

/// One whose watches have further sessions.
class CarriedZooKeeperClient final : public TestClient {
 public:
    CarriedZooKeeperClient(ZooKeeperWorld& world,
                           ZooKeeperStore::Settings settings,
                           WatchLimits carried)
        : world_(world), settings_(std::move(settings)), tasks_(world.context().get_executor()) {
        settings_.limits = carrier_limits(settings_.limits, carried);
        primary_ = make();
        further_ = std::make_unique<RunningSessions<ZooKeeperStore>>(world.context().get_executor(),
                                                                     [this] { return make(); });
        store_ = std::make_unique<WatchCarriers>(*primary_, *further_, carried);
        tasks_.spawn("store", primary_->run());
    }
    ~CarriedZooKeeperClient() override { crash(); }

    Store& store() override { return *store_; }
    SessionClient& primary() override { return *primary_; }
    std::size_t watches() override { return store_->watches(); }
    asio::awaitable<void> close() override {
        store_->end();
        co_await primary_->close();
    }
    void crash() override {
        if (!store_) return;
        tasks_.cancel();
        further_->cancel();
        world_.drive([this] { return tasks_.size() + further_->size() == 0; }, patience);
        store_.reset();
        further_.reset();
        primary_.reset();
    }
    void expire_session() override { end_session_of(*primary_, world_); }

 private:
    std::unique_ptr<ZooKeeperStore> make() {
        return std::make_unique<ZooKeeperStore>(
            world_.context().get_executor(), world_.clock(), settings_);
    }

    ZooKeeperWorld& world_;
    ZooKeeperStore::Settings settings_;
    TaskGroup tasks_;
    std::unique_ptr<ZooKeeperStore> primary_;
    std::unique_ptr<RunningSessions<ZooKeeperStore>> further_;
    std::unique_ptr<WatchCarriers> store_;
};

void ignore_event(zhandle_t*, int, int, const char*, void*) {}
void ignore_log(const char*) {}

/// One turn of the C client's loop.
void turn(zhandle_t* handle) {
    int descriptor = -1;
    int events = 0;
    timeval timeout{};
    zookeeper_interest(handle, &descriptor, &events, &timeout);
    pollfd waiting{.fd = descriptor, .events = 0, .revents = 0};
    if ((events & ZOOKEEPER_READ) != 0) waiting.events |= POLLIN;
    if ((events & ZOOKEEPER_WRITE) != 0) waiting.events |= POLLOUT;
    ::poll(&waiting, 1, 10);
    int ready = 0;
    if ((waiting.revents & (POLLIN | POLLERR | POLLHUP)) != 0) ready |= ZOOKEEPER_READ;
    if ((waiting.revents & POLLOUT) != 0) ready |= ZOOKEEPER_WRITE;
    if (descriptor != -1) zookeeper_process(handle, ready);
}

}  // namespace

bool adopt_and_close(const SessionSecret& secret, const std::string& server) {
    clientid_t id{};
    id.client_id = secret.id;
    std::memcpy(id.passwd, secret.password.data(), secret.password.size());
    const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(secret.timeout);
    zhandle_t* handle = zookeeper_init2(server.c_str(),
                                        ignore_event,
                                        static_cast<int>(timeout.count()),
                                        &id,
                                        nullptr,
                                        0,
                                        ignore_log);
    if (handle == nullptr) return false;
    const bool connected = test::eventually(std::chrono::seconds(5), [handle] {
        turn(handle);
        return zoo_state(handle) == ZOO_CONNECTED_STATE;
    });
    zookeeper_close(handle);
    return connected;
}

bool ZooKeeperWorld::drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const SteadyTime deadline = clock_.now() + limit * test::slowdown();
    while (!done()) {
        const auto left = deadline - clock_.now();
        if (left <= std::chrono::nanoseconds::zero()) return false;
        if (context_.stopped()) context_.restart();
        context_.run_one_for(std::min<std::chrono::nanoseconds>(left, std::chrono::seconds(1)));
    }
    return true;
}

std::unique_ptr<TestClient> ZooKeeperWorld::start(const ClientOptions& options) {
    ZooKeeperStore::Settings settings;
    settings.servers = servers_.addresses();
    if (!options.reachable) settings.servers = {"127.0.0.1:1"};
    settings.session_timeout = options.session_timeout;
    settings.limits = options.limits;
    if (!carried_) return start_with(std::move(settings));
    WatchLimits carried = *carried_;
    carried.total = options.limits.max_watches;
    return start_carried(std::move(settings), carried);
}

std::unique_ptr<TestClient> ZooKeeperWorld::start_carried(ZooKeeperStore::Settings settings,
                                                          WatchLimits carried) {
    return std::make_unique<CarriedZooKeeperClient>(*this, std::move(settings), carried);
}

std::unique_ptr<TestClient> ZooKeeperWorld::start_with(ZooKeeperStore::Settings settings) {
    return std::make_unique<ZooKeeperClient>(*this, std::move(settings));
}

std::string ZooKeeperWorld::new_root() {
    static int number = 0;
    const std::string path = fmt::format("/case-{}-{}", ::getpid(), number++);
    const auto maker = start(ClientOptions{.name = "maker"});
    const auto made =
        Call<Result<std::string>>(*this, create(maker->store(), {.path = path})).wait();
    if (!made) throw std::runtime_error(made.error().message());
    Call<bool>(*this,
               [](TestClient& client) -> asio::awaitable<bool> {
                   co_await client.close();
                   co_return true;
               }(*maker))
        .wait();
    return path;
}

ZooKeeperStore& zookeeper(TestClient& client) {
    return dynamic_cast<ZooKeeperStore&>(client.primary());
}

}  // namespace muster::coordination
