#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "dnsupdate/dns_drain.hpp"
#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/last_good.hpp"
#include "dnsupdate/orders.hpp"
#include "dnsupdate/updater_status.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace muster::dnsupdate {

/// What outlives a master of its dealings with one store. Kept where the next one finds it.
struct StoreMark {
    bool born = false;          ///< the fence was written once
    std::int64_t revision = 0;  ///< the highest that was seen
    std::int64_t term = 0;
    /// What each name was published with when that was proven to serve; bounded (last_good.hpp).
    std::map<DnsName, RecordSet> last_good{};
    /// Of what was published and may be in caches still; unknown: as long as there can be.
    Ttl longest_ttl = DnsDrain::longest_possible;
    bool operator==(const StoreMark&) const = default;
};

struct UpdaterSettings {
    std::chrono::nanoseconds interval = std::chrono::seconds(5);  ///< while nothing changes
    /// After the servers have shown a round's removals, when more are held back.
    std::chrono::nanoseconds pause = std::chrono::seconds(1);
    std::chrono::nanoseconds gap = std::chrono::milliseconds(100);  ///< between two rounds
    std::chrono::nanoseconds least_back_off = std::chrono::milliseconds(500);
    std::chrono::nanoseconds longest_back_off = std::chrono::seconds(15);
    std::uint64_t seed = 1;  ///< of the back-offs' jitter
    PlanPolicy policy;
    VerifierSettings verifier;
    std::size_t max_last_good_bytes = dnsupdate::max_last_good_bytes;
    DrainPolicy drain;  ///< its servers are the verifier's
};

/// What an updater asks of its master. All are called on its executor.
struct UpdaterLinks {
    std::function<DesiredRecords()> wanted;
    std::function<bool()> may_write;  ///< in office, by a lease that holds; asked before each write
    std::function<bool()> paused;
    std::function<void()> deposed;                         ///< the store knows a later master
    std::function<asio::awaitable<bool>(StoreMark)> keep;  ///< false: it could not be kept
    DnsVerifier::Ask ask;
    std::function<void()> on_change;  ///< the status
    /// In this term, where there had been none; the stores with one fence share it.
    std::shared_ptr<bool> fence_was_made = std::make_shared<bool>(false);
};

/// The shell for one provider and one term of office: claim, then rounds of read, plan, write and
/// verify. A round begins on a change of what is wanted, when removals were held back and the ones
/// before have been seen at the servers, and every `interval`. Until they have been seen (or had
/// time enough) rounds add, but remove nothing. A store that doesn't answer is left as it is and
/// asked again later; after each such silence the claim comes first again, and a store that has
/// lost its data in between has nothing removed until all names are back.
///
/// Executor: the one given. The links, the provider and the clock outlive it.
class DnsUpdater {
 public:
    DnsUpdater(asio::any_io_executor executor,
               Clock& clock,
               DnsProvider& provider,
               UpdaterSettings settings,
               UpdaterLinks links,
               Fence fence,
               StoreMark mark);

    void start();
    /// Nothing is begun any more from the call on.
    void cancel();
    [[nodiscard]] asio::awaitable<void> stop();

    /// What is wanted may have changed.
    void look() { wake_.notify(); }
    [[nodiscard]] UpdaterStatus status() const;
    /// Can nobody get this member from this store's DNS servers any more, nor from a cache?
    [[nodiscard]] OutOfDns out_of_dns(const MemberId& member) const {
        return drain_.out(member, clock_.now());
    }

    /// Has `order` done between two rounds, and waits for it: for `limit` at most. Errors:
    /// timed_out, canceled: nothing was done; operation_in_progress: it may have been, read;
    /// others, of the store: nothing was done. It may be called, and outlived by its caller, at any
    /// time; what it needs of this updater it holds itself.
    [[nodiscard]] asio::awaitable<Result<OrderDone>> carry_out(Order order,
                                                               std::chrono::nanoseconds limit);

 private:
    struct Pending;
    asio::awaitable<void> serve_order();
    asio::awaitable<Result<OrderDone>> do_order(const Order& order);
    asio::awaitable<Result<OrderDone>> plan_for(const Order& order, const PlanRequest& request);
    asio::awaitable<Result<OrderDone>> apply(const Order& order);
    asio::awaitable<Result<OrderDone>> look_at(const Order& order);
    asio::awaitable<Result<OrderDone>> show_fence();
    asio::awaitable<Result<OrderDone>> replace_fence(const Order& order);
    asio::awaitable<bool> may_claim();
    asio::awaitable<void> look_for_own_fence();
    void claim_replaced();
    void drop_orders();
    void note_generations(const Observed& observed);
    void note_last_good(const Round& round);

    asio::awaitable<void> run();
    asio::awaitable<void> step();
    asio::awaitable<bool> claim();
    asio::awaitable<void> round();
    asio::awaitable<void> keep_mark();
    [[nodiscard]] DesiredRecords wanted() const;
    [[nodiscard]] PlanPolicy policy_now();
    void follow_drains(const Plan& made,
                       const Observed& there,
                       const std::vector<WriteResult>& results);
    void take(const Plan& made, Round now_round, const std::vector<WriteResult>& results);
    void count(const SetWrite& write);
    void notice_age();
    void trust_again(const Plan& made);
    void hasten();
    void begin_after(std::chrono::nanoseconds span) { due_ = clock_.now() + span; }
    void back_off();
    void fall_back(std::string trouble);
    void say(std::string trouble);
    void distrust(std::string why);
    void tell_lines(const Plan& made, const std::set<DnsName>& done);

    Clock& clock_;
    DnsProvider& provider_;
    UpdaterSettings settings_;
    UpdaterLinks links_;
    Fence fence_;
    StoreMark mark_;
    bool mark_is_kept_ = true;
    TaskGroup tasks_;
    Signal wake_;
    DnsDrain drain_;
    DnsVerifier verifier_;
    std::mt19937_64 random_;

    UpdaterStatus status_;
    SteadyTime due_{};         ///< of the next step
    SteadyTime last_begin_{};  ///< of the last round
    SteadyTime seen_at_{};     ///< when the servers had shown all that was written
    std::chrono::nanoseconds next_back_off_;
    bool went_back_ = false;         ///< told once
    bool is_unused_ = false;         ///< there was no fence and no record of ours before the claim
    std::optional<bool> was_empty_;  ///< of records of ours, at the first reading
    std::string distrusts_;          ///< why nothing is removed until the names are back
    PlanMemory memory_;
    std::deque<std::shared_ptr<Pending>> orders_;
    Plan ordered_;  ///< the last plan made for an order, and what it was made of
    Round ordered_round_;
    std::map<DnsName, std::pair<std::int64_t, WallTime>> generations_;  ///< first seen when
    std::set<std::string> told_;  ///< what was held or left in the last round
};

}  // namespace muster::dnsupdate
