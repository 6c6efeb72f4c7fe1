#include "dnsupdate/dns_updater.hpp"

#include "common/base/with_timeout.hpp"
#include "common/observe/log.hpp"
#include "dnsupdate/round_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

namespace muster::dnsupdate {

namespace {

using Act = PlanLine::Act;

constexpr std::chrono::milliseconds lease_retry{100};
constexpr std::size_t most_told = 100;
constexpr std::size_t most_leaving = 100;

asio::awaitable<Result<void>> woken(Signal& signal) {
    co_await signal.wait();
    co_return Result<void>{};
}

bool is_done(const PlanLine& line) {
    return line.act != Act::hold && line.act != Act::leave;
}

VerifierSettings with_canary(VerifierSettings settings,
                             std::optional<std::pair<DnsName, std::string>> own) {
    if (own) std::tie(settings.canary.name, settings.canary.text) = *std::move(own);
    return settings;
}

bool is_canary(const DesiredSet& set) {
    return std::ranges::any_of(set.records.members,
                               [](const auto& member) { return !member.second.text.empty(); });
}

DrainPolicy drain_policy(const UpdaterSettings& settings) {
    DrainPolicy policy = settings.drain;
    policy.servers.clear();
    for (const config::Endpoint& server : settings.verifier.servers)
        policy.servers.push_back(config::to_string(server));
    return policy;
}

}  // namespace

std::string_view to_string(Stage stage) {
    constexpr std::array<std::string_view, 3> words{"claiming", "publishing", "deposed"};
    return words[static_cast<std::size_t>(stage)];
}

DnsUpdater::DnsUpdater(asio::any_io_executor executor,
                       Clock& clock,
                       DnsProvider& provider,
                       UpdaterSettings settings,
                       UpdaterLinks links,
                       Fence fence,
                       StoreMark mark)
    : clock_(clock),
      provider_(provider),
      settings_(std::move(settings)),
      links_(std::move(links)),
      fence_(std::move(fence)),
      mark_(mark),
      tasks_(executor),
      wake_(executor),
      drain_(drain_policy(settings_), mark_.longest_ttl),
      verifier_(
          executor,
          clock,
          with_canary(settings_.verifier, provider_.own_canary(fence_)),
          links_.ask,
          [this] { wake_.notify(); },
          {.answered = [this](const std::string& server,
                              const DnsName& name,
                              const std::vector<DnsRecord>& records,
                              SteadyTime asked) { drain_.answered(server, name, records, asked); },
           .noted = [this](const std::string& server,
                           bool fails) { drain_.note_server(server, fails, clock_.now()); },
           .open = [this](const std::string& server) { return drain_.open(server); }}),
      random_(settings_.seed),
      next_back_off_(settings_.least_back_off) {
    status_.provider = provider_.name();
    status_.token = fence_.token;
}

void DnsUpdater::start() {
    verifier_.start();
    tasks_.spawn("dns updater", run());
}

void DnsUpdater::cancel() {
    drop_orders();
    tasks_.cancel();
    verifier_.cancel();
}

asio::awaitable<void> DnsUpdater::stop() {
    drop_orders();
    co_await tasks_.stop();
    co_await verifier_.stop();
}

UpdaterStatus DnsUpdater::status() const {
    UpdaterStatus status = status_;
    status.servers = verifier_.servers();
    status.leaving = drain_.leaving(clock_.now(), most_leaving);
    return status;
}

asio::awaitable<void> DnsUpdater::run() {
    for (;;) {
        co_await serve_order();
        if (clock_.now() < due_) {
            if (!orders_.empty()) continue;
            (void)co_await with_timeout(clock_, due_ - clock_.now(), woken(wake_));
            hasten();
            links_.on_change();
            continue;
        }
        begin_after(settings_.interval);
        co_await step();
        links_.on_change();
    }
}

asio::awaitable<void> DnsUpdater::step() {
    // Who is deposed writes nothing more, and shows the fence to who asks.
    if (status_.stage == Stage::deposed) co_return co_await look_for_own_fence();
    status_.paused = links_.paused();
    if (!links_.may_write()) {
        say("this node's lease of its office has run out");
        begin_after(lease_retry);
        co_return;
    }
    if (status_.stage == Stage::claiming && !co_await claim()) co_return;
    co_await round();
}

/// Is there a reason to begin the next round before its time?
void DnsUpdater::hasten() {
    if (status_.stage != Stage::publishing || !status_.round || !status_.trouble.empty()) return;
    const SteadyTime now = clock_.now();
    if (!verifier_.settled()) {
        seen_at_ = SteadyTime{};
    } else if (seen_at_ == SteadyTime{}) {
        seen_at_ = now;
    }
    if (status_.round->removals_held > 0 && seen_at_ != SteadyTime{} && distrusts_.empty())
        due_ = std::min(due_, std::max(seen_at_ + settings_.pause, last_begin_ + settings_.gap));
    const bool is_paused = links_.paused();
    if (is_paused != status_.paused || wanted().desired != status_.round->desired.desired)
        due_ = std::min(due_, std::max(now, last_begin_ + settings_.gap));
}

DesiredRecords DnsUpdater::wanted() const {
    DesiredRecords all = links_.wanted();
    if (provider_.own_canary(fence_))
        std::erase_if(all.desired.sets, [](const auto& set) { return is_canary(set.second); });
    return all;
}

asio::awaitable<bool> DnsUpdater::claim() {
    if (!co_await may_claim()) co_return false;
    const Result<Claim> claimed = co_await provider_.claim(fence_, mark_.born);
    if (!claimed) {
        fall_back(claimed.error().message());
        co_return false;
    }
    status_.claim = *claimed;
    switch (*claimed) {
        case Claim::deposed:
            status_.stage = Stage::deposed;
            say("a later master has claimed the store; if there is none (ZooKeeper has lost its "
                "data): "
                "musterctl dns fence bump-era");
            links_.deposed();
            co_return false;
        case Claim::unreadable:
            fall_back(
                "the fence in the store can't be read, so nothing is written: musterctl dns fence "
                "show, then repair");
            co_return false;
        case Claim::same_token:
            fall_back("another process has claimed the store with this office's very token");
            co_return false;
        case Claim::deleted:
        case Claim::unfounded:
            co_return false;
        case Claim::lost:
            distrust("the store has lost its fence, and perhaps more");
            break;
        case Claim::create:
            if (is_unused_) *links_.fence_was_made = true;
            break;
        case Claim::raise:
        case Claim::adopt:
            break;
    }
    log::info("dns_claimed",
              {{"provider", status_.provider},
               {"how", std::string(to_string(*claimed))},
               {"era", std::to_string(fence_.token.era)},
               {"epoch", std::to_string(fence_.token.epoch)}});
    status_.stage = Stage::publishing;
    const StoreAge age = provider_.age();
    if (mark_.born && age.revision != 0 && age.revision < mark_.revision)
        distrust(fmt::format("the store is at revision {}, and was at {}: it was restored",
                             age.revision,
                             mark_.revision));
    if (!mark_.born) {
        mark_.born = true;
        mark_is_kept_ = false;
    }
    notice_age();
    co_return true;
}

void DnsUpdater::notice_age() {
    if (!provider_.age().went_back || std::exchange(went_back_, true)) return;
    distrust("the store's revision went back: it was restored from a snapshot");
}

/// Why nothing may be removed now, if so.
PlanPolicy DnsUpdater::policy_now() {
    PlanPolicy policy = settings_.policy;
    policy.last_good = mark_.last_good;
    if (!distrusts_.empty()) {
        policy.restore = true;
        policy.hold_removals = distrusts_ + "; nothing is removed until the names are back";
    } else if (!verifier_.settled()) {
        policy.hold_removals = "the DNS servers do not show the last change yet";
    }
    status_.holds_removals = policy.hold_removals;
    return policy;
}

asio::awaitable<void> DnsUpdater::round() {
    last_begin_ = clock_.now();
    const Result<Observed> read = co_await provider_.read();
    if (!read) {
        status_.stage = Stage::claiming;
        fall_back(read.error().message());
        co_return;
    }
    notice_age();
    if (!was_empty_) was_empty_ = read->sets.empty();
    if (*was_empty_ && *links_.fence_was_made) drain_.expect_none_before();
    Round now_round{.time = clock_.wall(), .desired = wanted(), .observed = *read};
    Plan made = plan(now_round.desired.desired, *read, memory_, policy_now(), clock_.now());
    now_round.lines = made.lines;
    now_round.removals = made.removals;
    now_round.removals_held = made.removals_held;
    memory_ = made.memory;
    status_.paused = links_.paused();
    ++status_.counters.rounds;
    std::vector<WriteResult> results;
    if (!status_.paused && !made.writes.empty()) {
        if (!links_.may_write()) {
            begin_after(lease_retry);
            co_return;
        }
        results = co_await provider_.write(made.writes);
    }
    take(made, std::move(now_round), results);
    if (status_.stage == Stage::publishing && status_.trouble.empty()) {
        trust_again(made);
        // A zone has no revision to note.
        const bool is_new = mark_.revision == 0 && provider_.age().revision != 0;
        if (!results.empty() || !mark_is_kept_ || is_new) co_await keep_mark();
    }
}

void DnsUpdater::take(const Plan& made, Round now_round, const std::vector<WriteResult>& results) {
    std::vector<SetWrite> done;
    std::set<DnsName> names;
    std::string trouble;
    bool claim_again = false;
    for (const WriteResult& result : results) {
        switch (result.outcome) {
            case Outcome::done: {
                const auto write = std::ranges::find(made.writes, result.name, &SetWrite::name);
                if (write == made.writes.end()) break;
                done.push_back(*write);
                names.insert(result.name);
                count(*write);
                break;
            }
            case Outcome::conflict:
                ++status_.counters.conflicts;
                begin_after(settings_.gap);
                break;
            case Outcome::fenced:
                ++status_.counters.fenced;
                log::warn("dns_fenced", {{"provider", status_.provider}, {"why", result.detail}});
                claim_again = true;
                break;
            case Outcome::unknown:
                ++status_.counters.unknown;
                claim_again = true;
                break;
            case Outcome::failed:
                claim_again = true;
                break;
        }
        if (claim_again && trouble.empty())
            trouble = fmt::format(
                "{} {}: {}", result.name.str(), to_string(result.outcome), result.detail);
    }
    tell_lines(made, names);
    bring_in(done, now_round.observed);
    note_generations(now_round.observed);
    note_last_good(now_round);
    follow_drains(made, now_round.observed, results);
    verifier_.expect(published(now_round.observed), names);
    status_.round = std::make_shared<const Round>(std::move(now_round));
    if (!claim_again) {
        say({});
        next_back_off_ = settings_.least_back_off;
        seen_at_ = verifier_.settled() ? clock_.now() : SteadyTime{};
        const bool more = made.removals_held > 0 && seen_at_ != SteadyTime{};
        if (more || !distrusts_.empty()) begin_after(settings_.pause);
        return;
    }
    status_.stage = Stage::claiming;
    fall_back(std::move(trouble));
}

void DnsUpdater::follow_drains(const Plan& made,
                               const Observed& there,
                               const std::vector<WriteResult>& results) {
    drain_.read(with_unknown(there, made, results), clock_.now());
    const Ttl longest = drain_.longest(clock_.now());
    if (longest == mark_.longest_ttl) return;
    mark_.longest_ttl = longest;
    mark_is_kept_ = false;
}

void DnsUpdater::count(const SetWrite& write) {
    ++status_.counters.written;
    status_.counters.added += write.puts.size();
    status_.counters.removed += write.removals.size();
}

void DnsUpdater::trust_again(const Plan& made) {
    if (distrusts_.empty() || !made.writes.empty()) return;
    if (!status_.round->desired.desired.complete) return;
    log::info("dns_store_trusted", {{"provider", status_.provider}, {"after", distrusts_}});
    distrusts_.clear();
    mark_is_kept_ = false;
    begin_after(settings_.pause);
}

asio::awaitable<void> DnsUpdater::keep_mark() {
    // While it is distrusted, the next master shall find out the same.
    if (distrusts_.empty()) {
        const StoreAge age = provider_.age();
        mark_.revision = age.revision;
        mark_.term = age.term;
    }
    mark_is_kept_ = co_await links_.keep(mark_);
}

void DnsUpdater::distrust(std::string why) {
    if (distrusts_.empty())
        log::warn("dns_store_distrusted", {{"provider", status_.provider}, {"why", why}});
    distrusts_ = std::move(why);
}

void DnsUpdater::say(std::string trouble) {
    if (trouble == status_.trouble) return;
    if (trouble.empty() != status_.trouble.empty()) status_.trouble_since = clock_.wall();
    if (trouble.empty()) {
        log::info("dns_store_back", {{"provider", status_.provider}});
    } else if (status_.trouble.empty()) {
        log::warn("dns_store_trouble", {{"provider", status_.provider}, {"why", trouble}});
    }
    status_.trouble = std::move(trouble);
}

void DnsUpdater::fall_back(std::string trouble) {
    ++status_.counters.failures;
    say(std::move(trouble));
    back_off();
}

void DnsUpdater::back_off() {
    const double share = std::uniform_real_distribution(0.5, 1.0)(random_);
    begin_after(std::chrono::duration_cast<std::chrono::nanoseconds>(next_back_off_ * share));
    next_back_off_ = std::min(2 * next_back_off_, settings_.longest_back_off);
}

void DnsUpdater::tell_lines(const Plan& made, const std::set<DnsName>& done) {
    std::set<std::string> now;
    std::size_t told = 0;
    for (const PlanLine& line : made.lines) {
        if (is_done(line)) {
            if (!done.contains(line.name) || told++ >= most_told) continue;
            log::info("dns_changed",
                      {{"provider", status_.provider},
                       {"act", std::string(to_string(line.act))},
                       {"name", line.name.str()},
                       {"what", line.what},
                       {"why", line.why}});
            continue;
        }
        // Without the reason, which may count down.
        std::string text = fmt::format("{} {}", line.name.str(), line.what);
        if (!told_.contains(text) && now.size() < most_told)
            log::info("dns_held",
                      {{"provider", status_.provider},
                       {"act", std::string(to_string(line.act))},
                       {"name", line.name.str()},
                       {"what", line.what},
                       {"why", line.why}});
        now.insert(std::move(text));
    }
    told_ = std::move(now);
}

}  // namespace muster::dnsupdate
