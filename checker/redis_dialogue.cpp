#include "checker/redis_dialogue.hpp"

#include <charconv>
#include <initializer_list>

namespace muster::checker {

namespace {

void add_command(std::string& out, std::initializer_list<std::string_view> words) {
    out += '*' + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
        out += '$' + std::to_string(word.size()) + "\r\n";
        out += word;
        out += "\r\n";
    }
}

bool is_refusal(std::string_view error) {
    return error.starts_with("-NOAUTH") || error.starts_with("-WRONGPASS") ||
           error.starts_with("-NOPERM") || error.starts_with("-ERR invalid password");
}

constexpr std::size_t parts_of_a_replica = 4;  // "slave", host, port, state of the link

}  // namespace

Dialogue::Turn RedisDialogue::begin(std::string& out) {
    if (!password_.empty()) {
        authenticating_ = true;
        if (check_.user.empty()) {
            add_command(out, {"AUTH", password_});
        } else {
            add_command(out, {"AUTH", check_.user, password_});
        }
    }
    add_command(out, {check_.role.empty() ? "PING" : "ROLE"});
    return wait();
}

Dialogue::Turn RedisDialogue::receive(std::string_view bytes, std::string& /*out*/) {
    if (!input_.add(bytes)) return fail(Reason::l7_too_large);
    for (;;) {
        if (string_bytes_) {
            if (input_.view().size() < *string_bytes_ + 2) return wait();
            role_.emplace_back(input_.view().substr(0, *string_bytes_));
            input_.drop(*string_bytes_ + 2);
            string_bytes_.reset();
            const Turn turn = on_role();
            if (turn.finding) return turn;
            continue;
        }
        const auto line = input_.take_line();
        if (!line) return wait();
        const Turn turn = on_line(*line);
        if (turn.finding) return turn;
    }
}

Dialogue::Turn RedisDialogue::on_line(std::string_view line) {
    if (line.starts_with('-')) return fail(is_refusal(line) ? Reason::l7_auth : Reason::l7_status);
    if (authenticating_) {
        authenticating_ = false;
        return line == "+OK" ? wait() : fail(Reason::l7_invalid);
    }
    if (check_.role.empty()) return line == "+PONG" ? succeed() : fail(Reason::l7_invalid);
    if (!in_role_) {
        in_role_ = line.starts_with('*');
        return in_role_ ? wait() : fail(Reason::l7_invalid);
    }
    if (line.starts_with(':')) {
        role_.emplace_back(line.substr(1));
        return on_role();
    }
    std::size_t size = 0;
    const bool is_string = line.starts_with('$');
    const auto [end, error] = std::from_chars(line.data() + is_string, line.end(), size);
    if (!is_string || error != std::errc{} || end != line.end()) return fail(Reason::l7_invalid);
    if (size > InputBuffer::limit - 2) return fail(Reason::l7_too_large);
    string_bytes_ = size;
    return wait();
}

Dialogue::Turn RedisDialogue::on_role() {
    const bool is_replica = role_[0] == "slave";
    if (role_.size() == 1) {
        if (is_replica != (check_.role == "replica")) return fail(Reason::l7_status);
        return is_replica ? wait() : role_[0] == "master" ? succeed() : fail(Reason::l7_status);
    }
    if (role_.size() < parts_of_a_replica) return wait();
    return role_[parts_of_a_replica - 1] == "connected" ? succeed() : fail(Reason::l7_status);
}

}  // namespace muster::checker
