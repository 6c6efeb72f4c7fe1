#include "scaler/machine_keeper.hpp"

#include "scaler/machine_layout.hpp"
#include "scaler/machine_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler {

namespace {

using namespace std::chrono_literals;

constexpr auto look_again = 20ms;
constexpr auto lock_limit = 5s;

tl::unexpected<ProviderError> local(const Error& error) {
    return refuse(Trouble::transient, error.message());
}

}  // namespace

MachineKeeper::MachineKeeper(Clock& clock, MachineTemplates templates, OnStep on_step)
    : clock_(clock),
      templates_(std::move(templates)),
      on_step_(std::move(on_step)),
      store_(templates_.directory) {}

asio::awaitable<ProviderResult<FileLock>> MachineKeeper::lock() {
    const SteadyTime deadline = clock_.now() + lock_limit;
    for (;;) {
        auto taken = store_.try_lock();
        if (!taken) co_return local(taken.error());
        if (*taken) co_return std::move(**taken);
        if (clock_.now() >= deadline) {
            co_return refuse(Trouble::transient,
                             templates_.directory + "/.lock: another process has held it for 5 s");
        }
        co_await clock_.sleep_for(look_again);
    }
}

ProviderResult<MachineRecord> MachineKeeper::find_or_make(const FileLock& lock,
                                                          const MachineOrder& order,
                                                          const ProviderFence& fence,
                                                          const MoreFiles& more) const {
    if (const auto passed = store_.pass(lock, fence); !passed)
        return tl::unexpected(passed.error());
    on_step_("passed");
    auto known = store_.read(order.fleet, order.id);
    if (!known) return local(known.error());
    if (*known) {
        MachineRecord& record = **known;
        if (!is_ours(record)) {
            return refuse(
                Trouble::invalid,
                fmt::format("{} is a machine of the cluster {}", order.id.str(), record.cluster));
        }
        if (record.token != order.token) {
            return refuse(Trouble::invalid,
                          order.id.str() + " is there already, with another token");
        }
        if (record.stopping) return refuse(Trouble::invalid, order.id.str() + " is being removed");
        return std::move(record);
    }
    if (store_.was_removed(order.fleet, order.id)) {
        return refuse(Trouble::invalid,
                      order.id.str() + " was removed; its name is not used again");
    }
    const auto others = store_.all();
    if (!others) return local(others.error());
    const auto damaged = store_.damaged();
    if (!damaged) return local(damaged.error());
    auto layout =
        lay_out_machine(templates_, order, *others, *damaged, store_.path(order.fleet, order.id));
    if (!layout) return tl::unexpected(layout.error());
    layout->record.fence = fence;
    layout->record.created = clock_.wall();
    if (more) std::ranges::move(more(layout->record), std::back_inserter(layout->files));
    on_step_("laid out");
    if (const auto added = store_.add(lock, layout->record, layout->files); !added)
        return local(added.error());
    on_step_("recorded");
    return std::move(layout->record);
}

asio::awaitable<ProviderResult<MachineRecord>> MachineKeeper::order(MachineOrder order,
                                                                    ProviderFence fence,
                                                                    MoreFiles more) {
    if (auto right = check_order(order); !right) co_return tl::unexpected(right.error());
    if (!order.host.empty() && order.host != templates_.host.str()) {
        co_return refuse(
            Trouble::invalid,
            fmt::format("it is to run on {}, and this is {}", order.host, templates_.host.str()));
    }
    const auto held = co_await lock();
    if (!held) co_return tl::unexpected(held.error());
    co_return find_or_make(*held, order, fence, more);
}

asio::awaitable<ProviderResult<std::optional<MachineRecord>>> MachineKeeper::begin_removal(
    FleetName fleet, InstanceId id, ProviderFence fence) {
    if (auto named = check_names(fleet, id); !named) co_return tl::unexpected(named.error());
    const auto held = co_await lock();
    if (!held) co_return tl::unexpected(held.error());
    if (auto passed = store_.pass(*held, fence); !passed) co_return tl::unexpected(passed.error());
    auto record = store_.read(fleet, id);
    if (!record) co_return local(record.error());
    if (!*record) {
        // A create() that was sent before and comes late finds the name used up.
        if (const auto gone = store_.bury(fleet, id); !gone) co_return local(gone.error());
        co_return std::nullopt;
    }
    if (!is_ours(**record)) co_return std::nullopt;
    on_step_("found");
    if (!(*record)->stopping) {
        (*record)->stopping = clock_.wall();
        if (const auto kept = store_.replace(*held, **record); !kept) co_return local(kept.error());
    }
    on_step_("stopping");
    co_return std::move(*record);
}

asio::awaitable<ProviderResult<FileLock>> MachineKeeper::take_machine(MachineRecord record,
                                                                      SteadyTime deadline,
                                                                      std::function<void()> ask) {
    const std::string file = record.directory + "/" + std::string(machine_lock_file);
    for (;;) {
        auto taken = FileLock::try_take(file);
        if (!taken) co_return local(taken.error());
        if (*taken) co_return std::move(**taken);
        ask();
        if (clock_.now() >= deadline)
            co_return refuse(Trouble::transient, file + ": another process is at work on it");
        co_await clock_.sleep_for(look_again);
    }
}

Machine MachineKeeper::describe(const MachineRecord& record) const {
    const auto age = std::chrono::floor<std::chrono::seconds>(clock_.wall() - record.created);
    return {.id = record.id,
            .token = record.token,
            .state = MachineState::unknown,
            .address = record.address,
            .host = templates_.host.str(),
            .age = std::max(age, std::chrono::seconds(0))};
}

}  // namespace muster::scaler
