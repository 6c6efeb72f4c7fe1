#include "checker/lb_outcome.hpp"

#include "common/config/instance_check.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using config::CompositePart;
using config::LbPart;

CompositePart listener(const std::string& name) {
    return {.name = "listener " + name,
            .of_lb = LbPart{.kind = LbPart::Kind::listener, .listener = name}};
}

CompositePart request(const std::string& group, const std::string& by) {
    return {.name = "group " + group + " by listener " + by,
            .of_lb = LbPart{.kind = LbPart::Kind::request, .listener = by, .group = group}};
}

CompositePart agent() {
    return {.name = "agent", .of_lb = LbPart{.kind = LbPart::Kind::agent}};
}

ProbeOutcome good(Reason reason = Reason::l7_ok) {
    return {.result = Result::success, .reason = reason, .total = 2ms};
}
ProbeOutcome bad(Reason reason, std::uint16_t code = 0) {
    return {.result = Result::failure, .reason = reason, .code = code, .total = 3ms};
}
ProbeOutcome unknown(Reason reason = Reason::prober_late) {
    return {.result = Result::inconclusive, .reason = reason};
}
/// TLS stood, and then it failed.
ProbeOutcome after_handshake(Reason reason) {
    ProbeOutcome outcome = bad(reason);
    outcome.tls = 1ms;
    return outcome;
}

struct Row {
    std::string name;
    std::vector<CompositePart> parts;
    std::vector<ProbeOutcome> outcomes;
    Result result;
    std::string said = {};
};

const CompositePart main_web = request("web", "main");
const CompositePart main_api = request("api", "main");
const CompositePart database = listener("database");

TEST(LbOutcome, IsThatOfTheListenersAndDegradedByAllElse) {
    const std::vector<Row> rows = {
        {"all is well", {main_web, database, agent()}, {good(), good(), good()}, Result::success},
        {"nobody behind it",
         {main_web},
         {bad(Reason::l7_status, 503)},
         Result::degraded,
         "group web by listener main: L7STS 503"},
        {"one group of two",
         {main_web, main_api},
         {good(), bad(Reason::l7_status, 502)},
         Result::degraded,
         "group api by listener main: L7STS 502"},
        {"refused",
         {main_web, main_api},
         {bad(Reason::l4_refused, 111), bad(Reason::l4_refused, 111)},
         Result::failure,
         "group web by listener main: L4CON 111; group api by listener main: L4CON 111"},
        {"no answer to any request",
         {main_web, main_api},
         {bad(Reason::l7_timeout), bad(Reason::l7_timeout)},
         Result::failure,
         "group web by listener main: L7TOUT; group api by listener main: L7TOUT"},
        {"no answer to one request",
         {main_web, main_api},
         {bad(Reason::l7_timeout), good()},
         Result::degraded,
         "group web by listener main: L7TOUT"},
        {"no answer, but the agent says that it accepts",
         {main_web, agent()},
         {bad(Reason::l7_timeout), good()},
         Result::degraded,
         "group web by listener main: L7TOUT"},
        {"refused, whatever the agent says",
         {main_web, agent()},
         {bad(Reason::l4_refused), good()},
         Result::failure,
         "group web by listener main: L4CON"},
        {"no connection in time, whatever the agent says",
         {main_web, agent()},
         {bad(Reason::l4_timeout), good()},
         Result::failure,
         "group web by listener main: L4TOUT"},
        {"no answer, and the agent agrees",
         {main_web, agent()},
         {bad(Reason::l7_timeout), bad(Reason::l7_status, 503)},
         Result::failure,
         "group web by listener main: L7TOUT; agent: L7STS 503"},
        {"no answer after a handshake, which was the LB's own",
         {main_web},
         {after_handshake(Reason::l7_timeout)},
         Result::degraded,
         "group web by listener main: L7TOUT"},
        {"a handshake that fails",
         {main_web},
         {bad(Reason::l6_handshake)},
         Result::failure,
         "group web by listener main: L6RSP"},
        {"closed without a word",
         {main_web},
         {bad(Reason::l7_closed)},
         Result::failure,
         "group web by listener main: L7CLS"},
        {"an answer that is not HTTP",
         {main_web},
         {bad(Reason::l7_invalid)},
         Result::failure,
         "group web by listener main: L7RSP"},
        {"one listener of two",
         {main_web, database},
         {good(), bad(Reason::l4_refused)},
         Result::failure,
         "listener database: L4CON"},
        {"the agent is gone",
         {main_web, agent()},
         {good(), bad(Reason::l4_refused, 111)},
         Result::degraded,
         "agent: L4CON 111"},
        {"the agent says that it does not accept, and it does",
         {main_web, agent()},
         {good(), bad(Reason::l7_status, 503)},
         Result::degraded,
         "agent: L7STS 503"},
        {"nothing is known of the agent",
         {main_web, agent()},
         {good(), unknown()},
         Result::success},
        {"nothing is known of one group",
         {main_web, main_api},
         {good(), unknown()},
         Result::success},
        {"nothing is known of a listener",
         {main_web, database},
         {unknown(), good()},
         Result::inconclusive},
        {"nothing is known of one listener, and another fails",
         {main_web, database},
         {unknown(), bad(Reason::l4_refused)},
         Result::failure,
         "listener database: L4CON"},
        {"one request failed and nothing is known of the other",
         {main_web, main_api},
         {bad(Reason::l4_timeout), unknown()},
         Result::inconclusive,
         "group web by listener main: L4TOUT"},
        {"nothing is known at all",
         {main_web, agent()},
         {unknown(), unknown()},
         Result::inconclusive},
        {"the agent alone is heard",
         {main_web, agent()},
         {unknown(), good()},
         Result::inconclusive},
        {"no name for it",
         {listener("")},
         {bad(Reason::resolve_failed)},
         Result::failure,
         "listener : DNSERR"},
    };
    for (const Row& row : rows) {
        const ProbeOutcome outcome = outcome_of_lb(row.parts, row.outcomes);
        EXPECT_EQ(outcome.result, row.result) << row.name;
        EXPECT_EQ(outcome.said ? *outcome.said : "", row.said) << row.name;
    }
}

TEST(LbOutcome, HasTheReasonOfWhatDecidesAndTheTimeOfAll) {
    const ProbeOutcome outcome = outcome_of_lb(
        {main_web, database, agent()},
        {bad(Reason::l7_status, 503), bad(Reason::l4_timeout), bad(Reason::l4_refused)});
    EXPECT_EQ(outcome.reason, Reason::l4_timeout);
    EXPECT_EQ(outcome.total, 3ms);
    EXPECT_EQ(outcome_of_lb({}, {}).result, Result::inconclusive);
}

TEST(LbOutcome, SaysNoMoreThanItMay) {
    std::vector<CompositePart> parts;
    std::vector<ProbeOutcome> outcomes;
    for (int i = 0; i < 60; ++i) {
        parts.push_back(request("group" + std::to_string(i), "main"));
        outcomes.push_back(bad(Reason::l7_status, 500));
    }
    EXPECT_EQ(outcome_of_lb(parts, outcomes).said->size(), 512U);
}

}  // namespace
}  // namespace muster::checker
