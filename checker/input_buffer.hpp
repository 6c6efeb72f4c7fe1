#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// What a dialogue has received and not used up yet: at most 16 KiB, whatever comes.
class InputBuffer {
 public:
    static constexpr std::size_t limit = 16U * 1024U;

    /// False: that is more than fits, and none of it was taken.
    [[nodiscard]] bool add(std::string_view bytes) {
        if (bytes.size() > limit - bytes_.size()) return false;
        bytes_ += bytes;
        return true;
    }
    [[nodiscard]] std::string_view view() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    void drop(std::size_t count) { bytes_.erase(0, count); }

    /// The first line, without its line feed and the carriage return before it.
    [[nodiscard]] std::optional<std::string> take_line() {
        const std::size_t end = bytes_.find('\n');
        if (end == std::string::npos) return std::nullopt;
        std::string line = bytes_.substr(0, end);
        if (line.ends_with('\r')) line.pop_back();
        drop(end + 1);
        return line;
    }

 private:
    std::string bytes_;
};

}  // namespace muster::checker
