#include "orchestrator/dns_duty.hpp"

#include "common/observe/log.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/dns_canary.hpp"
#include "orchestrator/dns_mark.hpp"
#include "orchestrator/dns_wishes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace muster::orchestrator {

using dnsupdate::StoreMark;
using dnsupdate::Token;

namespace {

constexpr std::chrono::milliseconds retry{500};
/// Of the updaters, which write the same znode: another's write is no reason to give up.
constexpr int keep_attempts = 5;
constexpr std::size_t most_told = 100;

std::string canary_text(const std::string& uuid) {
    return "muster/" + uuid;
}

dnsupdate::UpdaterSettings updater_settings(const DnsStore& store,
                                            std::size_t stores,
                                            const config::DnsSettings& dns,
                                            const std::string& uuid,
                                            const std::string& nonce) {
    dnsupdate::UpdaterSettings settings{
        .seed = std::hash<std::string>{}(nonce + store.provider->name())};
    settings.verifier.canary = {.name = dnsupdate::DnsName(store.holding.canary),
                                .text = canary_text(uuid)};
    settings.verifier.servers = store.servers;
    settings.max_last_good_bytes = dnsupdate::last_good_share(stores);
    settings.drain.stale_window = std::chrono::ceil<std::chrono::seconds>(dns.stale_window);
    settings.drain.stale_always = dns.stale_always;
    return settings;
}

}  // namespace

/// One term of office.
struct DnsDuty::Term {
    struct Part {
        DnsStore store;
        std::unique_ptr<dnsupdate::DnsUpdater> updater;
    };

    void cancel() {
        for (const Part& part : parts) part.updater->cancel();
    }
    void look() {
        for (const Part& part : parts) part.updater->look();
    }
    asio::awaitable<void> stop() {
        cancel();
        for (const Part& part : parts) co_await part.updater->stop();
    }

    Token token;
    std::vector<Part> parts;
};

DnsDuty::DnsDuty(asio::any_io_executor executor,
                 coordination::Store& store,
                 Clock& clock,
                 Node& node,
                 DnsDutySettings settings,
                 Node::NewGuid new_guid,
                 std::function<bool()> paused,
                 std::function<void()> on_change)
    : store_(store),
      clock_(clock),
      node_(node),
      settings_(std::move(settings)),
      new_guid_(std::move(new_guid)),
      paused_(std::move(paused)),
      on_change_(std::move(on_change)),
      tasks_(executor),
      wake_(executor) {}

DnsDuty::~DnsDuty() = default;

void DnsDuty::start() {
    tasks_.spawn("dns", run());
}

asio::awaitable<void> DnsDuty::stop() {
    if (term_) term_->cancel();
    co_await tasks_.stop();
    if (term_) co_await term_->stop();
}

std::optional<Token> DnsDuty::token() const {
    const Election* const election = node_.election();
    const auto& control = node_.view().control;
    if (election == nullptr || !election->office() || !control || wanted_.empty())
        return std::nullopt;
    return Token{.era = control->value.era, .epoch = election->office()->epoch};
}

bool DnsDuty::may_write(const Token& by) const {
    return token() == by && node_.election()->may_act(clock_.now());
}

void DnsDuty::look() {
    if (term_ && token() != term_->token) {
        term_->cancel();
    } else if (term_) {
        term_->look();
        return;
    }
    wake_.notify();
}

void DnsDuty::take(const Snapshot& snapshot) {
    const bool settled = node_.settled();
    if (!settled && wanted_.empty()) return;
    bool same = true;
    std::vector<std::string> problems;
    for (const config::DnsView& view : views_of(settings_.dns)) {
        dnsupdate::DesiredRecords wishes =
            dns_wishes(node_.view(),
                       snapshot,
                       published_zones(settings_.dns),
                       settings_.dns.allowed_addresses,
                       settled,
                       {.name = view.name, .fallback = view.fallback});
        problems.insert(problems.end(), wishes.problems.begin(), wishes.problems.end());
        const auto known = wanted_.find(view.name);
        same = same && known != wanted_.end() && known->second.desired == wishes.desired;
        wanted_.insert_or_assign(view.name, std::move(wishes));
    }
    tell(problems);
    if (!same) look();
}

void DnsDuty::tell(const std::vector<std::string>& problems) {
    std::set<std::string> now;
    for (const std::string& problem : problems) {
        if (now.size() == most_told) break;
        const bool is_new = now.insert(problem).second && !told_.contains(problem);
        // All nodes have the same; one is enough to say so.
        if (is_new && term_) log::warn("dns_problem", {{"what", problem}});
    }
    if (term_) told_ = std::move(now);
}

dnsupdate::DesiredRecords DnsDuty::wanted_of(const DnsHolding& holding) const {
    dnsupdate::DesiredRecords wishes = share_of(holding.zones, wanted_.at(holding.view));
    if (!holding.canary.empty())
        wishes.desired.sets.insert_or_assign(
            dnsupdate::DnsName(holding.canary),
            dnsupdate::canary_set(canary_text(node_.view().cluster())));
    return wishes;
}

std::map<std::string, dnsupdate::DesiredRecords> DnsDuty::wanted() const {
    std::map<std::string, dnsupdate::DesiredRecords> all;
    if (!term_) return all;
    for (const Term::Part& part : term_->parts)
        all.emplace(part.store.provider->name(), wanted_of(part.store.holding));
    return all;
}

dnsupdate::OutOfDns DnsDuty::out_of_dns(const FleetName& fleet, const InstanceId& instance) const {
    const dnsupdate::MemberId member = dnsupdate::member_id(fleet, instance);
    if (!term_ || token() != term_->token) return {.why = "this node does not publish names now"};
    for (const auto& [view, wishes] : wanted_) {
        for (const auto& [name, set] : wishes.desired.sets) {
            if (set.records.members.contains(member) || set.resting.contains(member))
                return {.why = fmt::format("{} is to be answered with it", name.str()),
                        .published = true};
        }
    }
    dnsupdate::OutOfDns result{.out = true, .why = {}};
    for (const Term::Part& part : term_->parts) {
        dnsupdate::OutOfDns here = part.updater->out_of_dns(member);
        if (here.out) continue;
        here.why = part.store.provider->name() + ": " + here.why;
        here.left = std::max(here.left, result.left);
        here.published = here.published || result.published;
        result = std::move(here);
    }
    return result;
}

bool DnsDuty::publishes() const {
    return term_ && token() == term_->token &&
           std::ranges::all_of(term_->parts, [](const Term::Part& part) {
               return part.updater->status().stage == dnsupdate::Stage::publishing;
           });
}

std::shared_ptr<const DnsRow> DnsDuty::row() const {
    auto row = std::make_shared<DnsRow>();
    row->zones = published_zones(settings_.dns);
    if (!term_) return row;
    for (const Term::Part& part : term_->parts) row->stores.push_back(part.updater->status());
    return row;
}

std::vector<std::string> DnsDuty::stores() const {
    std::vector<std::string> names;
    if (!term_ || token() != term_->token) return names;
    for (const Term::Part& part : term_->parts) names.push_back(part.store.provider->name());
    return names;
}

bool DnsDuty::holds(const std::string& store, const dnsupdate::DnsName& name) const {
    return term_ && std::ranges::any_of(term_->parts, [&](const Term::Part& part) {
               return part.store.provider->name() == store &&
                      orchestrator::holds(part.store.holding.zones, name.str());
           });
}

dnsupdate::DnsUpdater* DnsDuty::updater(const std::string& store) {
    if (!term_ || token() != term_->token) return nullptr;
    for (const Term::Part& part : term_->parts)
        if (part.store.provider->name() == store) return part.updater.get();
    return nullptr;
}

asio::awaitable<void> DnsDuty::run() {
    for (;;) {
        co_await wake_.wait();
        if (term_ && token() != term_->token) {
            co_await term_->stop();
            term_.reset();
            on_change_();
        }
        if (const auto now = token(); now && !term_) co_await begin(*now);
    }
}

asio::awaitable<void> DnsDuty::begin(Token by) {
    const Result<znodes::DnsState> state = co_await kept();
    if (!state) {
        log::warn("dns_state_unread", {{"why", state.error().message()}});
        co_await clock_.sleep_for(retry);
        wake_.notify();
        co_return;
    }
    known_ = *state;
    if (token() != by) co_return wake_.notify();
    auto term = std::make_unique<Term>(by);
    const std::string nonce = new_guid_();
    const std::string uuid = node_.view().cluster();
    std::vector<DnsStore> stores = make_dns_stores(clock_, settings_, uuid);
    std::set<std::string> views;
    for (const DnsStore& store : stores)
        if (store.etcd) views.insert(store.provider->name());
    const auto made_for_all_views = std::make_shared<bool>(false);
    for (DnsStore& store : stores) {
        dnsupdate::UpdaterLinks links = links_of(store, by);
        if (store.etcd) links.fence_was_made = made_for_all_views;
        auto updater = std::make_unique<dnsupdate::DnsUpdater>(
            tasks_.executor(),
            clock_,
            *store.provider,
            updater_settings(store, stores.size(), settings_.dns, uuid, nonce),
            std::move(links),
            dnsupdate::Fence{.token = by, .nonce = nonce},
            mark_in(*state, store.provider->name(), views));
        term->parts.push_back({.store = std::move(store), .updater = std::move(updater)});
    }
    term_ = std::move(term);
    for (const Term::Part& part : term_->parts) part.updater->start();
}

dnsupdate::UpdaterLinks DnsDuty::links_of(const DnsStore& store, Token by) {
    return {.wanted = [this, holding = store.holding] { return wanted_of(holding); },
            .may_write = [this, by] { return may_write(by); },
            .paused =
                [this] {
                    const znodes::Pause& pause = node_.view().control->value.pause;
                    return pause.all || pause.dns || paused_();
                },
            .deposed = [this] { node_.doubt_office(); },
            .keep = [this, by, name = store.provider->name()](
                        StoreMark mark) { return keep(name, by, mark); },
            .ask =
                [this](config::Endpoint server,
                       dnsupdate::DnsName name,
                       dnsupdate::RecordType type,
                       std::chrono::nanoseconds timeout) {
                    return dnsupdate::ask(
                        clock_, std::move(server), std::move(name), type, timeout);
                },
            .on_change = [this] { on_change_(); }};
}

asio::awaitable<Result<znodes::DnsState>> DnsDuty::kept() {
    const Result<coordination::Node> node =
        co_await store_.get(node_.paths().dns_state(), coordination::Watch::none);
    if (!node) {
        // A tree that an earlier build has made.
        if (node.error().code == make_error_code(coordination::Errc::no_node))
            co_return znodes::DnsState{};
        co_return tl::unexpected(node.error());
    }
    Result<znodes::DnsState> state =
        znodes::decode<znodes::DnsState>(node->data, node_.view().cluster());
    // Garbage is written over. Not to know more is no danger: a fence that is there is compared.
    if (!state) {
        log::warn("dns_state_unread", {{"why", state.error().message()}});
        co_return znodes::DnsState{};
    }
    co_return state;
}

asio::awaitable<bool> DnsDuty::keep(std::string store, Token by, StoreMark mark) {
    Kept kept = Kept::moved;
    for (int attempt = 0; attempt < keep_attempts && kept == Kept::moved; ++attempt)
        kept = co_await keep_once(store, by, mark);
    co_return kept == Kept::yes;
}

asio::awaitable<DnsDuty::Kept> DnsDuty::keep_once(const std::string& store,
                                                  Token by,
                                                  StoreMark mark) {
    const znodes::Paths& paths = node_.paths();
    const std::string cluster = node_.view().cluster();
    const Result<coordination::Node> node =
        co_await store_.get(paths.dns_state(), coordination::Watch::none);
    Result<znodes::DnsState> read = znodes::DnsState{};
    std::vector<coordination::Op> ops{coordination::CheckOp{
        .path = paths.epoch(), .version = static_cast<std::int32_t>(by.epoch)}};
    if (node) {
        read = znodes::decode<znodes::DnsState>(node->data, cluster);
    } else if (node.error().code == make_error_code(coordination::Errc::no_node)) {
        read = tl::unexpected(node.error());
    } else {
        co_return Kept::no;
    }
    znodes::DnsState state = state_to_extend(read, known_, store);
    state.stamp = {.cluster = cluster,
                   .token = by.epoch,
                   .writer = node_.identity().node.str(),
                   .sequence = state.stamp.sequence + 1};
    std::set<std::string> configured;
    if (term_)
        for (const Term::Part& part : term_->parts) configured.insert(part.store.provider->name());
    const auto next = with_mark(std::move(state), store, mark, configured);
    if (!next) co_return Kept::yes;
    std::string data = znodes::encode(*next);
    if (node) {
        ops.emplace_back(coordination::SetOp{
            .path = paths.dns_state(), .data = std::move(data), .version = node->stat.version});
    } else {
        const auto parent = co_await store_.exists(paths.dns(), coordination::Watch::none);
        if (!parent) co_return Kept::no;
        if (!*parent) ops.emplace_back(coordination::CreateOp{.path = paths.dns()});
        ops.emplace_back(
            coordination::CreateOp{.path = paths.dns_state(), .data = std::move(data)});
    }
    if (!may_write(by)) co_return Kept::no;
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (outcome.ok()) {
        known_ = *next;
        co_return Kept::yes;
    }
    if (outcome.fenced_off()) {
        node_.doubt_office();
    } else if (outcome.error == make_error_code(coordination::Errc::bad_version) ||
               outcome.error == make_error_code(coordination::Errc::node_exists)) {
        co_return Kept::moved;
    }
    log::warn("dns_state_not_kept", {{"why", outcome.error.message()}});
    co_return Kept::no;
}

}  // namespace muster::orchestrator
