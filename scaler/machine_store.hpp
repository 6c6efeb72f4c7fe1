#pragma once

#include "common/base/result.hpp"
#include "scaler/file_lock.hpp"
#include "scaler/machine_record.hpp"
#include "scaler/provider.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace muster::scaler {

/// The machines of one host on disk: DIRECTORY/<fleet>/<id>/, which appears whole and vanishes
/// whole. `<fleet>/.gone/<id>` stays where one was removed, so that its name is never used again.
/// `.lock` is held for changes, `.fence` holds the highest token that was seen. Blocking for as
/// long as local files take. Errors name the file. Any thread.
class MachineStore {
 public:
    /// Throws std::invalid_argument when the directory isn't an absolute path below the root: what
    /// is removed in it must be this provider's.
    explicit MachineStore(std::string directory);

    /// Nothing: another process changes something right now.
    [[nodiscard]] Result<std::optional<FileLock>> try_lock() const;
    /// Refuses lower ones, keeps higher ones.
    [[nodiscard]] ProviderResult<void> pass(const FileLock& lock, const ProviderFence& fence) const;

    [[nodiscard]] std::string path(const FleetName& fleet, const InstanceId& id) const;
    [[nodiscard]] bool was_removed(const FleetName& fleet, const InstanceId& id) const;
    /// Nothing when there is none.
    [[nodiscard]] Result<std::optional<MachineRecord>> read(const FleetName& fleet,
                                                            const InstanceId& id) const;
    /// Nothing when its supervisor has not written it yet, or what it has written is damaged.
    [[nodiscard]] std::optional<MachineRun> read_run(const MachineRecord& record) const;
    [[nodiscard]] Result<std::vector<InstanceId>> ids(const FleetName& fleet) const;
    /// Of all fleets, those that can be read.
    [[nodiscard]] Result<std::vector<MachineRecord>> all() const;
    /// How many can't: something is there, and what it holds isn't known to be free.
    [[nodiscard]] Result<std::size_t> damaged() const;

    struct File {
        std::string name;
        std::string text;
    };
    [[nodiscard]] Result<void> add(const FileLock& lock,
                                   const MachineRecord& record,
                                   const std::vector<File>& files) const;
    [[nodiscard]] Result<void> replace(const FileLock& lock, const MachineRecord& record) const;
    /// Also where none is: the name is used up.
    [[nodiscard]] Result<void> bury(const FleetName& fleet, const InstanceId& id) const;

 private:
    [[nodiscard]] std::string fleet_path(const FleetName& fleet) const;
    struct Known {
        std::vector<MachineRecord> records;
        std::size_t damaged = 0;
    };
    [[nodiscard]] Result<Known> known() const;
    [[nodiscard]] std::string grave(const FleetName& fleet, const InstanceId& id) const;

    std::string directory_;
};

}  // namespace muster::scaler
