#include "orchestrator/candidates.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace muster::orchestrator {

namespace {

constexpr std::string_view separator = "-n-";

bool older(const Candidate& a, const Candidate& b) {
    // Serial number arithmetic (RFC 1982) on 32 bits.
    const auto distance = static_cast<std::int32_t>(static_cast<std::uint32_t>(a.sequence) -
                                                    static_cast<std::uint32_t>(b.sequence));
    return distance != 0 ? distance < 0 : a.name < b.name;
}

}  // namespace

std::optional<Candidate> parse_candidate(std::string_view name) {
    const std::size_t at = name.rfind(separator);
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    const std::string_view digits = name.substr(at + separator.size());
    Candidate candidate{.name = std::string(name), .guid = std::string(name.substr(0, at))};
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), candidate.sequence);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return candidate;
}

Standing standing(const std::vector<std::string>& names, std::string_view own_guid) {
    std::vector<Candidate> candidates;
    for (const std::string& name : names) {
        if (std::optional<Candidate> candidate = parse_candidate(name)) {
            candidates.push_back(std::move(*candidate));
        }
    }
    // The wrapped order is not transitive over more than half of the number circle; candidates that
    // live together never span that much.
    std::ranges::sort(candidates, older);

    Standing result;
    for (const Candidate& candidate : candidates) {
        if (candidate.guid == own_guid) {
            if (result.own) {
                result.own_twins.push_back(candidate.name);
            } else {
                result.own = candidate;
            }
        } else if (!result.own) {
            result.predecessor = candidate;
        }
    }
    if (!result.own) result.predecessor.reset();
    return result;
}

}  // namespace muster::orchestrator
