#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace muster::http {

/// Text to server-sent events (the WHATWG format, without ids and retry times). Pure.
class EventParser {
 public:
    explicit EventParser(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

    using OnEvent = std::function<void(std::string_view event, std::string_view data)>;
    /// Errc::bad_reply when an event grows over the limit.
    [[nodiscard]] Result<void> feed(std::string_view text, const OnEvent& on_event);

    /// Complete lines so far, comments included: the sign of life.
    [[nodiscard]] std::size_t lines() const { return lines_; }

 private:
    void line(std::string_view text, const OnEvent& on_event);

    std::size_t max_event_bytes_;
    std::size_t lines_ = 0;
    std::string partial_;
    std::string event_;
    std::string data_;
    bool has_data_ = false;
    bool after_return_ = false;
};

}  // namespace muster::http
