#pragma once

#include "common/base/file_descriptor.hpp"
#include "common/base/result.hpp"

#include <sys/types.h>

#include <set>
#include <string>

namespace muster::agent {

/// The master process of a running nginx, held by a pidfd: what is told to it can't hit another
/// process that has its number since. nginx is recognised by the title that it gives itself.
class NginxMaster {
 public:
    /// NginxErrc::no_process when there is no such file, or it names no process, or another one.
    [[nodiscard]] static Result<NginxMaster> find(const std::string& pid_file);

    /// SIGHUP. NginxErrc::no_process, or the errno of who may not.
    [[nodiscard]] Result<void> reload() const;

    /// Its workers that take connections, not those that only bring theirs to an end.
    [[nodiscard]] std::set<pid_t> workers() const;

    [[nodiscard]] pid_t pid() const { return pid_; }

 private:
    NginxMaster(pid_t pid, FileDescriptor held) : pid_(pid), held_(std::move(held)) {}

    pid_t pid_;
    FileDescriptor held_;
};

}  // namespace muster::agent
