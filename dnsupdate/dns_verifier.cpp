#include "dnsupdate/dns_verifier.hpp"

#include "common/base/with_timeout.hpp"
#include "common/observe/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::dnsupdate {

namespace {

asio::awaitable<Result<void>> woken(Signal& signal) {
    co_await signal.wait();
    co_return Result<void>{};
}

void tell_canary(const std::string& server, const CanaryState& state) {
    if (state.health == CanaryState::Health::down) {
        log::warn("dns_server_down", {{"server", server}, {"why", state.wrong}});
    } else {
        log::info("dns_server_up", {{"server", server}});
    }
}

}  // namespace

DnsVerifier::Server::Server(const asio::any_io_executor& executor, config::Endpoint at)
    : endpoint(std::move(at)), wake(executor) {
    state.address = config::to_string(endpoint);
}

DnsVerifier::DnsVerifier(asio::any_io_executor executor,
                         Clock& clock,
                         VerifierSettings settings,
                         Ask ask,
                         std::function<void()> on_change,
                         Listeners listeners)
    : clock_(clock),
      settings_(std::move(settings)),
      ask_(std::move(ask)),
      on_change_(std::move(on_change)),
      listeners_(std::move(listeners)),
      tasks_(executor) {
    for (const config::Endpoint& server : settings_.servers)
        servers_.emplace_back(executor, server);
}

void DnsVerifier::start() {
    const CanarySettings& canary = settings_.canary;
    canary_from_ = clock_.now() + canary.patience;
    for (Server& server : servers_) {
        tasks_.spawn("dns server " + server.state.address, watch(server));
        if (!canary.name.empty())
            tasks_.spawn("dns canary " + server.state.address, ask_canary(server));
    }
}

asio::awaitable<void> DnsVerifier::stop() {
    co_await tasks_.stop();
}

void DnsVerifier::expect(std::map<DnsName, RecordSet> published, const std::set<DnsName>& changed) {
    published_ = std::move(published);
    for (Server& server : servers_) {
        for (const DnsName& name : changed) {
            const SteadyTime now = clock_.now();
            const auto change = server.changed.try_emplace(name, Change{.first = now, .last = now});
            change.first->second.last = now;
            server.state.unseen.try_emplace(name);
        }
        const auto is_over = [&](const DnsName& name) {
            return !published_.contains(name) && !server.changed.contains(name);
        };
        std::erase_if(server.lost, is_over);
        std::erase_if(server.state.unseen, [&](const auto& one) { return is_over(one.first); });
        server.state.waiting = server.changed.size();
        if (!changed.empty()) server.wake.notify();
    }
}

bool DnsVerifier::settled() const {
    return std::ranges::all_of(servers_, [](const Server& one) {
        return one.gave_up || std::ranges::all_of(one.changed, [&](const auto& change) {
                   return one.lost.contains(change.first);
               });
    });
}

std::vector<ServerState> DnsVerifier::servers() const {
    std::vector<ServerState> states;
    for (const Server& server : servers_) states.push_back(server.state);
    return states;
}

asio::awaitable<void> DnsVerifier::watch(Server& server) {
    for (;;) {
        if (!server.changed.empty()) {
            co_await follow_changes(server);
            if (!server.changed.empty()) co_await clock_.sleep_for(settings_.again);
            continue;
        }
        co_await look_round(server);
        if (server.changed.empty())
            (void)co_await with_timeout(clock_, settings_.period, woken(server.wake));
    }
}

/// Every interval, whatever the names do: a server without its store stays silent on it.
asio::awaitable<void> DnsVerifier::ask_canary(Server& server) {
    const CanarySettings& canary = settings_.canary;
    for (SteadyTime next = clock_.now();; next = std::max(next + canary.interval, clock_.now())) {
        co_await clock_.sleep_until(next);
        if (!published_.contains(canary.name) && clock_.now() < canary_from_) continue;
        const SteadyTime asked = clock_.now();
        const Result<DnsAnswer> answer =
            co_await ask_(server.endpoint, canary.name, RecordType::txt, canary.timeout);
        const CanaryState was = std::exchange(
            server.state.canary,
            observe_canary(
                server.state.canary, canary, answer, clock_.now() - asked, clock_.wall()));
        note(server, !server.state.canary.wrong.empty());
        if (server.state.canary.health == was.health) continue;
        tell_canary(server.state.address, server.state.canary);
        on_change_();
    }
}

/// Once through what was written and is not seen yet.
asio::awaitable<void> DnsVerifier::follow_changes(Server& server) {
    std::string wrong;
    const std::map<DnsName, Change> changed = server.changed;
    std::string silence;
    for (const auto& [name, written] : changed) {
        std::string this_wrong = silence;
        if (silence.empty()) {
            const Result<std::string> answer = co_await what_is_wrong(server, name);
            if (!answer) silence = answer.error().message();
            this_wrong = answer ? *answer : silence;
        }
        const auto still = server.changed.find(name);
        if (still == server.changed.end()) continue;
        const SteadyTime now = clock_.now();
        if (this_wrong.empty()) {
            if (still->second.last != written.last) {
                // Written again meanwhile: that is asked for next time.
                still->second.first = still->second.last;
                continue;
            }
            server.state.shown = now - written.last;
            tell(server, name, {});
        } else if (now - written.first >= settings_.limit) {
            ++server.state.given_up;
            server.lost.insert(name);
            server.gave_up = true;
            tell(server, name, this_wrong);
        } else {
            if (wrong.empty()) wrong = std::move(this_wrong);
            continue;
        }
        if (wrong.empty()) wrong = std::move(this_wrong);
        server.changed.erase(still);
    }
    server.state.waiting = server.changed.size();
    // What has just been written isn't there at once: that is no trouble yet.
    if (server.changed.empty()) say(server, std::move(wrong));
    on_change_();
}

void DnsVerifier::tell(Server& server, const DnsName& name, const std::string& wrong) const {
    if (wrong.empty() || !published_.contains(name)) {
        server.state.unseen.erase(name);
    } else {
        server.state.unseen.insert_or_assign(name, wrong);
    }
}

/// Half of what is asked in a round, from where the last one ended.
std::vector<DnsName> DnsVerifier::open_names(const Server& server) const {
    std::set<DnsName> open;
    if (listeners_.open) open = listeners_.open(server.state.address);
    for (const auto& [name, why] : server.state.unseen) open.insert(name);
    std::vector<DnsName> names;
    const std::size_t most = std::min((settings_.names + 1) / 2, open.size());
    for (auto at = open.lower_bound(server.next_open); names.size() < most; ++at) {
        if (at == open.end()) at = open.begin();
        names.push_back(*at);
    }
    return names;
}

asio::awaitable<void> DnsVerifier::look_round(Server& server) {
    std::string wrong;
    std::vector<DnsName> names = open_names(server);
    const std::size_t open = names.size();
    const std::size_t most = open + std::min(settings_.names - open, published_.size());
    for (auto at = published_.lower_bound(server.next); names.size() < most; ++at) {
        if (at == published_.end()) at = published_.begin();
        names.push_back(at->first);
    }
    for (std::size_t i = 0; i < names.size() && server.changed.empty(); ++i) {
        const DnsName& name = names[i];
        (i < open ? server.next_open : server.next) = DnsName(name.str() + '\0');
        const Result<std::string> answer = co_await what_is_wrong(server, name);
        // What is published no more may well be somebody else's now.
        if (wrong.empty() && answer && published_.contains(name)) wrong = *answer;
        if (wrong.empty() && !answer) wrong = answer.error().message();
        if (!answer) break;
        if (!server.changed.contains(name)) tell(server, name, *answer);
    }
    if (!server.changed.empty() || names.empty()) co_return;
    say(server, std::move(wrong));
    on_change_();
}

/// Of one name, all that it should answer; of one that is published no more, that it answers no
/// address. An error: the server doesn't answer.
asio::awaitable<Result<std::string>> DnsVerifier::what_is_wrong(Server& server, DnsName name) {
    const auto known = published_.find(name);
    const bool dropped = known == published_.end();
    const RecordSet wanted = dropped ? RecordSet{} : known->second;
    const SteadyTime asked = clock_.now();
    std::vector<DnsRecord> records;
    std::string wrong;
    bool failed = false;
    for (const RecordType type :
         dropped ? std::vector{RecordType::a, RecordType::aaaa} : types_of(wanted)) {
        Result<DnsAnswer> answer = co_await ask_(server.endpoint, name, type, settings_.timeout);
        server.state.silent = answer ? std::string() : answer.error().message();
        if (!answer) {
            note(server, true);
            co_return tl::unexpected(answer.error());
        }
        if (dropped && answer->code == "NXDOMAIN") answer->code = "NOERROR";
        failed = failed || (answer->code != "NOERROR" && answer->code != "NXDOMAIN");
        const std::string this_wrong = difference(name, wanted, type, *answer);
        if (wrong.empty() && !this_wrong.empty())
            wrong = fmt::format("{} {}: {}", name.str(), to_string(type), this_wrong);
        records.insert(records.end(), answer->records.begin(), answer->records.end());
    }
    // Where there is a canary, that tells better.
    if (failed || settings_.canary.name.empty()) note(server, failed);
    if (!failed && listeners_.answered)
        listeners_.answered(server.state.address, name, records, asked);
    if (wrong.empty()) {
        server.lost.erase(name);
        server.gave_up = false;
    }
    co_return wrong;
}

void DnsVerifier::note(const Server& server, bool fails) {
    if (listeners_.noted) listeners_.noted(server.state.address, fails);
}

void DnsVerifier::say(Server& server, std::string wrong) {
    ServerState& state = server.state;
    const bool first = !std::exchange(state.asked, true);
    if (!first && state.wrong == wrong) return;
    if (first || state.wrong.empty() != wrong.empty()) {
        state.since = clock_.wall();
        if (!wrong.empty()) {
            log::warn("dns_server_wrong", {{"server", state.address}, {"why", wrong}});
        } else if (!first) {
            log::info("dns_server_right", {{"server", state.address}});
        }
    }
    state.wrong = std::move(wrong);
}

}  // namespace muster::dnsupdate
