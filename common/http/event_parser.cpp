#include "common/http/event_parser.hpp"

#include "common/http/client.hpp"

namespace muster::http {

Result<void> EventParser::feed(std::string_view text, const OnEvent& on_event) {
    while (!text.empty()) {
        // CR, LF and CRLF each end a line; the LF of a CRLF may come in the next piece.
        if (after_return_ && text.front() == '\n') text.remove_prefix(1);
        after_return_ = false;
        const std::size_t end = text.find_first_of("\r\n");
        partial_ += text.substr(0, end);
        if (partial_.size() + data_.size() > max_event_bytes_) {
            return fail(Errc::bad_reply, "an event over the limit");
        }
        if (end == std::string_view::npos) break;
        after_return_ = text[end] == '\r';
        text.remove_prefix(end + 1);
        ++lines_;
        line(partial_, on_event);
        partial_.clear();
    }
    return {};
}

void EventParser::line(std::string_view text, const OnEvent& on_event) {
    if (text.empty()) {
        if (has_data_) on_event(event_.empty() ? std::string_view("message") : event_, data_);
        event_.clear();
        data_.clear();
        has_data_ = false;
        return;
    }
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    std::string_view value;
    if (colon != std::string_view::npos) value = text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") event_ = value;
    if (name == "data") {
        if (has_data_) data_ += '\n';
        data_ += value;
        has_data_ = true;
    }
}

}  // namespace muster::http
