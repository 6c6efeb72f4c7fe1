#pragma once

#include "common/base/clock.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace muster::checker {

/// The secrets that checks name: files of the node's own directory, one secret each, with a line
/// feed at its end or without, at most 4 KiB, and readable by nobody but their owner. Read again
/// after 10 s. Executor: none; one a prober.
class Secrets {
 public:
    /// An empty directory: there are none.
    Secrets(std::filesystem::path directory, Clock& clock)
        : directory_(std::move(directory)), clock_(clock) {}

    /// Nothing when there is no such file, or others may read it.
    [[nodiscard]] std::optional<std::string> find(const std::string& name);

 private:
    static constexpr std::chrono::seconds look_again{10};
    struct Known {
        std::optional<std::string> secret;
        SteadyTime read{};
    };

    [[nodiscard]] std::optional<std::string> read(const std::string& name) const;

    std::filesystem::path directory_;
    Clock& clock_;
    std::map<std::string, Known> known_;
};

}  // namespace muster::checker
