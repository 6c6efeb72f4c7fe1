#include "tests/fencing/schedules.hpp"

#include "common/base/asio_clock.hpp"
#include "dnsupdate/etcd_provider.hpp"
#include "tests/fencing/late_network.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <utility>

namespace muster::fencing {

using namespace dnsupdate;
using namespace std::chrono_literals;

namespace {

const std::string root = "/skydns";
const std::string cluster = "prod";

struct Master {
    Master(const std::string& url, Token token)
        : client(clock, {.endpoints = {url}, .timeout = 2s}),
          provider(client,
                   {.root = root, .owner = "muster/c-1", .zones = {DnsName("muster.test")}},
                   cluster),
          fence{.token = token, .nonce = fmt::format("m{}-{}", token.era, token.epoch)} {}

    AsioClock clock;
    etcd::Client client;
    EtcdProvider provider;
    Fence fence;
};

class Run {
 public:
    explicit Run(const Schedules& settings) : settings_(settings) {}

    Tally all() {
        for (std::size_t i = 0; i < settings_.count; ++i) {
            seed_ = settings_.first_seed + static_cast<std::uint32_t>(i);
            random_.seed(seed_);
            one();
            ++tally_.schedules;
        }
        judge_history();
        return std::move(tally_);
    }

 private:
    /// The old master's term, the claim of the new one, and what comes late.
    void one() {
        network_.set_fence("");
        network_.set_fate({});
        const auto old = claimed(network_.url(), {.era = era_, .epoch = ++epoch_});
        if (!old) return;
        network_.set_fate([this](const std::string&) { return any_fate(); });
        for (auto steps = 1 + random_() % 3; steps > 0; --steps) step(*old, some_records());
        std::vector<LateWrite> late = network_.take_late();
        std::ranges::shuffle(late, random_);
        while (!late.empty() && chance(60)) {
            tally_.in_time += deliver(late.back()) ? 1 : 0;
            late.pop_back();
        }
        // Planned in time, sent too late.
        network_.set_fate({});
        const Plan planned = plan_of(*old, some_records());
        network_.set_fate([this](const std::string&) { return any_fate(); });

        const bool restores = chance(3);
        const std::filesystem::path snapshot = directory_ / fmt::format("snapshot-{}", seed_);
        if (restores) etcd_.ctl({"snapshot", "save", snapshot.string()});
        if (chance(10)) {
            ++tally_.wipes;
            ++era_;
            epoch_ = 0;
        }
        auto heir = claimed(etcd_.url(), {.era = era_, .epoch = ++epoch_});
        if (!heir) return;
        network_.set_fence(encode(heir->fence));
        const std::size_t passed_before = network_.stale_passed();
        const std::size_t attempted_before = tally_.attempted;
        expect_unchanged("a plan from before", [&] { write(*old, planned); });
        std::ranges::move(network_.take_late(), std::back_inserter(late));
        if (restores) {
            judge_history();
            etcd_.restore(snapshot);
            ++tally_.restores;
            // Whoever was in office stands again as a candidate, and claims before all else.
            heir = claimed(etcd_.url(), {.era = era_, .epoch = ++epoch_});
            if (!heir) return;
            network_.set_fence(encode(heir->fence));
        }
        std::ranges::shuffle(late, random_);
        while (!late.empty()) {
            if (chance(20)) step(*heir, some_records());
            ++tally_.attempted;
            expect_unchanged("a late write", [&] { deliver(late.back()); });
            // The same bytes once more, too.
            if (chance(70)) late.pop_back();
        }
        // Until at least one has come late.
        do {
            step(*heir, some_records());
            expect_unchanged("the old master's next round", [&] { step(*old, some_records()); });
            for (LateWrite& one : network_.take_late()) {
                ++tally_.attempted;
                expect_unchanged("the last late write", [&] { deliver(one); });
            }
        } while (tally_.attempted == attempted_before && network_.stale_passed() == passed_before);
        tally_.attempted += network_.stale_passed() - passed_before;
    }

    void judge_history() {
        const Verdict verdict = judge(history(etcd_), root, "/muster/" + cluster + "/fence");
        tally_.transactions += verdict.transactions;
        for (const std::string& one : verdict.violations) tally_.violations.push_back(one);
        for (const std::string& one : verdict.emptied) tally_.emptied.push_back(one);
    }

    template <class Act>
    void expect_unchanged(const char* what, const Act& act) {
        const std::int64_t before = revision();
        act();
        if (revision() != before)
            tally_.violations.push_back(fmt::format("seed {}: {} was done", seed_, what));
    }

    std::unique_ptr<Master> claimed(const std::string& url, Token token) {
        auto one = std::make_unique<Master>(url, token);
        const auto claim = run(one->provider.claim(one->fence, born_));
        if (!claim || !(is_to_be_written(*claim) || *claim == Claim::adopt)) {
            tally_.wrong.push_back(
                fmt::format("seed {}: {}.{} could not claim: {}",
                            seed_,
                            token.era,
                            token.epoch,
                            claim ? to_string(*claim) : claim.error().message()));
            return nullptr;
        }
        born_ = true;
        return one;
    }
    Plan plan_of(Master& by, std::map<DnsName, DesiredSet> sets) {
        const auto there = run(by.provider.read());
        if (!there) return {};
        return plan({.complete = true, .sets = std::move(sets)},
                    *there,
                    {},
                    {.removal_percent = 50},
                    SteadyTime{});
    }
    void write(Master& by, Plan made) { run(by.provider.write(std::move(made.writes))); }
    /// Reads, plans, writes; whatever comes of it.
    void step(Master& by, std::map<DnsName, DesiredSet> sets) {
        write(by, plan_of(by, std::move(sets)));
    }
    bool deliver(LateWrite& late) {
        if (settings_.without_guards) {
            late = {.bytes = muster::fencing::without_guards(late.bytes), .fence = late.fence};
        }
        const auto said = network_.deliver(late);
        return said && said->succeeded;
    }
    std::int64_t revision() {
        const auto read = run(reader_.get("/x"));
        return read ? read->header.revision : -1;
    }
    std::map<DnsName, DesiredSet> some_records() {
        std::map<DnsName, DesiredSet> sets;
        for (const char* const name : {"api.muster.test", "shop.muster.test", "eu.muster.test"}) {
            const auto first = 1 + random_() % 5;
            RecordSet& records = sets[DnsName(name)].records;
            for (auto number = first; number <= first + random_() % 4; ++number)
                records.members.emplace(
                    MemberId(fmt::format("lb-{}", number)),
                    Member{.address = fmt::format("10.0.0.{}", number), .port = 80});
        }
        return sets;
    }
    /// Also on the proxy's thread, while this one waits for it.
    Fate any_fate() {
        const auto dice = random_of_network_() % 100;
        return dice < 45   ? Fate::pass
               : dice < 65 ? Fate::hold
               : dice < 85 ? Fate::half
                           : Fate::lose_reply;
    }
    bool chance(unsigned percent) { return random_() % 100 < percent; }

    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return result.get();
    }

    Schedules settings_;
    test::TempDir directory_;
    test::EtcdServer etcd_;
    asio::io_context context_;
    AsioClock clock_;
    etcd::Client reader_{clock_, {.endpoints = {etcd_.url()}, .timeout = 5s}};
    LateNetwork network_{etcd_.port()};
    std::mt19937 random_;
    std::mt19937 random_of_network_{settings_.first_seed};
    std::uint32_t seed_ = 0;
    std::int64_t era_ = 1;
    std::int64_t epoch_ = 0;
    bool born_ = false;
    Tally tally_;
};

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
    schedules += other.schedules;
    in_time += other.in_time;
    attempted += other.attempted;
    restores += other.restores;
    wipes += other.wipes;
    transactions += other.transactions;
    for (const std::string& one : other.violations) violations.push_back(one);
    for (const std::string& one : other.emptied) emptied.push_back(one);
    for (const std::string& one : other.wrong) wrong.push_back(one);
    return *this;
}

Tally run_schedules(const Schedules& schedules) {
    return Run(schedules).all();
}

}  // namespace muster::fencing
