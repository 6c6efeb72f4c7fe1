#include "checker/outcome.hpp"

#include <array>
#include <utility>

namespace muster::checker {

namespace {

constexpr std::array<std::pair<Reason, std::string_view>, 31> reason_codes{{
    {Reason::unknown, "UNK"},
    {Reason::l4_ok, "L4OK"},
    {Reason::l4_timeout, "L4TOUT"},
    {Reason::l4_refused, "L4CON"},
    {Reason::l6_ok, "L6OK"},
    {Reason::l6_timeout, "L6TOUT"},
    {Reason::l6_handshake, "L6RSP"},
    {Reason::l6_certificate, "L6CERT"},
    {Reason::l6_expiry, "L6EXP"},
    {Reason::l7_ok, "L7OK"},
    {Reason::l7_timeout, "L7TOUT"},
    {Reason::l7_closed, "L7CLS"},
    {Reason::l7_invalid, "L7RSP"},
    {Reason::l7_status, "L7STS"},
    {Reason::l7_auth, "L7AUTH"},
    {Reason::l7_header, "L7HDR"},
    {Reason::l7_body, "L7BODY"},
    {Reason::l7_json, "L7JSON"},
    {Reason::l7_too_large, "L7BIG"},
    {Reason::resolve_failed, "DNSERR"},
    {Reason::prober_late, "PRLATE"},
    {Reason::prober_ports, "PRPORT"},
    {Reason::prober_files, "PRFILE"},
    {Reason::prober_memory, "PRMEM"},
    {Reason::prober_resolver, "PRDNS"},
    {Reason::prober_no_kind, "PRKIND"},
    {Reason::prober_config, "PRCONF"},
    {Reason::prober_stopped, "PRSTOP"},
    {Reason::prober_custom, "PRCUST"},
    {Reason::prober_custom_timeout, "PRCTOUT"},
    {Reason::prober_doubt, "PRDOUBT"},
}};

static_assert(static_cast<std::size_t>(Reason::prober_doubt) + 1 == reason_codes.size());

}  // namespace

bool is_shortage(Reason reason) {
    return reason == Reason::prober_late || reason == Reason::prober_ports ||
           reason == Reason::prober_files || reason == Reason::prober_memory;
}

std::string_view to_string(Reason reason) {
    for (const auto& [value, code] : reason_codes) {
        if (value == reason) return code;
    }
    return "UNK";
}

std::optional<Reason> reason_from(std::string_view code) {
    for (const auto& [value, name] : reason_codes) {
        if (name == code) return value;
    }
    return std::nullopt;
}

std::string_view to_string(Result result) {
    switch (result) {
        case Result::success:
            return "success";
        case Result::degraded:
            return "degraded";
        case Result::failure:
            return "failure";
        case Result::inconclusive:
            return "inconclusive";
    }
    return "inconclusive";
}

}  // namespace muster::checker
