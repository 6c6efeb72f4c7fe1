#include "checker/tcp_dialogue.hpp"

#include <algorithm>

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
        if (turn.finding) return turn;
    }
    return wait();
}

Dialogue::Turn TcpDialogue::carry_on(std::string& out) {
    for (; step_ < check_.script.size(); ++step_) {
        const config::ScriptStep& step = check_.script[step_];
        if (step.kind == Kind::send) {
            out += step.bytes;
        } else if (!find(step)) {
            return unread_.size() == buffer_limit ? fail(Reason::l7_too_large) : wait();
        }
    }
    return succeed();
}

bool TcpDialogue::find(const config::ScriptStep& step) {
    if (step.regex) {
        const auto end = patterns_.end_of_match(step.bytes, unread_);
        if (!end) return false;
        unread_.erase(0, *end);
        return true;
    }
    const std::size_t at = unread_.find(step.bytes);
    if (at == std::string::npos) return false;
    unread_.erase(0, at + step.bytes.size());
    return true;
}

}  // namespace muster::checker
