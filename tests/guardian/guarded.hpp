#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace muster::test {

/// guarded_program (which explains the arguments) and what it says. Failures to say it are test
/// failures.
class Guarded {
 public:
    explicit Guarded(const std::vector<std::string>& arguments,
                     std::chrono::milliseconds hang_after = std::chrono::seconds(60));

    Process& guardian() { return process_; }

    /// Waits for it.
    [[nodiscard]] bool says(const std::string& text) const;
    /// What follows `word` on its line, waited for.
    [[nodiscard]] std::string word_after(const std::string& word) const;
    [[nodiscard]] pid_t pid_after(const std::string& word) const;
    /// The child, once all is in place.
    [[nodiscard]] pid_t ready_child() const;

 private:
    TempDir dir_;
    Process process_;
};

/// Fails the test on a pid that is not a single process's, or not there.
void kill_checked(pid_t pid, int signal);

}  // namespace muster::test
