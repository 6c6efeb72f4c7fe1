#include "orchestrator/dns_duty.hpp"

#include "common/config/endpoint.hpp"
#include "common/observe/log.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/dns_canary.hpp"
#include "dnsupdate/etcd_provider.hpp"
#include "orchestrator/dns_wishes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace muster::orchestrator {

using dnsupdate::StoreMark;
using dnsupdate::Token;

namespace {

constexpr std::chrono::milliseconds retry{500};
constexpr const char* etcd_store = "etcd";
constexpr int keep_attempts = 5;

/// The one for all other clients, and those of the settings.
std::vector<config::DnsView> views_of(const config::DnsSettings& dns) {
    std::vector<config::DnsView> views{{.root = dns.etcd.root, .servers = dns.servers}};
    views.insert(views.end(), dns.views.begin(), dns.views.end());
    return views;
}

std::string store_name(const config::DnsView& view) {
    return view.name.empty() ? etcd_store : fmt::format("{}-{}", etcd_store, view.name);
}

dnsupdate::EtcdLayout layout_of(const config::DnsSettings& dns,
                                const config::DnsView& view,
                                const std::string& uuid) {
    dnsupdate::EtcdLayout layout{.root = view.root, .owner = "muster/" + uuid};
    for (const std::string& zone : dns.zones) layout.zones.emplace_back(zone);
    return layout;
}

std::string canary_text(const std::string& uuid) {
    return "muster/" + uuid;
}

dnsupdate::UpdaterSettings updater_settings(const config::DnsSettings& dns,
                                            const config::DnsView& view,
                                            const std::string& uuid,
                                            const std::string& nonce) {
    dnsupdate::UpdaterSettings settings{.seed = std::hash<std::string>{}(nonce)};
    settings.verifier.canary = {.name = dnsupdate::DnsName(dns.canary), .text = canary_text(uuid)};
    settings.drain.stale_window = std::chrono::ceil<std::chrono::seconds>(dns.stale_window);
    settings.drain.stale_always = dns.stale_always;
    for (const std::string& server : view.servers) {
        if (const auto endpoint = config::parse_endpoint(server))
            settings.verifier.servers.push_back(*endpoint);
    }
    return settings;
}

}  // namespace

/// One view's records, in one term of office.
struct DnsDuty::Store {
    Store(asio::any_io_executor executor,
          Clock& clock,
          const DnsDutySettings& settings,
          const config::DnsView& view,
          const std::string& uuid,
          dnsupdate::UpdaterLinks links,
          const dnsupdate::Fence& fence,
          StoreMark mark)
        : client(clock,
                 {.endpoints = settings.dns.etcd.endpoints,
                  .user = settings.dns.etcd.user,
                  .password = settings.password,
                  .timeout = settings.dns.etcd.timeout}),
          provider(client, layout_of(settings.dns, view, uuid), settings.cluster, store_name(view)),
          updater(executor,
                  clock,
                  provider,
                  updater_settings(settings.dns, view, uuid, fence.nonce),
                  std::move(links),
                  fence,
                  mark) {}

    dnsupdate::etcd::Client client;
    dnsupdate::EtcdProvider provider;
    dnsupdate::DnsUpdater updater;
};

/// One term of office.
struct DnsDuty::Term {
    Token token;
    std::vector<std::unique_ptr<Store>> stores;

    void cancel() {
        for (const auto& store : stores) store->updater.cancel();
    }
    asio::awaitable<void> stop() {
        for (const auto& store : stores) co_await store->updater.stop();
    }
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
        for (const auto& store : term_->stores) store->updater.look();
        return;
    }
    wake_.notify();
}

void DnsDuty::take(const Snapshot& snapshot) {
    const bool settled = node_.settled();
    if (!settled && wanted_.empty()) return;
    bool same = true;
    for (const config::DnsView& view : views_of(settings_.dns)) {
        dnsupdate::DesiredRecords wishes =
            dns_wishes(node_.view(),
                       snapshot,
                       settings_.dns.zones,
                       settled,
                       {.name = view.name, .fallback = view.fallback});
        if (!settings_.dns.canary.empty())
            wishes.desired.sets.insert_or_assign(
                dnsupdate::DnsName(settings_.dns.canary),
                dnsupdate::canary_set(canary_text(node_.view().cluster())));
        const auto known = wanted_.find(view.name);
        same = same && known != wanted_.end() && known->second.desired == wishes.desired;
        wanted_.insert_or_assign(view.name, std::move(wishes));
    }
    if (!same) look();
}

dnsupdate::OutOfDns DnsDuty::out_of_dns(const FleetName& fleet, const InstanceId& instance) const {
    const dnsupdate::MemberId member = dnsupdate::member_id(fleet, instance);
    if (!term_) return {.why = "this node does not publish names now"};
    for (const auto& [view, wishes] : wanted_) {
        for (const auto& [name, set] : wishes.desired.sets) {
            if (set.records.members.contains(member))
                return {.why = fmt::format("{} is to be answered with it", name.str())};
        }
    }
    dnsupdate::OutOfDns result{.out = true, .why = {}};
    for (const auto& store : term_->stores) {
        dnsupdate::OutOfDns here = store->updater.out_of_dns(member);
        if (here.out) continue;
        here.why = store->provider.name() + ": " + here.why;
        here.left = std::max(here.left, result.left);
        result = std::move(here);
    }
    return result;
}

std::shared_ptr<const DnsRow> DnsDuty::row() const {
    auto row = std::make_shared<DnsRow>();
    row->zones = settings_.dns.zones;
    if (term_) {
        for (const auto& store : term_->stores) row->stores.push_back(store->updater.status());
    }
    return row;
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
    const std::vector<config::DnsView> views = views_of(settings_.dns);
    std::vector<StoreMark> marks;
    for (const config::DnsView& view : views) {
        const Result<StoreMark> mark = co_await kept(store_name(view));
        if (!mark) {
            log::warn("dns_state_unread", {{"why", mark.error().message()}});
            co_await clock_.sleep_for(retry);
            wake_.notify();
            co_return;
        }
        marks.push_back(*mark);
    }
    if (token() != by) co_return wake_.notify();
    // One fence for all views: the first that claims it puts it there, the others find it.
    const dnsupdate::Fence fence{.token = by, .nonce = new_guid_()};
    term_ = std::make_unique<Term>(by);
    for (std::size_t i = 0; i < views.size(); ++i) {
        term_->stores.push_back(std::make_unique<Store>(tasks_.executor(),
                                                        clock_,
                                                        settings_,
                                                        views[i],
                                                        node_.view().cluster(),
                                                        links(by, views[i]),
                                                        fence,
                                                        marks[i]));
    }
    for (const auto& store : term_->stores) store->updater.start();
}

dnsupdate::UpdaterLinks DnsDuty::links(Token by, const config::DnsView& view) {
    return {.wanted = [this, name = view.name] { return wanted_.at(name); },
            .may_write = [this, by] { return may_write(by); },
            .paused =
                [this] {
                    const znodes::Pause& pause = node_.view().control->value.pause;
                    return pause.all || pause.dns || paused_();
                },
            .deposed = [this] { node_.doubt_office(); },
            .keep = [this, by, kind = store_name(view)](
                        StoreMark kept_now) { return keep(kind, by, kept_now); },
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

asio::awaitable<Result<StoreMark>> DnsDuty::kept(std::string kind) {
    const Result<coordination::Node> node =
        co_await store_.get(node_.paths().dns_state(), coordination::Watch::none);
    if (!node) {
        // A tree that an earlier build has made.
        if (node.error().code == make_error_code(coordination::Errc::no_node))
            co_return StoreMark{};
        co_return tl::unexpected(node.error());
    }
    const auto state = znodes::decode<znodes::DnsState>(node->data, node_.view().cluster());
    // Garbage is written over. Not to know more is no danger: a fence that is there is compared.
    if (!state) {
        log::warn("dns_state_unread", {{"why", state.error().message()}});
        co_return StoreMark{};
    }
    const auto found = state->stores.find(kind);
    // No master has published there, so nothing of it is in any cache.
    if (found == state->stores.end()) co_return StoreMark{.longest_ttl = dnsupdate::Ttl(0)};
    co_return StoreMark{.born = found->second.born,
                        .revision = found->second.revision,
                        .term = found->second.term,
                        .longest_ttl = dnsupdate::Ttl(found->second.longest_ttl)};
}

/// The views keep theirs in one znode, and may be in each other's way.
asio::awaitable<bool> DnsDuty::keep(std::string kind, Token by, StoreMark mark) {
    coordination::MultiOutcome outcome;
    for (int attempt = 0; attempt < keep_attempts; ++attempt) {
        const auto tried = co_await keep_once(kind, by, mark);
        if (!tried) co_return false;
        outcome = *tried;
        if (outcome.ok()) co_return true;
        if (outcome.fenced_off()) break;
    }
    if (outcome.fenced_off()) node_.doubt_office();
    log::warn("dns_state_not_kept", {{"why", outcome.error.message()}});
    co_return false;
}

asio::awaitable<std::optional<coordination::MultiOutcome>> DnsDuty::keep_once(std::string kind,
                                                                              Token by,
                                                                              StoreMark mark) {
    const znodes::Paths& paths = node_.paths();
    const std::string cluster = node_.view().cluster();
    const Result<coordination::Node> node =
        co_await store_.get(paths.dns_state(), coordination::Watch::none);
    znodes::DnsState state;
    std::vector<coordination::Op> ops{coordination::CheckOp{
        .path = paths.epoch(), .version = static_cast<std::int32_t>(by.epoch)}};
    if (node) {
        if (auto known = znodes::decode<znodes::DnsState>(node->data, cluster))
            state = *std::move(known);
    } else if (node.error().code != make_error_code(coordination::Errc::no_node)) {
        co_return std::nullopt;
    }
    state.stamp = {.cluster = cluster,
                   .token = by.epoch,
                   .writer = node_.identity().node.str(),
                   .sequence = state.stamp.sequence + 1};
    state.stores[kind] = {.born = mark.born,
                          .revision = mark.revision,
                          .term = mark.term,
                          .longest_ttl = mark.longest_ttl.count()};
    std::string data = znodes::encode(state);
    if (node) {
        ops.emplace_back(coordination::SetOp{
            .path = paths.dns_state(), .data = std::move(data), .version = node->stat.version});
    } else {
        const auto parent = co_await store_.exists(paths.dns(), coordination::Watch::none);
        if (!parent) co_return std::nullopt;
        if (!*parent) ops.emplace_back(coordination::CreateOp{.path = paths.dns()});
        ops.emplace_back(
            coordination::CreateOp{.path = paths.dns_state(), .data = std::move(data)});
    }
    if (!may_write(by)) co_return std::nullopt;
    co_return co_await store_.multi(std::move(ops));
}

}  // namespace muster::orchestrator
