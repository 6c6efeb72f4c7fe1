// The API and its dashboard on a made-up cluster, for the browser test and for a look by eye:
// prints "listening PORT", then obeys lines on stdin until it ends:
//   down GROUP BACKEND | up GROUP BACKEND | master NODE | lose NODE | pause | resume | silence |
//   speak | hostile | many COUNT | catch-up LB | lose-lb LB | scaled | scaling-stops | no-notes |
//   scaled-lb-down
#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "orchestrator/api.hpp"
#include "orchestrator/transitions.hpp"
#include "tests/api/example_cluster.hpp"
#include "tests/api/recorded_commands.hpp"
#include "tests/browser/showcase_cluster.hpp"
#include "tests/browser/showcase_scaling.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using namespace orchestrator;

/// The made-up cluster: each change becomes a snapshot, with the events that lie between the two.
class Stage {
 public:
    Stage(SnapshotSlot& slot, Clock& clock)
        : slot_(slot), clock_(clock), shown_(showcase_snapshot(clock.now(), clock.wall())) {}

    void publish(Snapshot next) {
        next.number = shown_.number + 1;
        next.built = clock_.now();
        next.time = clock_.wall();
        if (!silent_) next.session.confirmed = clock_.now();
        next.events = append_events(next.events, transitions(shown_, next));
        shown_ = std::move(next);
        slot_.publish(std::make_shared<const Snapshot>(shown_));
    }

    /// Whoever of the nodes is asked, this process answers.
    void answer_for_all_at(const std::string& address) {
        Snapshot next = shown_;
        for (NodeRow& node : next.nodes) node.api_address = address;
        publish(std::move(next));
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string verb;
        std::string first;
        std::string second;
        words >> verb >> first >> second;
        Snapshot next = shown_;
        if (verb == "down" || verb == "up") set_verdict(next, first, second, verb == "down");
        if (verb == "master") next.cluster.master->node = NodeId(first);
        if (verb == "lose")
            std::erase_if(next.nodes, [&](const NodeRow& n) { return n.id.str() == first; });
        if (verb == "catch-up") catch_up(next, first);
        if (verb == "lose-lb")
            std::erase_if(next.agents,
                          [&](const AgentRow& a) { return a.instance.str() == first; });
        if (verb == "pause") next.cluster.pause.all = true;
        if (verb == "resume") next.cluster.pause.all = false;
        if (verb == "hostile") make_hostile(next);
        if (verb == "scaled") settle_scaling(next, clock_.wall());
        if (verb == "scaling-stops") stop_scaling(next, clock_.wall());
        if (verb == "scaled-lb-down") lose_scaled_lb(next, clock_.wall());
        if (verb == "no-notes") next.notes.reset();
        if (verb == "many") fill(next, std::stoi(first));
        if (verb == "silence" || verb == "speak") silent_ = verb == "silence";
        if (verb == "silence") {
            next.session.state = coordination::SessionState::lost;
            next.session.confirmed = clock_.now() - 34s;
        }
        if (verb == "speak") next.session.state = coordination::SessionState::connected;
        publish(std::move(next));
    }

    [[nodiscard]] const Snapshot& shown() const { return shown_; }

 private:
    void set_verdict(Snapshot& next,
                     const std::string& group_name,
                     const std::string& id,
                     bool down) {
        GroupRow group = group_of(next, group_name);
        BackendRow& backend = backend_of(group, id);
        backend.verdict = down ? znodes::Letter::down : znodes::Letter::up;
        backend.reason = down ? "L4CON" : "L7OK";
        backend.since = clock_.wall();
        backend.in_rotation = !down;
        backend.rotation_reason =
            down ? znodes::RotationReason::down : znodes::RotationReason::healthy;
        put_group(next, std::move(group));
    }

    static void catch_up(Snapshot& next, const std::string& instance) {
        for (AgentRow& agent : next.agents) {
            if (agent.instance.str() != instance) continue;
            for (AgentGroupRow& group : agent.groups) group.generation = group.newest;
            agent.behind.clear();
            agent.behind_since = {};
            agent.error.clear();
        }
    }

    static void fill(Snapshot& next, int count) {
        GroupRow group = group_of(next, "static");
        const BackendRow pattern = group.backends.front();
        for (int i = 0; i < count; ++i) {
            group.backends.push_back(pattern);
            group.backends.back().id = BackendId(fmt::format("static-x{:06}", i));
        }
        put_group(next, std::move(group));
    }

    SnapshotSlot& slot_;
    Clock& clock_;
    Snapshot shown_;
    bool silent_ = false;
};

class StageCommands final : public RecordedCommands {
 public:
    StageCommands(Clock& clock, const Stage& stage)
        : RecordedCommands(clock), clock_(clock), stage_(stage) {}

    [[nodiscard]] asio::awaitable<Result<Evidence>> why(GroupName group,
                                                        BackendId backend) override {
        const GroupRow* row = stage_.shown().group(group);
        const BackendRow* found = row->backend(backend);
        const ShardRow* shard = row->shard(found->shard);
        co_return showcase_evidence(
            *found, shard != nullptr ? shard->owner : NodeId(), clock_.wall());
    }

 private:
    Clock& clock_;
    const Stage& stage_;
};

asio::awaitable<void> obey_stdin(asio::any_io_executor executor, Stage& stage) {
    asio::posix::stream_descriptor input(executor, ::dup(STDIN_FILENO));
    std::string pending;
    while (true) {
        boost::system::error_code error;
        const std::size_t length =
            co_await asio::async_read_until(input,
                                            asio::dynamic_buffer(pending),
                                            '\n',
                                            asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        stage.obey(pending.substr(0, length - 1));
        pending.erase(0, length);
    }
}

asio::awaitable<void> go_on(Stage& stage, Clock& clock) {
    while (true) {
        stage.publish(stage.shown());
        co_await clock.sleep_for(500ms);
    }
}

asio::awaitable<void> serve(http::Server& server, Stage& stage, Clock& clock) {
    TaskGroup group(co_await asio::this_coro::executor);
    group.spawn("server", server.run());
    group.spawn("stage", go_on(stage, clock));
    co_await obey_stdin(group.executor(), stage);
    co_await group.stop();
}

int run(const char* token) {
    asio::io_context context(1);
    AsioClock clock;
    SnapshotSlot slot;
    Stage stage(slot, clock);
    StageCommands commands(clock, stage);
    ApiSettings settings;
    settings.access = {.loopback_bind = *token == '\0', .token = token};
    Api api(slot, commands, clock, settings);
    http::Server server(context.get_executor(), clock, {}, [&](http::Request request) {
        return api.handle(std::move(request));
    });
    if (const auto opened = server.open(); !opened) {
        std::cerr << opened.error().message() << '\n';
        return 1;
    }
    stage.answer_for_all_at(fmt::format("127.0.0.1:{}", server.port()));
    std::cout << "listening " << server.port() << std::endl;
    asio::co_spawn(context, serve(server, stage, clock), [](const std::exception_ptr&) {});
    context.run();
    return 0;
}

}  // namespace
}  // namespace muster::test

/// With an argument: as if bound beyond loopback, with that token.
int main(int argc, char** argv) {
    return muster::test::run(argc > 1 ? argv[1] : "");
}
