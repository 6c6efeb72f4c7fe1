#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "scaler/machine_store.hpp"
#include "scaler/provider.hpp"

#include <boost/asio/awaitable.hpp>

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::scaler {

struct TemplateFile {
    std::string from;  ///< path of the template
    std::string to;    ///< name in the machine's directory
};

struct ProgramTemplate {
    std::string name;               ///< of its log file, too
    std::vector<std::string> argv;  ///< the program absolute
    int stop_signal = SIGTERM;      ///< for a soft end
    std::string wait_for;           ///< a file: started once that is there; empty: at once
};

/// What the machines of this host are made of. In all templates `${NAME}` stands for: id, cluster,
/// fleet, token, dir (the machine's directory), address (its IP address), port:NAME (a port of its
/// own, allotted at the first mention of NAME), parameters.NAME (as the fleet says). Anything else
/// is an error with file and line.
struct MachineTemplates {
    std::string cluster;    ///< whose machines these are: another's in the directory aren't touched
    NodeId host;            ///< whose machines these are; orders for others are refused
    std::string directory;  ///< absolute; of this provider alone
    std::vector<std::string> addresses;  ///< IP addresses of the host: one for each machine...
    std::string address = "127.0.0.1";   ///< ...or, when there are none, this one for all
    std::string answers_at = "${address}:${port:lb}";  ///< what Machine::address is to say
    std::uint16_t first_port = 20'000;
    std::uint16_t last_port = 20'999;
    std::vector<TemplateFile> files;
    std::vector<ProgramTemplate> programs;  ///< started in this order, ended in the reverse one
    std::size_t max_machines = 64;
};

/// For tests: called between steps.
using OnStep = std::function<void(std::string_view step)>;

/// What the providers that keep their machines' records on this host's disk have in common: the
/// records' beginning and end, under the lock and the fence of their directory.
class MachineKeeper {
 public:
    MachineKeeper(
        Clock& clock, MachineTemplates templates, OnStep on_step = [](std::string_view) {});

    [[nodiscard]] const MachineStore& store() const { return store_; }
    [[nodiscard]] const NodeId& host() const { return templates_.host; }
    /// One without a cluster was made by an earlier release, which kept clusters apart by
    /// directory.
    [[nodiscard]] bool is_ours(const MachineRecord& record) const {
        return record.cluster.empty() || record.cluster == templates_.cluster;
    }

    /// The machine's record, made and laid out when there is none yet. `more`: its further files.
    using MoreFiles = std::function<std::vector<MachineStore::File>(const MachineRecord&)>;
    [[nodiscard]] asio::awaitable<ProviderResult<MachineRecord>> order(MachineOrder order,
                                                                       ProviderFence fence,
                                                                       MoreFiles more = {});

    /// From here on it only ends. Nothing: there is none, and its name is used up now.
    [[nodiscard]] asio::awaitable<ProviderResult<std::optional<MachineRecord>>> begin_removal(
        FleetName fleet, InstanceId id, ProviderFence fence);

    /// Whoever has it starts and ends the machine's processes. `ask`: is called when another has
    /// it, again and again. `transient` when the deadline passes.
    [[nodiscard]] asio::awaitable<ProviderResult<FileLock>> take_machine(MachineRecord record,
                                                                         SteadyTime deadline,
                                                                         std::function<void()> ask);

    /// All but its state.
    [[nodiscard]] Machine describe(const MachineRecord& record) const;

 private:
    [[nodiscard]] asio::awaitable<ProviderResult<FileLock>> lock();
    [[nodiscard]] ProviderResult<MachineRecord> find_or_make(const FileLock& lock,
                                                             const MachineOrder& order,
                                                             const ProviderFence& fence,
                                                             const MoreFiles& more) const;

    Clock& clock_;
    MachineTemplates templates_;
    OnStep on_step_;
    MachineStore store_;
};

}  // namespace muster::scaler
