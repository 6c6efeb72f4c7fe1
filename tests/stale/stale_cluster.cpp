#include "tests/stale/stale_cluster.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::stale {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds tick{200};
constexpr std::chrono::milliseconds session_timeout{1000};
const std::vector<NodeId> resident_ids{NodeId("ann"), NodeId("ben"), NodeId("cleo")};

}  // namespace

StaleCluster::StaleCluster(std::uint64_t seed, HoldingStore::Guards guards)
    : guards_(guards), random_(seed), servers_({.servers = 3, .tick = tick}) {
    witness_ =
        std::make_unique<Witness>(network_.get_executor(), clock_, servers_.addresses(), paths_);
    witness_->start();
    ask(witness_->make_tree());
    if (!drive(20s, [this] { return !view().cluster().empty(); }))
        throw std::runtime_error("the witness does not see the tree");
    for (const NodeId& id : resident_ids) start_host(id);
}

StaleCluster::~StaleCluster() {
    if (witness_) (void)end();
}

std::vector<Transaction> StaleCluster::end() {
    for (auto& [id, host] : hosts_) host->reunite();
    while (!hosts_.empty()) end_host(NodeId(hosts_.begin()->first));
    finish(witness_->end(), network_);
    witness_.reset();
    for (std::size_t i = 0; i < servers_.size(); ++i) servers_.stop(i);
    // No log need have them all: one server may have begun with a snapshot of the others' tree,
    // another been stopped before the last ones reached it.
    std::map<std::int64_t, Transaction> history;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        for (Transaction& one : read_logs(servers_.data_dir(i)))
            history.try_emplace(one.zxid, std::move(one));
    }
    std::vector<Transaction> in_order;
    for (auto& [zxid, one] : history) in_order.push_back(std::move(one));
    return in_order;
}

bool StaleCluster::drive(std::chrono::nanoseconds limit, const std::function<bool()>& done) {
    const SteadyTime deadline = clock_.now() + limit * test::slowdown();
    for (;;) {
        if (network_.stopped()) network_.restart();
        std::size_t ran = network_.poll();
        for (auto& [id, host] : hosts_) {
            if (host->frozen()) continue;
            if (host->context().stopped()) host->context().restart();
            ran += host->context().poll();
        }
        if (done()) return true;
        if (clock_.now() >= deadline) return false;
        if (ran == 0) network_.run_one_for(1ms);
    }
}

void StaleCluster::finish(asio::awaitable<void> work, asio::io_context& context) {
    bool ended = false;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(work), [&](const std::exception_ptr& error) {
        failure = error;
        ended = true;
    });
    if (!drive(60s, [&] { return ended; })) throw std::runtime_error("a coroutine hangs");
    if (failure) std::rethrow_exception(failure);
}

void StaleCluster::start_host(const NodeId& id) {
    auto host = std::make_unique<Host>(
        network_,
        servers_,
        paths_,
        backends_,
        Host::Settings{.id = id,
                       .incarnation = fmt::format("{}-{}", id.str(), ++incarnations_),
                       .session_timeout = session_timeout * test::slowdown(),
                       .tick = tick,
                       .seed = random_(),
                       .guards = guards_});
    host->start();
    hosts_[id] = std::move(host);
}

void StaleCluster::end_host(const NodeId& id) {
    Host& host = *hosts_.at(id);
    finish(host.end(), host.context());
    hosts_.erase(id);
}

void StaleCluster::start_roamer() {
    if (roamer() == nullptr) start_host(roamer_id());
}

void StaleCluster::end_roamer() {
    if (roamer() != nullptr) end_host(roamer_id());
}

Host* StaleCluster::find(const NodeId& id) {
    const auto host = hosts_.find(id);
    return host == hosts_.end() ? nullptr : host->second.get();
}

Host* StaleCluster::master() {
    for (auto& [id, host] : hosts_) {
        if (host->is_master()) return host.get();
    }
    return nullptr;
}

std::vector<Host*> StaleCluster::residents() {
    std::vector<Host*> hosts;
    for (const NodeId& id : resident_ids) hosts.push_back(find(id));
    return hosts;
}

bool StaleCluster::wait_settled(std::chrono::nanoseconds limit) {
    return drive(limit, [this] {
        Host* ruler = master();
        if (ruler == nullptr || !view().epoch || view().epoch->value.node != ruler->id())
            return false;
        return std::ranges::all_of(hosts_, [this](const auto& item) {
            const NodeId& id = item.first;
            const auto member = view().members.find(id);
            const auto assigned = view().assignments.find(id);
            if (member == view().members.end() || assigned == view().assignments.end())
                return false;
            if (assigned->second.value.incarnation != member->second.value.incarnation)
                return false;
            const orchestrator::Worker* worker = item.second->node().worker();
            return worker != nullptr && (id == roamer_id() || worker->owned() > 0);
        });
    });
}

void StaleCluster::apply_group(int backends) {
    config::GroupSpec group{.name = GroupName("web"), .shard_size = 2};
    group.check = {
        .probe = config::TcpCheck{}, .interval = 100ms, .timeout = 50ms, .rise = 1, .fall = 1};
    for (int i = 1; i <= backends; ++i) {
        const std::string host = fmt::format("10.0.0.{}", i);
        const std::string address = host + ":80";
        group.backends.push_back({.id = BackendId(address), .address = host, .port = 80});
        backends_.try_emplace(address, true);
    }
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    ask(witness_->apply_group(std::move(group)));
}

}  // namespace muster::stale
