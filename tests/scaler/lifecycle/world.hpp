#pragma once

#include "common/coordination/memory_tree.hpp"
#include "scaler/lifecycle.hpp"
#include "scaler/lifecycle_write.hpp"
#include "scaler/policy.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// A fleet with all around it, in virtual time: a tree with ZooKeeper's transactions, a provider,
// DNS, probes, and masters that take one action at a time and may die, lose replies or be frozen
// before each. A value: a copy is another future.
namespace muster::scaler::testing {

inline const FleetName fleet{"web"};

struct FakeMachine {
    std::string token;
    WallTime created{};
    bool killed = false;
    std::string host{};
    bool operator==(const FakeMachine&) const = default;
};

/// What the world is like from some second on.
struct Turn {
    int second = 0;
    std::optional<int> size{};  ///< what the metrics ask for
    int kill = 0;               ///< so many of the serving machines end
    std::optional<znodes::FleetPauseKind> pause{};
    std::optional<bool> creates_fail{};  ///< the provider takes orders and makes nothing
    std::optional<bool> refuses{};       ///< it won't remove anything
    std::optional<bool> removes{};       ///< it takes removals; false: and nothing happens
    std::optional<bool> blind{};         ///< no metric says anything
};

enum class ActionKind : std::uint8_t { write, call, list, dns };

/// What a master is about to do: decided, and not done yet.
struct Action {
    ActionKind kind = ActionKind::list;
    std::vector<coordination::Op> ops{};
    FleetWrite write{};
    ProviderCall call{};
    std::set<InstanceId> publish{};
    [[nodiscard]] std::string str() const;
};

struct Master {
    std::string name;
    std::int32_t epoch = 0;
    WallTime since{};  ///< in office
    std::int64_t sequence = 0;
    std::map<InstanceId, Reply> replies{};
    Inventory inventory{};
    bool reconciled = false;
    bool deposed = false;
    std::optional<std::string> refused{};
    std::vector<std::string> says{};
};

/// What happens to an action's answer.
enum class Answered : std::uint8_t { yes, lost };

class World {
 public:
    World(LifecycleSettings wanted, std::vector<Turn> story);

    /// What happens from now on, instead of what was to happen.
    void tell(std::vector<Turn> story);

    LifecycleSettings settings;
    Policy policy;
    coordination::MemoryTree tree;
    znodes::Paths paths{"t"};
    WallTime now{};
    std::map<InstanceId, FakeMachine> machines;
    std::set<InstanceId> published;
    bool provider_fences = false;
    std::map<std::string, int> hosts;  ///< room for so many; none: the provider places machines
    std::vector<std::string> violations;
    std::map<InstanceId, int> creations;  ///< absent -> there
    std::map<std::string, int> calls;     ///< by kind
    int removed_by_intents = 0;
    int masters = 0;

    /// A new master takes office.
    [[nodiscard]] Master elect();
    /// What it does next; absent: it waits, and `until` says how long.
    [[nodiscard]] std::optional<Action> next(Master& master, std::optional<WallTime>& until) const;
    void execute(Master& master, const Action& action, Answered answered);
    /// To the next moment at which something can happen.
    void wait(const std::optional<WallTime>& until);
    void advance(seconds span);
    /// Runs until the time is over, or `stop` says so of an action that is about to be taken.
    using Stop = std::function<bool(const World&, const Master&, const Action&)>;
    bool run(Master& master, WallTime end, const Stop& stop = {});

    using Records = std::map<InstanceId, znodes::FleetInstanceRecord>;
    [[nodiscard]] const Records& records() const;
    [[nodiscard]] const std::optional<znodes::FleetState>& state() const;
    [[nodiscard]] bool is_up(const InstanceId& id) const;
    [[nodiscard]] LifecycleView view_of(const Master& master) const;
    /// After all has settled; appends to `violations`.
    void check_settled(int size);
    [[nodiscard]] std::string trace() const;

 private:
    void decode_all() const;
    [[nodiscard]] FleetVersions versions(const Master& master) const;
    [[nodiscard]] std::set<InstanceId> to_publish() const;
    void write(Master& master, const Action& action);
    void call(Master& master, const ProviderCall& call, Answered answered);
    [[nodiscard]] ProviderResult<Machine> carry_out(const ProviderCall& call);
    void publish(const Master& master, const std::set<InstanceId>& ids);
    void note_write(const FleetWrite& write);
    void happen();
    void violate(std::string what);
    [[nodiscard]] bool may_be_in_dns(const InstanceId& id) const;  ///< or in caches
    [[nodiscard]] Machine machine_at(const InstanceId& id) const;

    std::vector<Turn> story_;
    std::size_t turn_ = 0;
    int wanted_ = 0;
    bool creates_fail_ = false;
    bool refuses_ = false;
    bool removes_ = true;
    bool blind_ = false;
    ProviderFence provider_fence_;
    std::int64_t dns_fence_ = 0;
    std::map<InstanceId, WallTime> withdrawn_;
    std::map<InstanceId, WallTime> unfit_;  ///< published without serving, since
    std::set<InstanceId> ever_;             ///< had a record
    std::int64_t generation_ = 0;
    std::vector<std::pair<WallTime, int>> shrunk_;  ///< by which scale-in intents
    std::vector<std::string> trace_;
    mutable std::int64_t decoded_ = -1;  ///< zxid
    mutable Records records_;
    mutable std::optional<znodes::FleetState> state_;
};

[[nodiscard]] inline WallTime at_second(int second) {
    return WallTime(std::chrono::hours(24 * 365) + seconds(second));
}
[[nodiscard]] LifecycleSettings quick_settings();

}  // namespace muster::scaler::testing
