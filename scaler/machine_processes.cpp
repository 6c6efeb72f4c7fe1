#include "scaler/machine_processes.hpp"

#include "common/base/file_descriptor.hpp"
#include "common/base/files.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>

namespace muster::scaler {

namespace {

struct Stat {
    char state = 'Z';
    pid_t session = 0;
    std::uint64_t start = 0;
};

/// proc(5): the fields after the name, which stands in parentheses and may hold anything.
std::optional<Stat> stat_of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return std::nullopt;
    const std::size_t name_end = text->rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text->substr(name_end + 1));
    constexpr int state = 3;
    constexpr int session = 6;
    constexpr int start = 22;
    Stat stat;
    std::string word;
    fields >> stat.state;
    for (int number = state + 1; number <= start; ++number) {
        if (number == session) {
            fields >> stat.session;
        } else if (number == start) {
            fields >> stat.start;
        } else {
            fields >> word;
        }
    }
    if (!fields) return std::nullopt;
    return stat;
}

bool has_ended(const Stat& stat) {
    return stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
}

std::vector<pid_t> all_pids() {
    std::vector<pid_t> pids;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename();
        pid_t pid = 0;
        const auto [last, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (bad == std::errc() && last == name.data() + name.size() && pid > 1) pids.push_back(pid);
    }
    return pids;
}

bool has_mark(pid_t pid, const std::string& variable) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/environ");
    if (!text) return false;
    return text->starts_with(variable + '\0') || text->find('\0' + variable + '\0') != text->npos;
}

}  // namespace

std::string boot_id() {
    auto text = read_file("/proc/sys/kernel/random/boot_id");
    if (!text) return {};
    text->erase(std::min(text->find('\n'), text->size()));
    return *text;
}

std::optional<ProcessId> identify(pid_t pid) {
    const auto stat = pid > 1 ? stat_of(pid) : std::nullopt;
    if (!stat || has_ended(*stat)) return std::nullopt;
    return ProcessId{.pid = pid, .start = stat->start};
}

bool is_running(const ProcessId& process) {
    return process.pid > 1 && identify(process.pid) == process;
}

bool send_signal(const ProcessId& process, int number) {
    if (process.pid <= 1) return false;
    const FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    // Whom the handle holds is looked at after it was opened: it can't change any more.
    if (!handle.is_open() || !is_running(process)) return false;
    return ::syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0) == 0;
}

std::vector<ProcessId> processes_of(const MachineRecord& record,
                                    const std::optional<MachineRun>& run) {
    const std::string mark = std::string(machine_variable) + "=" + machine_mark(record);
    const bool of_this_boot = run && !run->boot.empty() && run->boot == boot_id();
    const auto is_noted = [&](const ProcessId& process) {
        return of_this_boot && (process == run->supervisor ||
                                std::ranges::find(run->programs, process, &ProgramRun::process) !=
                                    run->programs.end());
    };
    struct Seen {
        ProcessId process;
        pid_t session;
        bool proved;
    };
    std::vector<Seen> all;
    // The supervisor's, while something proved is in it: as long as a session has processes, its
    // number is nobody else's. Other sessions are never taken as a whole: a program may have been
    // started from one that it shares with strangers.
    const pid_t session = of_this_boot ? run->supervisor.pid : 0;
    bool session_is_ours = false;
    for (const pid_t pid : all_pids()) {
        const auto stat = stat_of(pid);
        if (!stat || has_ended(*stat)) continue;
        const ProcessId process{.pid = pid, .start = stat->start};
        const bool proved = is_noted(process) || has_mark(pid, mark);
        if (proved && stat->session == session) session_is_ours = true;
        all.push_back({.process = process, .session = stat->session, .proved = proved});
    }
    if (session <= 1 || session == ::getsid(0)) session_is_ours = false;
    std::vector<ProcessId> ours;
    for (const Seen& one : all) {
        if (one.process.pid == ::getpid()) continue;
        if (of_this_boot && one.process == run->supervisor) continue;
        if (one.proved || (session_is_ours && one.session == session)) ours.push_back(one.process);
    }
    return ours;
}

}  // namespace muster::scaler
