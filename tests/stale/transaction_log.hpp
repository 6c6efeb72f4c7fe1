#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// ZooKeeper's own history of what it applied and what it refused, read from a server's transaction
// logs. Blocking.
namespace muster::stale {

/// One change of the tree, or the check of a guard.
struct LoggedOp {
    enum class Kind { create, set, remove, check, refused };
    Kind kind = Kind::check;
    std::string path;
    std::string data;
    std::int32_t version = 0;  ///< of a set: the new one; of a check: the one asked for
    bool ephemeral = false;
    std::int32_t error = 0;  ///< of a refused one: ZooKeeper's code
    bool operator==(const LoggedOp&) const = default;
};

struct Transaction {
    enum class Kind { change, session_start, session_end };
    std::int64_t zxid = 0;
    std::int64_t session = 0;
    std::chrono::milliseconds time{};  ///< since 1970, by the clock of the leader
    Kind kind = Kind::change;
    std::vector<LoggedOp> ops;

    /// A multi with one refused op did nothing at all.
    [[nodiscard]] bool refused() const;
    bool operator==(const Transaction&) const = default;
};

/// The whole transactions at the start of one log file. What follows them is the space that the
/// server reserves, or a record that it did not finish. Throws std::runtime_error when the bytes
/// are no such log, or a whole record makes no sense.
[[nodiscard]] std::vector<Transaction> parse_log(std::string_view bytes);

/// All logs of a data directory ("version-2" and below), in the order of zxids.
[[nodiscard]] std::vector<Transaction> read_logs(const std::filesystem::path& data_directory);

}  // namespace muster::stale
