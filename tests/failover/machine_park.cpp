#include "tests/failover/machine_park.hpp"

#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view root = "/v1/machines";
constexpr std::string_view question = "/can-remove";

std::pair<std::int64_t, std::int64_t> fence_of(std::string_view text) {
    std::istringstream from{std::string(text)};
    std::pair<std::int64_t, std::int64_t> fence;
    char dot = '.';
    from >> fence.first >> dot >> fence.second;
    return fence;
}

MachinePark::Verb verb_of(const std::string& method, const std::string& id, bool asks) {
    using Verb = MachinePark::Verb;
    if (method == "PUT") return Verb::create;
    if (method == "DELETE") return Verb::remove;
    if (asks) return Verb::can_remove;
    return id.empty() ? Verb::list : Verb::get;
}

}  // namespace

MachinePark::MachinePark(Responder& responder, std::size_t first)
    : responder_(responder),
      next_(first),
      server_(context_.get_executor(),
              clock_,
              {.drain_timeout = 10ms},
              [this](http::Request request) { return answer(std::move(request)); }),
      tasks_(context_.get_executor()) {
    for (std::size_t i = first; i < responder.size(); ++i)
        responder_.set(i, Responder::Behaviour::reset);
    if (const auto opened = server_.open(); !opened)
        throw std::runtime_error(opened.error().message());
    tasks_.spawn("machines", server_.run());
    thread_ = std::thread([this] { context_.run(); });
}

MachinePark::~MachinePark() {
    release();
    const auto end = [](MachinePark& park) -> asio::awaitable<void> {
        if (park.store_) co_await park.store_->close();
        co_await park.tasks_.stop();
    };
    asio::co_spawn(context_, end(*this), [](const std::exception_ptr&) {});
    thread_.join();
}

std::string MachinePark::url() const {
    return fmt::format("http://127.0.0.1:{}", server_.port());
}

void MachinePark::join(const std::vector<std::string>& zookeepers,
                       const std::string& digest,
                       const std::string& cluster_uuid) {
    cluster_ = cluster_uuid;
    store_ = std::make_unique<coordination::ZooKeeperStore>(
        context_.get_executor(),
        clock_,
        coordination::ZooKeeperStore::Settings{
            .servers = zookeepers,
            .session_timeout = 20s,
            .digest = digest,
            .acl_from = znodes::Paths("main").agents(),
            .default_acl = {{.scheme = "auth", .id = "", .permissions = 31}}});
    asio::post(context_, [this] { tasks_.spawn("agents' session", store_->run()); });
}

void MachinePark::answer_with(std::function<http::Response(const http::Request&)> more) {
    const std::scoped_lock lock(mutex_);
    more_ = std::move(more);
}

void MachinePark::hold(Verb verb, const std::string& id, When when) {
    const std::scoped_lock lock(mutex_);
    holds_.push_back({.verb = verb, .id = id, .when = when});
}

bool MachinePark::holds(Verb verb, const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    return std::ranges::any_of(
        holds_, [&](const Hold& one) { return one.caught && one.verb == verb && one.id == id; });
}

bool MachinePark::carry_out_late(const std::string& held) {
    const std::scoped_lock lock(mutex_);
    for (const Hold& one : holds_) {
        if (!one.caught || one.id != held || one.when != When::before) continue;
        const std::string& path = one.caught->path;
        return act(*one.caught, one.verb, path.substr(path.rfind('/') + 1)).status < 300;
    }
    return false;
}

void MachinePark::release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
}

void MachinePark::refuse_creates(const std::string& fleet, bool refuse) {
    const std::scoped_lock lock(mutex_);
    refuse ? static_cast<void>(refused_.insert(fleet)) : static_cast<void>(refused_.erase(fleet));
}

void MachinePark::fences(bool on) {
    const std::scoped_lock lock(mutex_);
    fences_ = on;
}

void MachinePark::pretend_age(std::chrono::seconds more) {
    const std::scoped_lock lock(mutex_);
    older_ = more;
}

std::map<std::string, MachinePark::Machine> MachinePark::machines() const {
    const std::scoped_lock lock(mutex_);
    return machines_;
}

std::set<std::string> MachinePark::machines_of(const std::string& fleet) const {
    std::set<std::string> ids;
    for (const auto& [id, machine] : machines())
        if (machine.fleet == fleet) ids.insert(id);
    return ids;
}

std::vector<MachinePark::Done> MachinePark::done() const {
    const std::scoped_lock lock(mutex_);
    return done_;
}

int MachinePark::calls(Verb verb, const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = calls_.find({verb, id});
    return found == calls_.end() ? 0 : found->second;
}

int MachinePark::done_to(Verb verb, const std::string& fleet) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<int>(std::ranges::count_if(
        done_, [&](const Done& one) { return one.verb == verb && one.fleet == fleet; }));
}

std::vector<std::string> MachinePark::violations() const {
    const std::scoped_lock lock(mutex_);
    return violations_;
}

asio::awaitable<http::Reply> MachinePark::answer(http::Request request) {
    if (!request.path.starts_with(root)) {
        const auto more = [&] {
            const std::scoped_lock lock(mutex_);
            return more_;
        }();
        if (more) co_return more(request);
        co_return http::Response::text(404, "what?\n");
    }
    std::string id = request.path.substr(root.size());
    if (!id.empty()) id.erase(0, 1);
    const bool asks = id.ends_with(question);
    if (asks) id.resize(id.size() - question.size());
    const Verb verb = verb_of(request.method, id, asks);
    http::Response response;
    bool held = false;
    {
        const std::scoped_lock lock(mutex_);
        ++calls_[{verb, id}];
        const auto hold = std::ranges::find_if(holds_, [&](const Hold& one) {
            return !one.caught && one.verb == verb &&
                   (one.id == id || one.id == request.query_value("fleet"));
        });
        held = hold != holds_.end();
        if (!held || hold->when == When::after) response = act(request, verb, id);
        if (held) hold->caught = request;
    }
    while (held) {
        co_await clock_.sleep_for(50ms);
        const std::scoped_lock lock(mutex_);
        if (released_) break;
    }
    co_return response;
}

http::Response MachinePark::act(const http::Request& request, Verb verb, const std::string& id) {
    const std::string fleet(request.query_value("fleet").value_or(""));
    if (verb == Verb::create || verb == Verb::remove) {
        const auto fence = fence_of(request.field("Muster-Fence").value_or(""));
        if (fences_ && fence < fence_) return http::Response::text(412, "an old master\n");
        fence_ = std::max(fence_, fence);
    }
    switch (verb) {
        case Verb::list: {
            json::array all;
            for (const auto& [name, machine] : machines_)
                if (machine.fleet == fleet) all.push_back(json::parse(describe(machine)));
            return http::Response::json(
                200, json::serialize(json::object{{"complete", true}, {"machines", all}}));
        }
        case Verb::get:
            if (!machines_.contains(id)) return http::Response::text(404, "none\n");
            return http::Response::json(200, describe(machines_.at(id)));
        case Verb::create:
            if (refused_.contains(fleet)) return http::Response::text(503, "not now\n");
            return create(request, id);
        case Verb::remove:
            return remove(id);
        case Verb::can_remove:
            break;
    }
    return http::Response::text(204, "");
}

http::Response MachinePark::create(const http::Request& request, const std::string& id) {
    const std::string fleet(request.query_value("fleet").value_or(""));
    const std::string token(json::parse(request.body).at("token").as_string());
    const auto [before, first] = tokens_.emplace(id, token);
    if (before->second != token)
        violations_.push_back(fmt::format("{} has two tokens: {}, {}", id, before->second, token));
    const auto found = machines_.find(id);
    if (found != machines_.end()) {
        if (found->second.token == token) return http::Response::json(200, describe(found->second));
        return http::Response::problem(409, "Conflict", "it has another token");
    }
    if (!first) violations_.push_back(fmt::format("a second machine called {}", id));
    if (next_ == responder_.size()) return http::Response::text(507, "no room\n");
    const Machine machine{.fleet = fleet,
                          .id = id,
                          .token = token,
                          .address = responder_.address(next_++),
                          .made = clock_.wall()};
    machines_.emplace(id, machine);
    done_.push_back({.verb = Verb::create,
                     .fleet = fleet,
                     .id = id,
                     .address = machine.address,
                     .at = machine.made});
    asio::post(context_, [this, machine] {
        tasks_.spawn("boot " + machine.id, enter(machine.fleet, machine.id, machine.address));
    });
    return http::Response::json(201, describe(machine));
}

http::Response MachinePark::remove(const std::string& id) {
    const auto found = machines_.find(id);
    if (found == machines_.end()) return http::Response::text(404, "none\n");
    const Machine machine = found->second;
    machines_.erase(found);
    done_.push_back({.verb = Verb::remove,
                     .fleet = machine.fleet,
                     .id = id,
                     .address = machine.address,
                     .at = clock_.wall()});
    for (std::size_t i = 0; i < responder_.size(); ++i)
        if (responder_.address(i) == machine.address)
            responder_.set(i, Responder::Behaviour::reset);
    asio::post(context_, [this, machine] {
        tasks_.spawn("end of " + machine.id, leave(machine.fleet, machine.id));
    });
    return http::Response::text(204, "");
}

asio::awaitable<void> MachinePark::enter(std::string fleet, std::string id, std::string address) {
    const znodes::Paths paths("main");
    const FleetName of(fleet);
    const std::string path = paths.agent(of, InstanceId(id));
    // Some time, for somebody to be too early.
    co_await clock_.sleep_for(boot);
    for (std::size_t i = 0; i < responder_.size(); ++i)
        if (responder_.address(i) == address) responder_.set(i, Responder::Behaviour::healthy);
    const znodes::AgentReport report{.stamp = {.cluster = cluster_, .writer = id},
                                     .fleet = of,
                                     .instance = InstanceId(id),
                                     .incarnation = id,
                                     .address = address,
                                     .lb = "haproxy",
                                     .accepting = true,
                                     .time = clock_.wall()};
    for (;;) {
        (void)co_await coordination::create(*store_, {.path = paths.agents(of), .data = ""});
        const auto made =
            co_await coordination::create(*store_,
                                          {.path = path,
                                           .data = znodes::encode(report),
                                           .mode = coordination::CreateMode::ephemeral});
        if (made || made.error().code == coordination::Errc::node_exists) break;
        co_await clock_.sleep_for(200ms);
    }
}

asio::awaitable<void> MachinePark::leave(std::string fleet, std::string id) {
    const std::string path = znodes::Paths("main").agent(FleetName(fleet), InstanceId(id));
    // It may still be about to register.
    for (int tries = 0; tries < 10; ++tries) {
        const auto removed = co_await coordination::remove(*store_, {.path = path});
        if (removed) break;
        co_await clock_.sleep_for(200ms);
    }
}

std::string MachinePark::describe(const Machine& machine) const {
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.wall() - machine.made) + older_;
    return json::serialize(json::object{{"id", machine.id},
                                        {"fleet", machine.fleet},
                                        {"token", machine.token},
                                        {"state", "running"},
                                        {"address", machine.address},
                                        {"age_seconds", age.count()}});
}

}  // namespace muster::test
