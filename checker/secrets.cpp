#include "checker/secrets.hpp"

#include <fstream>
#include <system_error>

namespace muster::checker {

std::optional<std::string> Secrets::find(const std::string& name) {
    const SteadyTime now = clock_.now();
    const auto known = known_.find(name);
    if (known != known_.end() && now < known->second.read + look_again) return known->second.secret;
    return known_.insert_or_assign(name, Known{.secret = read(name), .read = now})
        .first->second.secret;
}

std::optional<std::string> Secrets::read(const std::string& name) const {
    constexpr std::size_t longest = 4096;
    using std::filesystem::perms;
    // The configuration lets no other names pass; but a path must never come of one.
    if (directory_.empty() || name.empty() || name.contains('/') || name.starts_with('.'))
        return std::nullopt;
    const std::filesystem::path path = directory_ / name;
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    const perms others = perms::group_all | perms::others_all;
    if (error || !std::filesystem::is_regular_file(status) ||
        (status.permissions() & others) != perms::none) {
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary);
    std::string text(longest + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > longest || text.empty()) return std::nullopt;
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

}  // namespace muster::checker
