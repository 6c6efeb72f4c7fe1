#include "checker/tcp_dialogue.hpp"

#include <algorithm>
#include <optional>

namespace muster::checker {

using Kind = config::ScriptStep::Kind;

Dialogue::Turn TcpDialogue::begin(std::string& out) {
    if (check_.script.empty())
        return {.finding = Finding{.result = Result::success, .reason = Reason::l4_ok}};
    return carry_on(out);
}

Dialogue::Turn TcpDialogue::receive(std::string_view bytes, std::string& out) {
    // Looked at in bounded portions, so that what is used up makes room for the rest.
    while (!bytes.empty()) {
        const std::size_t room = buffer_limit - unread_.size();
        if (room == 0) return fail(Reason::l7_too_large);
        unread_.append(bytes.substr(0, room));
        bytes.remove_prefix(std::min(room, bytes.size()));
        const Turn turn = carry_on(out);
        if (turn.start_tls && !bytes.empty()) return fail(Reason::l7_invalid);
        if (turn.finding || turn.start_tls) return turn;
    }
    return wait();
}

Dialogue::Turn TcpDialogue::secured(std::string& out) {
    ++step_;
    return carry_on(out);
}

Dialogue::Turn TcpDialogue::carry_on(std::string& out) {
    for (; step_ < check_.script.size(); ++step_) {
        const config::ScriptStep& step = check_.script[step_];
        switch (step.kind) {
            case Kind::send:
                out += step.bytes;
                sent_line_ = step.bytes.ends_with('\n');
                within_line_ = false;
                break;
            case Kind::expect:
                if (!find(step)) return wait_for_more();
                break;
            case Kind::start_tls:
                if (within_line_ && !finish_line()) return wait_for_more();
                // What comes in the clear behind it may be anyone's (CVE-2011-0411).
                if (!unread_.empty()) return fail(Reason::l7_invalid);
                return {.start_tls = true};
        }
    }
    return succeed();
}

Dialogue::Turn TcpDialogue::wait_for_more() const {
    return unread_.size() == buffer_limit ? fail(Reason::l7_too_large) : wait();
}

bool TcpDialogue::find(const config::ScriptStep& step) {
    std::optional<std::size_t> end;
    if (step.regex) {
        end = patterns_.end_of_match(step.bytes, unread_);
    } else if (const std::size_t at = unread_.find(step.bytes); at != std::string::npos) {
        end = at + step.bytes.size();
    }
    if (!end) return false;
    if (*end > 0) within_line_ = sent_line_ && unread_[*end - 1] != '\n';
    unread_.erase(0, *end);
    return true;
}

bool TcpDialogue::finish_line() {
    const std::size_t end = unread_.find('\n');
    if (end == std::string::npos) return false;
    unread_.erase(0, end + 1);
    return true;
}

}  // namespace muster::checker
