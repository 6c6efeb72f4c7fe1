#include "agent/haproxy_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace muster::agent {
namespace {

constexpr int last_number = (1 << 20) - 1;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_capital_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/// Would the _ at `at` be read as the beginning of an escape, or of a name of ours?
bool is_ambiguous(std::string_view name, std::size_t at) {
    return at == 0 ||
           (at + 2 < name.size() && is_capital_hex(name[at + 1]) && is_capital_hex(name[at + 2]));
}

}  // namespace

std::string haproxy_name(std::string_view name) {
    std::string out;
    out.reserve(name.size());
    for (std::size_t at = 0; at < name.size(); ++at) {
        const char c = name[at];
        const bool plain = is_letter_or_digit(c) || c == '.' || c == ':' || c == '-' ||
                           (c == '_' && !is_ambiguous(name, at));
        if (plain) {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "_{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string server_name(const BackendId& id) {
    return haproxy_name(id.str());
}

std::string frontend_name(const config::Listener& listener) {
    return haproxy_name(listener.name);
}

std::string backend_name(const GroupName& group, config::ListenMode mode) {
    return haproxy_name(group.str()) + (mode == config::ListenMode::http ? ":http" : ":tcp");
}

int haproxy_weight(int weight) {
    if (weight <= 0) return 0;
    return std::clamp((weight * 256 + 500) / 1000, 1, 256);
}

int next_number(int number) {
    return number % last_number + 1;
}

std::vector<int> server_numbers(const std::vector<Server>& servers) {
    std::vector<int> numbers;
    numbers.reserve(servers.size());
    std::unordered_set<int> taken;
    for (const Server& server : servers) {
        int number = static_cast<int>(hash_of(server.id.str()) % last_number) + 1;
        while (!taken.insert(number).second) number = next_number(number);
        numbers.push_back(number);
    }
    return numbers;
}

}  // namespace muster::agent
