// What backends say of themselves reaches the rotation: by a header, by an agent, by JSON; by two
// ways at once; and it ends with its lease.
#include "tests/checker/support/answering_server.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using checker::AnsweringServer;

/// A server in a thread of its own, whose words a test changes.
class TalkingServer {
 public:
    /// `form`: of its reply to `words`.
    explicit TalkingServer(std::function<std::string(const std::string&)> form)
        : form_(std::move(form)), server_(context_, [this](int, int, const std::string&) {
              const std::scoped_lock lock(mutex_);
              ++times_said_;
              return AnsweringServer::Answer{form_(words_), AnsweringServer::Answer::Then::close};
          }) {
        thread_ = std::thread([this] { context_.run(); });
    }
    ~TalkingServer() {
        context_.stop();
        thread_.join();
    }
    TalkingServer(const TalkingServer&) = delete;
    TalkingServer& operator=(const TalkingServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    void say(std::string words) {
        const std::scoped_lock lock(mutex_);
        words_ = std::move(words);
        times_said_ = 0;
    }
    /// Whether the newest words were said so often.
    [[nodiscard]] bool has_said(int times) {
        const std::scoped_lock lock(mutex_);
        return times_said_ >= times;
    }

 private:
    asio::io_context context_{1};
    std::mutex mutex_;
    std::string words_ = "up";
    int times_said_ = 0;
    std::function<std::string(const std::string&)> form_;
    AnsweringServer server_;
    std::thread thread_;
};

std::string reply(const std::string& field, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + field +
           "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

struct Seen {
    bool in = false;
    std::int64_t weight = 0;
    std::string reason;
    std::string said;
};
Seen rotation_of(Cluster& cluster, const std::string& backend) {
    Seen seen;
    const auto answer = cluster.get(0, "/api/v1/backends/web/" + backend);
    if (answer.status != 200) return seen;
    const auto body = boost::json::parse(answer.body);
    const auto& rotation = body.at("backend").at("rotation");
    seen.in = rotation.at("in").as_bool();
    seen.weight = rotation.at("weight").to_number<std::int64_t>();
    seen.reason = rotation.at("reason").as_string();
    const auto& intent = body.at("backend").at("intent");
    if (const auto* const map = intent.if_object(); map != nullptr && map->contains("reason"))
        seen.said = map->at("reason").as_string();
    return seen;
}

TEST(Intent, OfBackendsReachesTheRotationAndEndsWithItsLease) {
    TalkingServer header(
        [](const std::string& words) { return reply("X-State: " + words + "\r\n", ""); });
    TalkingServer body([](const std::string& words) {
        return reply("", R"({"health":{"state":")" + words + "\"}}");
    });
    TalkingServer plain([](const std::string&) { return reply("", ""); });
    TalkingServer agent([](const std::string& words) { return words + "\n"; });

    Cluster cluster({.zookeepers = 1, .nodes = 1});
    config::GroupSpec group{.name = GroupName("web")};
    group.check = {.interval = 200ms, .timeout = 200ms};
    group.check.intent = config::IntentSource{
        .header = "X-State", .json_pointer = "/health", .json = true, .ttl = 2s};
    group.panic_enter_percent = 0;
    group.panic_exit_percent = 0;
    const auto backend = [](const std::string& name, std::uint16_t port) {
        return config::Backend{.id = BackendId(name), .address = "127.0.0.1", .port = port};
    };
    group.backends = {backend("agent", plain.port()),
                      backend("body", body.port()),
                      backend("both", header.port()),
                      backend("header", header.port())};
    config::BackendCheck with_agent{.check = group.check};
    with_agent.check.intent = config::IntentSource{.agent_port = agent.port(),
                                                   .agent_send = "state?\r\n\r\n",
                                                   .agent_interval = 200ms,
                                                   .ttl = 2s};
    const std::string agent_fields = R"("agent":{"port":)" + std::to_string(agent.port()) +
                                     R"(,"send":"state?\r\n\r\n","interval":"200ms"},"ttl":"2s"}})";
    with_agent.fields = R"({"intent":{)" + agent_fields;
    config::IntentSource both = *with_agent.check.intent;
    both.header = "X-State";
    config::BackendCheck with_both{.fields = R"({"intent":{"header":"X-State",)" + agent_fields,
                                   .check = group.check};
    with_both.check.intent = both;
    group.backends[0].check = with_agent;
    group.backends[2].check = with_both;
    cluster.apply(group);
    const auto expect = [&](const std::string& name, bool in, int weight, const char* reason) {
        Seen seen;
        EXPECT_TRUE(eventually(20s,
                               [&] {
                                   seen = rotation_of(cluster, name);
                                   return seen.in == in && seen.weight == weight &&
                                          seen.reason == reason;
                               }))
            << name << ": " << seen.in << " " << seen.weight << " " << seen.reason;
    };
    for (const char* name : {"agent", "body", "both", "header"}) expect(name, true, 100, "healthy");

    header.say("30% #busy");
    body.say("drain");
    agent.say("maint");
    expect("header", true, 30, "own_weight");
    EXPECT_EQ(rotation_of(cluster, "header").said, "busy");
    expect("body", false, 0, "own_drain");
    expect("agent", false, 0, "own_maintenance");
    expect("both", false, 0, "own_maintenance");

    // A reply replaces what was said before; an agent takes it back itself.
    header.say("up");
    body.say("down");
    agent.say("50%");
    expect("header", true, 100, "healthy");
    expect("body", false, 0, "own_down");
    expect("agent", false, 0, "own_maintenance");
    expect("both", false, 0, "own_maintenance");
    // Nothing shows that the share was heard: two ask, each in its turn.
    ASSERT_TRUE(eventually(10s, [&] { return agent.has_said(6); }));
    agent.say("ready");
    expect("agent", true, 50, "own_weight");
    expect("both", true, 50, "own_weight");

    // Who says nothing any more is left alone after its time.
    header.say("drain");
    expect("header", false, 0, "own_drain");
    expect("both", false, 0, "own_drain");
    header.say("");
    expect("header", true, 100, "healthy");
    expect("both", true, 50, "own_weight");
}

}  // namespace
}  // namespace muster::test
