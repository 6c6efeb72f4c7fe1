#include "orchestrator/api_explain.hpp"

#include "checker/health_state.hpp"
#include "common/config/decode.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;

constexpr auto reason_texts = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"UNK", "not checked yet"},
    {"L4OK", "connected"},
    {"L4TOUT", "no answer to the connection attempt in time"},
    {"L4CON", "connection refused, or host or network unreachable"},
    {"L6OK", "TLS stands"},
    {"L6TOUT", "connected, but no TLS in time"},
    {"L6RSP", "no TLS, or a TLS alert"},
    {"L6CERT", "the certificate is not verified"},
    {"L6EXP", "the certificate has expired, or does soon"},
    {"L7OK", "the expected reply"},
    {"L7TOUT", "connected, but no complete reply in time"},
    {"L7CLS", "the connection was closed or reset before a complete reply"},
    {"L7RSP", "the reply is not of the protocol"},
    {"L7STS", "a status code that is not expected"},
    {"L7AUTH", "not let in with the credentials of the check"},
    {"L7HDR", "the header fields are not the expected ones"},
    {"L7BODY", "the body does not hold the expected text"},
    {"L7JSON", "the body is not JSON, or its values are not the expected ones"},
    {"L7BIG", "an endless or oversized header section"},
    {"DNSERR", "the name has no address"},
    {"PRLATE", "the prober was late; doesn't count"},
    {"PRPORT", "the prober had no free local port; doesn't count"},
    {"PRFILE", "the prober was out of file descriptors; doesn't count"},
    {"PRMEM", "the prober was out of memory; doesn't count"},
    {"PRDNS", "no name server answered the prober; doesn't count"},
    {"PRKIND", "the node has no such probe; doesn't count"},
    {"PRCONF",
     "the node lacks a secret, certificate or argument that the check names; doesn't count"},
    {"PRSTOP", "the probe was stopped under way; doesn't count"},
    {"PRCUST", "the command or plug-in failed itself; doesn't count"},
    {"PRCTOUT", "the command or plug-in had no answer in time; doesn't count"},
    {"PRDOUBT", "the worker doubts its own view of the world; doesn't count"},
});

std::string_view spelled(znodes::Letter verdict) {
    switch (verdict) {
        case znodes::Letter::up:
            return "UP";
        case znodes::Letter::down:
            return "DOWN";
        case znodes::Letter::degraded:
            return "DEGRADED";
        case znodes::Letter::unknown:
            break;
    }
    return "UNKNOWN";
}

/// "listeners admin, main; requests to 3 groups; the agent": of an LB's own check.
std::string lb_summary(const config::CompositeCheck& check) {
    using Kind = config::LbPart::Kind;
    std::set<std::string_view> listeners;
    std::set<std::string_view> groups;
    bool agent = false;
    for (const config::CompositePart& part : check.parts) {
        if (!part.of_lb) continue;
        if (!part.of_lb->listener.empty()) listeners.insert(part.of_lb->listener);
        if (part.of_lb->kind == Kind::request) groups.insert(part.of_lb->group);
        agent = agent || part.of_lb->kind == Kind::agent;
    }
    std::string text = listeners.empty() ? "tcp connect"
                                         : fmt::format("listener{} {}",
                                                       listeners.size() == 1 ? "" : "s",
                                                       fmt::join(listeners, ", "));
    if (!groups.empty())
        text += fmt::format("; request{} to {}",
                            groups.size() == 1 ? "" : "s",
                            groups.size() <= 4 ? fmt::format("{}", fmt::join(groups, ", "))
                                               : fmt::format("{} groups", groups.size()));
    if (agent) text += "; the agent";
    return text;
}

std::string_view plural(int count, std::string_view one, std::string_view many) {
    return count == 1 ? one : many;
}

}  // namespace

std::string_view reason_text(std::string_view code) {
    const auto* const found = std::ranges::find(
        reason_texts, code, &std::pair<std::string_view, std::string_view>::first);
    return found == reason_texts.end() ? std::string_view{} : found->second;
}

std::string check_summary(const config::CheckSpec& check) {
    std::string what(config::probe_kind_name(check.probe.kind));
    if (const auto* http = std::get_if<config::HttpCheck>(&check.probe.kind)) {
        what = fmt::format("http {} {}", http->method, http->path);
    } else if (const auto* tcp = std::get_if<config::TcpCheck>(&check.probe.kind)) {
        what = tcp->script.empty() ? "tcp connect" : "tcp script";
    } else if (const auto* command = std::get_if<config::CommandCheck>(&check.probe.kind)) {
        what = fmt::format("command {}", command->name);
    } else if (const auto* plugin = std::get_if<config::PluginCheck>(&check.probe.kind)) {
        what = fmt::format("plugin {}", plugin->name);
    }
    if (const auto* composite = std::get_if<config::CompositeCheck>(&check.probe.kind);
        composite != nullptr && !composite->fleet.empty())
        what = lb_summary(*composite);
    if (check.probe.tls) what += " over TLS";
    if (check.port) what += fmt::format(" on port {}", *check.port);
    return fmt::format("{}, every {}, timeout {}, rise {}, fall {}",
                       what,
                       config::to_string(check.interval),
                       config::to_string(check.timeout),
                       check.rise,
                       check.fall);
}

const config::CheckSpec& check_for(const BackendRow& backend, const GroupRow& group) {
    const config::Backend* configured = group.configured(backend.id);
    return configured != nullptr ? config::check_of(*group.spec, *configured) : group.spec->check;
}

std::string spoken(std::chrono::milliseconds span) {
    const auto seconds = std::max<std::int64_t>(0, span / 1s);
    if (seconds < 60) return fmt::format("{} s", seconds);
    const auto minutes = seconds / 60;
    if (minutes < 60) return fmt::format("{} min", minutes);
    const auto hours = minutes / 60;
    if (hours < 48) return fmt::format("{} h {} min", hours, minutes % 60);
    return fmt::format("{} d", hours / 24);
}

std::string summary_of(const BackendRow& backend, WallTime now) {
    std::string text(spelled(backend.verdict));
    if (backend.since != WallTime{}) text += " for " + spoken(now - backend.since);
    if (backend.verdict == znodes::Letter::unknown && backend.reason.empty()) {
        text += ": no result yet";
    } else if (!backend.reason.empty()) {
        const auto meaning = reason_text(backend.reason);
        text += meaning.empty() ? fmt::format(": {}", backend.reason)
                                : fmt::format(": {} ({})", meaning, backend.reason);
    }
    if (backend.admin != config::Admin::active) {
        text += fmt::format("; set to {} by an operator", config::to_string(backend.admin));
    }
    return text;
}

std::string next_step(const BackendRow& backend, const GroupRow& group, WallTime now) {
    const ShardRow* shard = group.shard(backend.shard);
    if (shard == nullptr) return "it waits for a slot, which the master gives";
    if (shard->owner.empty()) return "nobody probes it until the master assigns its shard";
    const config::CheckSpec& check = check_for(backend, group);
    if (backend.verdict == znodes::Letter::unknown) return "the first result decides";
    if (backend.verdict == znodes::Letter::down) {
        const WallTime held = checker::held_until(
            {.verdict = checker::Verdict::down, .since = backend.since, .penalty = backend.penalty},
            checker::policy_of(check));
        if (held > now) {
            return fmt::format("it stays DOWN for {} more, having fallen {}; then {} {} it UP",
                               spoken(held - now),
                               held > backend.since + check.min_down ? "too often" : "just now",
                               check.rise,
                               plural(check.rise, "success makes", "successes in a row make"));
        }
        return fmt::format("{} {} it UP; {} so far",
                           check.rise,
                           plural(check.rise, "success makes", "successes in a row make"),
                           backend.successes);
    }
    return fmt::format("{} {} it DOWN; {} so far",
                       check.fall,
                       plural(check.fall, "failure makes", "failures in a row make"),
                       backend.failures);
}

/// What the LBs saw, and until when it counts; empty when it is no outlier.
static std::string ejection_text(const BackendRow& backend, WallTime now) {
    using znodes::RotationReason;
    const bool is_outlier = backend.rotation_reason == RotationReason::outlier ||
                            backend.rotation_reason == RotationReason::outlier_capped;
    if (!is_outlier || !backend.ejection) return {};
    const znodes::Ejection& ejection = *backend.ejection;
    return fmt::format(" ({}, seen by {} of {} LBs; {} more, time {} in a row)",
                       znodes::to_string(ejection.sign),
                       ejection.lbs,
                       ejection.of,
                       spoken(ejection.until - now),
                       ejection.times);
}

std::string rotation_text(const BackendRow& backend, WallTime now) {
    using znodes::RotationReason;
    std::string_view why;
    switch (backend.rotation_reason) {
        case RotationReason::healthy:
            why = "it is healthy";
            break;
        case RotationReason::slow_start:
            why = "slow start, with a part of its weight";
            break;
        case RotationReason::unproven:
            why = "no verdict yet, and that removes nothing";
            break;
        case RotationReason::down:
            why = "it is DOWN";
            break;
        case RotationReason::eject_capped:
            why = "although DOWN, because max_eject_percent is reached";
            break;
        case RotationReason::panic:
            why = "panic: too few of its group are healthy";
            break;
        case RotationReason::drain:
            why = "an operator drains it";
            break;
        case RotationReason::maintenance:
            why = "it is in maintenance";
            break;
        case RotationReason::zero_weight:
            why = "its weight is 0";
            break;
        case RotationReason::own_down:
            why = "it says itself that it is down";
            break;
        case RotationReason::own_drain:
            why = "it asks to be drained";
            break;
        case RotationReason::own_maintenance:
            why = "it asks for maintenance";
            break;
        case RotationReason::own_weight:
            why = backend.in_rotation ? "with the share of its weight that it asks for"
                                      : "it asks for none of its weight";
            break;
        case RotationReason::outlier:
            why = "ejected as an outlier";
            break;
        case RotationReason::outlier_capped:
            why = "although an outlier, because max_ejection_percent is reached or it is the last";
            break;
    }
    return fmt::format("{} rotation: {}{}",
                       backend.in_rotation ? "in" : "out of",
                       why,
                       ejection_text(backend, now));
}

}  // namespace muster::orchestrator
