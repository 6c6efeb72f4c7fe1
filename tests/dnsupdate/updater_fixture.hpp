#pragma once

#include "dnsupdate/dns_updater.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster::dnsupdate {
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

inline const DnsName api("api.muster.test");

/// A store in memory, with the faults of a real one.
class FakeProvider final : public DnsProvider {
 public:
    [[nodiscard]] const std::string& name() const override {
        static const std::string name = "fake";
        return name;
    }
    asio::awaitable<Result<Claim>> claim(Fence fence, bool born) override {
        ++claims;
        if (!up) co_return fail(std::make_error_code(std::errc::host_unreachable), "no store");
        const Claim judged = judge_fence(stored, fence, born);
        if (judged == Claim::create || judged == Claim::lost || judged == Claim::raise)
            stored = encode(fence);
        ++age_.revision;
        mine = encode(fence);
        co_return judged;
    }
    asio::awaitable<Result<StoredFence>> fence() override {
        if (!up) co_return fail(std::make_error_code(std::errc::host_unreachable), "no store");
        while (hang) co_await clock.sleep_for(100ms);
        co_return StoredFence{.text = stored,
                              .version = stored ? std::to_string(fence_version) : "0"};
    }
    asio::awaitable<Result<bool>> replace_fence(Fence fence, std::string version) override {
        if (version != (stored ? std::to_string(fence_version) : "0")) co_return false;
        stored = encode(fence);
        ++fence_version;
        co_return true;
    }
    asio::awaitable<Result<Observed>> read() override {
        ++reads;
        if (!up) co_return fail(std::make_error_code(std::errc::host_unreachable), "no store");
        co_return content;
    }
    asio::awaitable<std::vector<WriteResult>> write(std::vector<SetWrite> writes) override {
        std::vector<WriteResult> results;
        for (const SetWrite& write : writes) {
            if (stored != mine) {
                results.push_back({write.name, Outcome::fenced, "fence"});
                break;
            }
            if (conflicts > 0) {
                --conflicts;
                results.push_back({write.name, Outcome::conflict, "moved"});
                continue;
            }
            if (loses_replies) {
                results.push_back({write.name, Outcome::unknown, "no reply"});
                break;
            }
            ++age_.revision;
            history.push_back(write);
            put(write);
            results.push_back({write.name, Outcome::done, {}});
        }
        co_return results;
    }
    [[nodiscard]] StoreAge age() const override { return has_age ? age_ : StoreAge{}; }
    [[nodiscard]] std::optional<std::pair<DnsName, std::string>> own_canary(
        const Fence& fence) const override {
        if (!has_canary) return std::nullopt;
        return std::pair(DnsName("_muster-fence.muster.test"), encode(fence));
    }

    /// As somebody else would.
    void put(const SetWrite& write) {
        ObservedSet& set = content.sets[write.name];
        set = {.anchor = Anchor{.generation = write.generation},
               .version = std::to_string(age_.revision)};
        for (const auto& [id, member] : write.after.members)
            set.members[id] = {.member = member, .ttl = write.after.ttl};
        if (write.after.members.empty()) content.sets.erase(write.name);
    }

    explicit FakeProvider(Clock& of) : clock(of) {}

    Clock& clock;
    bool up = true;
    bool hang = false;  ///< the fence is not answered
    int claims = 0;
    int reads = 0;
    int conflicts = 0;
    bool loses_replies = false;
    bool has_canary = false;
    bool has_age = true;  ///< a zone has none
    int fence_version = 1;
    std::optional<std::string> stored;
    std::string mine;
    StoreAge age_;
    Observed content;
    std::vector<SetWrite> history;
};

inline RecordSet records(int first, int last) {
    RecordSet set;
    for (int n = first; n <= last; ++n)
        set.members[MemberId("lb-" + std::to_string(n))] =
            Member{.address = "10.0.0." + std::to_string(n)};
    return set;
}

/// An updater with a store in memory and one DNS server, in virtual time.
class UpdaterFixture : public testing::Test {
 protected:
    ~UpdaterFixture() override { stop(); }

    void start(StoreMark mark = {}, Token token = {.epoch = 5}) {
        stop();
        UpdaterLinks links{.wanted = [this] { return DesiredRecords{.desired = wanted_}; },
                           .may_write = [this] { return lease_; },
                           .paused = [this] { return paused_; },
                           .deposed = [this] { ++deposed_; },
                           .keep = [this](StoreMark kept) -> asio::awaitable<bool> {
                               kept_ = kept;
                               ++keeps_;
                               co_return true;
                           },
                           .ask = [this](const config::Endpoint&,
                                         const DnsName& name,
                                         RecordType type,
                                         std::chrono::nanoseconds) { return answer(name, type); },
                           .on_change = [] {}};
        UpdaterSettings settings;
        settings.verifier.servers = servers_;
        updater_ = std::make_unique<DnsUpdater>(context_.get_executor(),
                                                clock_,
                                                store_,
                                                settings,
                                                std::move(links),
                                                Fence{.token = token, .nonce = "n"},
                                                mark);
        updater_->start();
    }
    void stop() {
        if (!updater_) return;
        bool ended = false;
        asio::co_spawn(
            context_, updater_->stop(), [&](const std::exception_ptr&) { ended = true; });
        ASSERT_TRUE(clock_.run_for(1min, [&] { return ended; }));
        updater_.reset();
    }
    void want(const RecordSet& set, bool complete = true) {
        wanted_ = {.complete = complete, .sets = {{api, {.records = set}}}};
        if (updater_) updater_->look();
    }
    /// What the one server answers: the store's content `lag_` late is up to the test.
    asio::awaitable<Result<DnsAnswer>> answer(DnsName name, RecordType type) {
        ++asked_;
        if (!server_up_) {
            co_await clock_.sleep_for(1s);
            co_return fail(DnsErrc::no_answer, "127.0.0.1:53");
        }
        DnsAnswer answer{.code = "NOERROR"};
        const Observed& shown = frozen_ ? *frozen_ : store_.content;
        const auto set = shown.sets.find(name);
        if (set != shown.sets.end() && type == RecordType::a) {
            for (const auto& [id, member] : set->second.members)
                answer.records.push_back(
                    {.owner = name.str(), .type = "A", .ttl = 30, .data = member.member.address});
        }
        co_return answer;
    }
    [[nodiscard]] std::size_t there() const {
        const auto set = store_.content.sets.find(api);
        return set == store_.content.sets.end() ? 0 : set->second.members.size();
    }
    bool converges(std::size_t members, std::chrono::nanoseconds within) {
        return clock_.run_for(within, [&] { return there() == members; });
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    FakeProvider store_{clock_};
    Desired wanted_;
    bool lease_ = true;
    bool paused_ = false;
    int deposed_ = 0;
    int asked_ = 0;
    bool server_up_ = true;
    std::optional<Observed> frozen_;  ///< what the server still answers, with a cache
    std::optional<StoreMark> kept_;
    int keeps_ = 0;
    std::vector<config::Endpoint> servers_{{.host = "127.0.0.1", .port = 53}};
    std::unique_ptr<DnsUpdater> updater_;
};

}  // namespace muster::dnsupdate
