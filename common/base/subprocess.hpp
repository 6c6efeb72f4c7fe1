#pragma once

#include "common/base/file_descriptor.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

// Programs of others, started and kept within bounds.
namespace muster {

struct ProcessIdentity {
    uid_t user = 0;
    gid_t group = 0;
};

/// What is to be started, and how it is kept within bounds.
struct SpawnWish {
    std::string program;  ///< absolute; run as it is, without a shell
    std::vector<std::string> arguments;
    std::vector<std::string> environment;       ///< NAME=value; nothing of ours is inherited
    std::optional<ProcessIdentity> identity;    ///< none: ours
    std::size_t memory_bytes = 0;               ///< of address space; 0 = unbounded
    int cpu_seconds = 0;                        ///< 0 = unbounded
    std::size_t most_files = 256;               ///< open at once; 0 = as many as we
    std::size_t most_file_bytes = 16UZ << 20U;  ///< of one file that it writes; 0 = unbounded
    bool keep_errors = false;                   ///< standard error apart from standard output
    bool keep_stdin = false;                    ///< a socket; else /dev/null
};

/// A child, which leads a process group of its own and dies with the thread that started it.
struct Subprocess {
    pid_t pid = -1;
    FileDescriptor exit;    ///< a pidfd: readable when it has ended
    FileDescriptor input;   ///< a socket of ours, when kept; non-blocking
    FileDescriptor errors;  ///< when kept; non-blocking
    FileDescriptor output;  ///< its standard output and error; non-blocking
};

/// Starts it. An errno when that fails: EMFILE, EAGAIN and ENOMEM are ours, ENOENT, EACCES and
/// EPERM are the wish's. Any thread; takes some 100 us, whatever memory this process has.
[[nodiscard]] int spawn(const SpawnWish& wish, Subprocess& child);

/// Kills the whole group of a child that has not been reaped yet.
void kill_group(const Subprocess& child);

/// Kills the group and waits for the child, which takes no longer than the kernel needs; at most a
/// second, should it be stuck there.
void end_now(Subprocess& child);

/// How it ended, once `exit` is readable: its exit code, or 128 + the signal. Reaps it, and kills
/// what is left of its group.
[[nodiscard]] std::optional<int> reap(Subprocess& child);

}  // namespace muster
