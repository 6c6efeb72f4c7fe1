// The network of a MemoryEnsemble: links, their delays, and the faults that can be ordered.

#include "common/coordination/memory_ensemble.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace muster::coordination {

namespace {

/// A delivery has no owner to report to: a failure of it is the program's. It ends with the clock
/// that it sleeps on, and looks whether the ensemble still lives.
constexpr auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
};

/// Detached on purpose: a delivery belongs to the network, not to a task. It holds all that it
/// needs, and finds out whether the ensemble still lives.
asio::awaitable<void> call_at(Clock& clock, SteadyTime when, std::function<void()> action) {
    co_await clock.sleep_until(when);
    action();
}

}  // namespace

// --- links ---------------------------------------------------------------------------------------

MemoryLinkPtr MemoryEnsemble::open_link(const std::string& client,
                                        MemoryLinkOwner& owner,
                                        ConnectMessage message) {
    auto link = std::make_shared<MemoryLink>();
    link->client = client;
    link->owner = &owner;
    auto& links = wire(client).links;
    std::erase_if(links, [](const auto& l) { return l.expired(); });
    links.push_back(link);
    push(link, &MemoryLink::to_server, ToServer(std::move(message)));
    return link;
}

void MemoryEnsemble::send_to_server(const MemoryLinkPtr& link, RequestMessage request) {
    push(link, &MemoryLink::to_server, ToServer(std::move(request)));
}

void MemoryEnsemble::close_by_client(const MemoryLinkPtr& link) {
    link->owner = nullptr;
}

void MemoryEnsemble::send_to_client(const MemoryLinkPtr& link, ToClient message) {
    if (link->server_open) push(link, &MemoryLink::to_client, std::move(message));
}

void MemoryEnsemble::close_by_server(const MemoryLinkPtr& link) {
    if (!link->server_open) return;
    send_to_client(link, ClosedMessage{});
    link->server_open = false;
    forget_watches(link.get());
    const auto session = sessions_.find(link->session);
    if (session != sessions_.end() && session->second.link == link) session->second.link.reset();
}

template <class Message>
void MemoryEnsemble::push(const MemoryLinkPtr& link,
                          Direction<Message> direction,
                          Message message) {
    auto& channel = (*link).*direction;
    const Latency& latency = wire(link->client).latency;
    SteadyTime arrives = clock_.now();
    if (latency) arrives += latency();
    if (!channel.items.empty()) arrives = std::max(arrives, channel.items.back().arrives);
    channel.items.push_back({.arrives = arrives, .message = std::move(message)});
    schedule(link, direction);
}

template <class Message>
void MemoryEnsemble::schedule(const MemoryLinkPtr& link, Direction<Message> direction) {
    auto& channel = (*link).*direction;
    if (channel.scheduled || channel.items.empty() || !passes(*link, direction)) return;
    channel.scheduled = true;
    auto deliver_due = [this, alive = std::weak_ptr<bool>(alive_), link, direction] {
        if (!alive.expired()) pump(link, direction);
    };
    if (channel.items.front().arrives <= clock_.now()) {
        asio::post(executor_, std::move(deliver_due));
    } else {
        asio::co_spawn(executor_,
                       call_at(clock_, channel.items.front().arrives, std::move(deliver_due)),
                       rethrow);
    }
}

template <class Message>
void MemoryEnsemble::pump(const MemoryLinkPtr& link, Direction<Message> direction) {
    auto& channel = (*link).*direction;
    channel.scheduled = false;
    const SteadyTime now = clock_.now();
    while (!channel.items.empty() && channel.items.front().arrives <= now &&
           passes(*link, direction)) {
        Message message = std::move(channel.items.front().message);
        channel.items.pop_front();
        deliver(link, std::move(message));
    }
    schedule(link, direction);
}

bool MemoryEnsemble::passes(const MemoryLink& link, Direction<ToServer> /*there*/) {
    return !wire(link.client).cut;
}

bool MemoryEnsemble::passes(const MemoryLink& link, Direction<ToClient> /*back*/) {
    const Wire& w = wire(link.client);
    return !w.cut && !w.paused;
}

void MemoryEnsemble::deliver(const MemoryLinkPtr& link, ToServer message) {
    if (!link->server_open) return;
    if (auto* connect = std::get_if<ConnectMessage>(&message)) {
        // A connection that the client has given up before it stood never comes to be.
        if (link->owner != nullptr) serve_connect(link, *connect);
    } else {
        serve_request(link, std::get<RequestMessage>(message));
    }
}

void MemoryEnsemble::deliver(const MemoryLinkPtr& link, ToClient message) {
    if (link->owner != nullptr) link->owner->on_message(std::move(message));
}

// --- faults --------------------------------------------------------------------------------------

template <class Action>
void MemoryEnsemble::for_each_link(const std::string& client, Action action) {
    // A copy: what an action sets off may open another link.
    const std::vector<std::weak_ptr<MemoryLink>> links = wire(client).links;
    for (const auto& weak : links)
        if (const MemoryLinkPtr link = weak.lock()) action(link);
}

void MemoryEnsemble::let_pass(const std::string& client) {
    for_each_link(client, [this](const MemoryLinkPtr& link) {
        schedule(link, &MemoryLink::to_server);
        schedule(link, &MemoryLink::to_client);
    });
}

void MemoryEnsemble::set_latency(const std::string& client, Latency latency) {
    wire(client).latency = std::move(latency);
}

void MemoryEnsemble::cut(const std::string& client, std::chrono::nanoseconds noticed_after) {
    Wire& w = wire(client);
    w.cut = true;
    const std::uint64_t number = ++w.cuts;
    auto notice = [this, alive = std::weak_ptr<bool>(alive_), client, number] {
        if (alive.expired()) return;
        const Wire& now = wire(client);
        if (!now.cut || now.cuts != number) return;
        for_each_link(client, [](const MemoryLinkPtr& link) {
            if (link->owner != nullptr) link->owner->on_connection_lost();
        });
    };
    if (noticed_after <= std::chrono::nanoseconds::zero()) {
        asio::post(executor_, std::move(notice));
    } else {
        asio::co_spawn(
            executor_, call_at(clock_, clock_.now() + noticed_after, std::move(notice)), rethrow);
    }
}

void MemoryEnsemble::heal(const std::string& client) {
    wire(client).cut = false;
    let_pass(client);
}

void MemoryEnsemble::lose_next_reply(const std::string& client) {
    wire(client).lose_next_reply = true;
}

void MemoryEnsemble::disconnect(const std::string& client) {
    for_each_link(client, [this](const MemoryLinkPtr& link) { close_by_server(link); });
}

void MemoryEnsemble::pause(const std::string& client) {
    wire(client).paused = true;
}

void MemoryEnsemble::resume(const std::string& client) {
    wire(client).paused = false;
    let_pass(client);
    for_each_link(client, [](const MemoryLinkPtr& link) {
        if (link->owner != nullptr) link->owner->on_resumed();
    });
}

bool MemoryEnsemble::is_paused(const std::string& client) const {
    const auto found = wires_.find(client);
    return found != wires_.end() && found->second.paused;
}

void MemoryEnsemble::expire(const std::string& client) {
    if (const Session* session = session_of(client)) end_session(session->info.id);
}

void MemoryEnsemble::stop_serving() {
    serving_ = false;
    for (auto& [client, w] : wires_) disconnect(client);
}

void MemoryEnsemble::serve() {
    serving_ = true;
    for (auto& [id, session] : sessions_) touch(session);
}

}  // namespace muster::coordination
