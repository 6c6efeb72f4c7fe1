#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/object.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// A decision on a fleet's size out of a recording, explained again.
struct PastTick {
    WallTime at{};
    NodeId node;             ///< that decided
    std::int64_t epoch = 0;  ///< of its term
    bool shadow = false;     ///< it was not to be done
    bool same = true;        ///< decided again, it is what it was, to the byte
    boost::json::object explanation;
};

/// Of two about one time the one that holds: the later one, and of two masters' the newer one's.
[[nodiscard]] bool holds_over(const PastTick& one, const PastTick& other);

struct PastAnswer {
    std::optional<PastTick> tick;       ///< none: this node has recorded nothing so early
    std::vector<std::string> problems;  ///< for people: what could not be read
};

/// The last decision at or before `at` in the recordings below `directory`. What can't be read is
/// told, and passed over. Blocking.
[[nodiscard]] PastAnswer read_past(const std::filesystem::path& directory,
                                   const FleetName& fleet,
                                   WallTime at);

/// read_past() on a thread of its own: one at a time, and so many that wait.
class PastReader {
 public:
    explicit PastReader(std::filesystem::path directory) : directory_(std::move(directory)) {}
    ~PastReader() { pool_.join(); }
    PastReader(const PastReader&) = delete;
    PastReader& operator=(const PastReader&) = delete;

    /// Executor: the awaiting coroutine's.
    [[nodiscard]] asio::awaitable<PastAnswer> read(FleetName fleet, WallTime at);

    static constexpr int most_waiting = 8;

 private:
    asio::awaitable<PastAnswer> read_here(FleetName fleet, WallTime at);

    std::filesystem::path directory_;
    std::atomic<int> waiting_ = 0;
    asio::thread_pool pool_{1};
};

}  // namespace muster::orchestrator
