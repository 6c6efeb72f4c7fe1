#include "orchestrator/dns_duty.hpp"

#include "common/config/endpoint.hpp"
#include "common/observe/log.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/etcd_provider.hpp"
#include "orchestrator/dns_mark.hpp"
#include "orchestrator/dns_wishes.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace muster::orchestrator {

using dnsupdate::StoreMark;
using dnsupdate::Token;

namespace {

constexpr std::chrono::milliseconds retry{500};
constexpr const char* etcd_store = "etcd";

dnsupdate::EtcdLayout layout_of(const config::DnsSettings& dns, const std::string& uuid) {
    dnsupdate::EtcdLayout layout{.root = dns.etcd.root, .owner = "muster/" + uuid};
    for (const std::string& zone : dns.zones) layout.zones.emplace_back(zone);
    return layout;
}

dnsupdate::UpdaterSettings updater_settings(const config::DnsSettings& dns,
                                            const std::string& nonce) {
    dnsupdate::UpdaterSettings settings{.seed = std::hash<std::string>{}(nonce)};
    for (const std::string& server : dns.servers) {
        if (const auto endpoint = config::parse_endpoint(server))
            settings.verifier.servers.push_back(*endpoint);
    }
    return settings;
}

}  // namespace

/// One term of office.
struct DnsDuty::Term {
    Term(asio::any_io_executor executor,
         Clock& clock,
         const DnsDutySettings& settings,
         const std::string& uuid,
         dnsupdate::UpdaterLinks links,
         const dnsupdate::Fence& fence,
         StoreMark mark)
        : token(fence.token),
          client(clock,
                 {.endpoints = settings.dns.etcd.endpoints,
                  .user = settings.dns.etcd.user,
                  .password = settings.password,
                  .timeout = settings.dns.etcd.timeout}),
          provider(client, layout_of(settings.dns, uuid), settings.cluster),
          updater(executor,
                  clock,
                  provider,
                  updater_settings(settings.dns, fence.nonce),
                  std::move(links),
                  fence,
                  mark) {}

    Token token;
    dnsupdate::etcd::Client client;
    dnsupdate::EtcdProvider provider;
    dnsupdate::DnsUpdater updater;
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
    if (term_) term_->updater.cancel();
    co_await tasks_.stop();
    if (term_) co_await term_->updater.stop();
}

std::optional<Token> DnsDuty::token() const {
    const Election* const election = node_.election();
    const auto& control = node_.view().control;
    if (election == nullptr || !election->office() || !control || !wanted_) return std::nullopt;
    return Token{.era = control->value.era, .epoch = election->office()->epoch};
}

bool DnsDuty::may_write(const Token& by) const {
    return token() == by && node_.election()->may_act(clock_.now());
}

void DnsDuty::look() {
    if (term_ && token() != term_->token) {
        term_->updater.cancel();
    } else if (term_) {
        term_->updater.look();
        return;
    }
    wake_.notify();
}

void DnsDuty::take(const Snapshot& snapshot) {
    const bool settled = node_.settled();
    if (!settled && !wanted_) return;
    dnsupdate::DesiredRecords wishes =
        dns_wishes(node_.view(), snapshot, settings_.dns.zones, settled);
    const bool same = wanted_ && wanted_->desired == wishes.desired;
    wanted_ = std::move(wishes);
    if (!same) look();
}

std::shared_ptr<const DnsRow> DnsDuty::row() const {
    auto row = std::make_shared<DnsRow>();
    row->zones = settings_.dns.zones;
    if (term_) row->stores.push_back(term_->updater.status());
    return row;
}

std::vector<std::string> DnsDuty::stores() const {
    if (!term_ || token() != term_->token) return {};
    return {term_->provider.name()};
}

dnsupdate::DnsUpdater* DnsDuty::updater(const std::string& store) {
    const bool is_it = term_ && token() == term_->token && term_->provider.name() == store;
    return is_it ? &term_->updater : nullptr;
}

asio::awaitable<void> DnsDuty::run() {
    for (;;) {
        co_await wake_.wait();
        if (term_ && token() != term_->token) {
            co_await term_->updater.stop();
            term_.reset();
            on_change_();
        }
        if (const auto now = token(); now && !term_) co_await begin(*now);
    }
}

asio::awaitable<void> DnsDuty::begin(Token by) {
    const Result<StoreMark> mark = co_await kept(etcd_store);
    if (!mark) {
        log::warn("dns_state_unread", {{"why", mark.error().message()}});
        co_await clock_.sleep_for(retry);
        wake_.notify();
        co_return;
    }
    if (token() != by) co_return wake_.notify();
    dnsupdate::UpdaterLinks links{
        .wanted = [this] { return *wanted_; },
        .may_write = [this, by] { return may_write(by); },
        .paused =
            [this] {
                const znodes::Pause& pause = node_.view().control->value.pause;
                return pause.all || pause.dns || paused_();
            },
        .deposed = [this] { node_.doubt_office(); },
        .keep = [this, by](StoreMark kept_now) { return keep(etcd_store, by, kept_now); },
        .ask =
            [this](config::Endpoint server,
                   dnsupdate::DnsName name,
                   dnsupdate::RecordType type,
                   std::chrono::nanoseconds timeout) {
                return dnsupdate::ask(clock_, std::move(server), std::move(name), type, timeout);
            },
        .on_change = [this] { on_change_(); }};
    term_ = std::make_unique<Term>(tasks_.executor(),
                                   clock_,
                                   settings_,
                                   node_.view().cluster(),
                                   std::move(links),
                                   dnsupdate::Fence{.token = by, .nonce = new_guid_()},
                                   *mark);
    term_->updater.start();
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
    if (found == state->stores.end()) co_return StoreMark{};
    co_return mark_of(found->second);
}

asio::awaitable<bool> DnsDuty::keep(std::string kind, Token by, StoreMark mark) {
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
        co_return false;
    }
    state.stamp = {.cluster = cluster,
                   .token = by.epoch,
                   .writer = node_.identity().node.str(),
                   .sequence = state.stamp.sequence + 1};
    state.stores[kind] = kept_form(mark);
    std::string data = znodes::encode(state);
    if (node) {
        ops.emplace_back(coordination::SetOp{
            .path = paths.dns_state(), .data = std::move(data), .version = node->stat.version});
    } else {
        const auto parent = co_await store_.exists(paths.dns(), coordination::Watch::none);
        if (!parent) co_return false;
        if (!*parent) ops.emplace_back(coordination::CreateOp{.path = paths.dns()});
        ops.emplace_back(
            coordination::CreateOp{.path = paths.dns_state(), .data = std::move(data)});
    }
    if (!may_write(by)) co_return false;
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (outcome.fenced_off()) node_.doubt_office();
    if (!outcome.ok()) log::warn("dns_state_not_kept", {{"why", outcome.error.message()}});
    co_return outcome.ok();
}

}  // namespace muster::orchestrator
