#include "dnsupdate/dns_canary.hpp"

#include <array>

namespace muster::dnsupdate {

namespace {

constexpr Ttl canary_ttl{5};  // what CoreDNS's cache keeps anyhow

std::string what_is_wrong(const CanarySettings& settings, const Result<DnsAnswer>& answer) {
    if (!answer) return answer.error().message();
    std::string wrong =
        difference(settings.name, canary_set(settings.text).records, RecordType::txt, *answer);
    if (wrong.empty()) return wrong;
    return settings.name.str() + " TXT: " + wrong;
}

}  // namespace

CanaryState observe_canary(const CanaryState& was,
                           const CanarySettings& settings,
                           const Result<DnsAnswer>& answer,
                           std::chrono::nanoseconds took,
                           WallTime now) {
    using Health = CanaryState::Health;
    CanaryState next = was;
    next.wrong = what_is_wrong(settings, answer);
    if (next.wrong.empty()) {
        next.failures = 0;
        next.took = took;
        next.health = Health::up;
    } else {
        // Counted no further than it matters.
        if (next.failures < settings.fall) ++next.failures;
        if (next.failures >= settings.fall) next.health = Health::down;
    }
    if (next.health != was.health) next.since = now;
    return next;
}

DesiredSet canary_set(const std::string& text) {
    return {.records = {.ttl = canary_ttl, .members = {{MemberId("canary"), {.text = text}}}}};
}

std::string_view to_string(CanaryState::Health health) {
    constexpr std::array<std::string_view, 3> words{"unknown", "up", "down"};
    return words[static_cast<std::size_t>(health)];
}

}  // namespace muster::dnsupdate
