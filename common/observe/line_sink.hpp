#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace muster::log {

/// spdlog's end of the line: a file or stderr, re-openable. A reader that takes nothing for a
/// second (a stopped pager, a full pipe) costs that second once, and then lines until it reads
/// again; never a thread that waits for ever.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
    /// Empty path = stderr. Throws std::system_error when the file can't be opened.
    explicit LineSink(std::string path);
    ~LineSink() override;
    LineSink(const LineSink&) = delete;
    LineSink& operator=(const LineSink&) = delete;

    /// Keeps the open file when the new one can't be opened.
    void reopen();
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

 private:
    enum class Written : std::uint8_t { all, part, nothing };
    [[nodiscard]] Written write_all(const char* data, std::size_t size) const;

    std::string path_;
    int fd_;
    bool stuck_ = false;     ///< the last line could not be written
    bool mid_line_ = false;  ///< ... but its beginning was
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace muster::log
