#include "tests/coordination/zookeeper_world.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <zookeeper/zookeeper.h>

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace muster::coordination {

namespace {

class ZooKeeperClient final : public TestClient {
 public:
    ZooKeeperClient(ZooKeeperWorld& world, ZooKeeperStore::Settings settings)
        : world_(world), tasks_(world.context().get_executor()) {
        store_ = std::make_unique<ZooKeeperStore>(
            world.context().get_executor(), world.clock(), std::move(settings));
        tasks_.spawn("store", store_->run());
    }
    ~ZooKeeperClient() override { crash(); }

    ZooKeeperStore& store() override { return *store_; }
    asio::awaitable<void> close() override { return store_->close(); }
    void crash() override {
        if (!store_) return;
        tasks_.cancel();
        world_.drive([this] { return tasks_.size() == 0; }, patience);
        store_.reset();
    }
    void expire_session() override {
        const auto secret = store_->session_secret();
        if (!secret || !adopt_and_close(*secret, world_.servers().addresses().front()))
            throw std::runtime_error("the session could not be closed from outside");
    }

 private:
    ZooKeeperWorld& world_;
    TaskGroup tasks_;
    std::unique_ptr<ZooKeeperStore> store_;
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
    return start_with(std::move(settings));
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
    return dynamic_cast<ZooKeeperStore&>(client.store());
}

}  // namespace muster::coordination
