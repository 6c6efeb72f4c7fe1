#include "agent/nginx_master.hpp"

#include "agent/nginx_errc.hpp"
#include "common/base/files.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace muster::agent {
namespace {

constexpr std::string_view master_title = "nginx: master process";
constexpr std::string_view worker_title = "nginx: worker process";

/// What `ps` shows; empty: there is no such process any more.
std::string title_of(pid_t pid) {
    return read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
}

pid_t pid_in(std::string_view text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool right = error == std::errc() && (end == text.data() + text.size() || *end == '\n');
    return right ? pid : 0;
}

}  // namespace

Result<NginxMaster> NginxMaster::find(const std::string& pid_file) {
    const Result<std::string> text = read_file(pid_file);
    if (!text) return fail(NginxErrc::no_process, pid_file);
    const pid_t pid = pid_in(*text);
    if (pid <= 1) return fail(NginxErrc::no_process, pid_file + ": it names no process");
    FileDescriptor held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    // In this order: what is held can't become another process after the look at its title.
    if (!held.is_open() || !title_of(pid).starts_with(master_title)) {
        return fail(NginxErrc::no_process,
                    fmt::format("{}: {} is no master process of nginx", pid_file, pid));
    }
    return NginxMaster(pid, std::move(held));
}

Result<void> NginxMaster::reload() const {
    if (::syscall(SYS_pidfd_send_signal, held_.get(), SIGHUP, nullptr, 0) == 0) return {};
    if (errno == ESRCH) return fail(NginxErrc::no_process, fmt::format("process {}", pid_));
    return fail(std::error_code(errno, std::generic_category()),
                fmt::format("a signal to process {}", pid_));
}

std::set<pid_t> NginxMaster::workers() const {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid_));
    std::set<pid_t> workers;
    for (pid_t child = 0; children >> child;) {
        const std::string title = title_of(child);
        // A leaving one adds words to its title; after it there are zeros.
        if (title.starts_with(worker_title) && title.find(" is ") == std::string::npos)
            workers.insert(child);
    }
    return workers;
}

}  // namespace muster::agent
