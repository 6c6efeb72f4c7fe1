#include "dnsupdate/zone_anchor.hpp"

#include "common/base/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr std::int64_t largest_number = std::numeric_limits<std::int64_t>::max() / 2;

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || at != end || value < 0 ||
        static_cast<std::int64_t>(value) > largest_number)
        return std::nullopt;
    return value;
}

std::optional<std::pair<MemberId, Member>> read_member(std::string_view text) {
    const auto parts = split(text, ' ');
    if (parts.size() != 5 || parts[0].size() > 64) return std::nullopt;
    const auto port = number<std::uint16_t>(parts[2]);
    const auto priority = number<std::uint16_t>(parts[3]);
    const auto weight = number<std::uint16_t>(parts[4]);
    if (!port || !priority || !weight) return std::nullopt;
    return std::pair{MemberId(parts[0]),
                     Member{.address = std::string(parts[1]),
                            .port = *port,
                            .priority = *priority,
                            .weight = *weight}};
}

}  // namespace

std::vector<std::string> write_anchor(const std::string& owner, const AnchorText& text) {
    std::vector<std::string> strings{
        "owner=" + owner,
        fmt::format("token={}-{}", text.anchor.token.era, text.anchor.token.epoch),
        fmt::format("generation={}", text.anchor.generation),
        "transaction=" + text.anchor.transaction,
        fmt::format("ttl={}", text.ttl.count())};
    for (const auto& [id, member] : text.members)
        strings.push_back(fmt::format("member={} {} {} {} {}",
                                      id.str(),
                                      member.address,
                                      member.port,
                                      member.priority,
                                      member.weight));
    return strings;
}

std::optional<AnchorText> read_anchor(const std::vector<std::string>& strings) {
    AnchorText text;
    for (const std::string& string : strings) {
        const std::size_t equals = std::min(string.find('='), string.size());
        const std::string_view field = std::string_view(string).substr(0, equals);
        const std::string_view value =
            std::string_view(string).substr(std::min(string.size(), equals + 1));
        if (field == "token") {
            const auto parts = split(value, '-');
            if (parts.size() != 2) return std::nullopt;
            const auto era = number<std::int64_t>(parts[0]);
            const auto epoch = number<std::int64_t>(parts[1]);
            if (!era || !epoch) return std::nullopt;
            text.anchor.token = {.era = *era, .epoch = *epoch};
        } else if (field == "generation") {
            text.anchor.generation = number<std::int64_t>(value).value_or(0);
        } else if (field == "transaction") {
            text.anchor.transaction = value;
        } else if (field == "ttl") {
            const auto ttl = number<std::int32_t>(value);
            if (!ttl) return std::nullopt;
            text.ttl = Ttl(*ttl);
        } else if (field == "member") {
            auto member = read_member(value);
            if (!member) return std::nullopt;
            text.members.insert(*std::move(member));
        }
    }
    if (text.anchor.generation < 1) return std::nullopt;
    return text;
}

bool bears_mark(const std::string& owner, const ZoneRecord& record) {
    return record.type == "TXT" && !record.data.empty() && record.data.front() == "owner=" + owner;
}

}  // namespace muster::dnsupdate
