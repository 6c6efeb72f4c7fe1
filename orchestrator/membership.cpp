#include "orchestrator/membership.hpp"

#include "common/observe/log.hpp"

#include <utility>

namespace muster::orchestrator {

namespace {

coordination::PresenceSettings presence_of(const znodes::Paths& paths, const znodes::Member& self) {
    const auto read = [cluster = self.stamp.cluster](const std::string& data) {
        return znodes::decode<znodes::Member>(data, cluster);
    };
    return {.path = paths.member(self.node),
            .is_ours =
                [read, incarnation = self.incarnation](const std::string& data) {
                    const Result<znodes::Member> other = read(data);
                    return other && other->incarnation == incarnation;
                },
            .on_taken =
                [read, node = self.node](const std::string& data) {
                    const Result<znodes::Member> other = read(data);
                    log::warn("node_name_taken",
                              {{"node", node.str()},
                               {"by", other ? other->incarnation : "an unreadable entry"},
                               {"advice",
                                "waiting for it to leave; give each musterd a name of its own"}});
                }};
}

}  // namespace

Membership::Membership(asio::any_io_executor executor,
                       coordination::Store& store,
                       Clock& clock,
                       const znodes::Paths& paths,
                       znodes::Member self)
    : self_(std::move(self)),
      presence_(std::move(executor), store, clock, presence_of(paths, self_)) {}

void Membership::start() {
    presence_.start(znodes::encode(self_));
}

asio::awaitable<void> Membership::stop() {
    co_await presence_.stop();
}

void Membership::set_drain(bool drain) {
    if (std::exchange(self_.drain, drain) != drain) tell();
}

void Membership::set_doubt(bool doubt) {
    if (std::exchange(self_.doubt, doubt) != doubt) tell();
}

void Membership::tell() {
    ++self_.stamp.sequence;
    presence_.set(znodes::encode(self_));
}

}  // namespace muster::orchestrator
