#pragma once

#include "scaler/decision.hpp"
#include "scaler/flips.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

// Why a fleet has the size that it has, for people and for the API (docs/simulate.md). Pure.
namespace muster::scaler {

/// What one metric was, and what became of it.
struct MetricExplanation {
    std::string name;
    std::string rule;      ///< "100 for each instance, of the total"
    std::string value;     ///< "520"; "3 instances, 55 to 80, 210 in all"; "absent: empty"
    std::string reckoned;  ///< "ceil(520 / 100)"
    std::optional<int> wants{};
    bool complete = true;
    std::optional<WallTime> until{};  ///< of a schedule
    Quality quality = Quality::absent;
    Flaw flaw = Flaw::empty;
    seconds age{0};
    std::optional<Coverage> coverage{};
    bool operator==(const MetricExplanation&) const = default;
};

struct Explanation {
    WallTime at{};
    int was = 0;
    int wanted = 0;
    int size = 0;
    int min = 0;
    int max = 0;
    int serving = 0;  ///< healthy and in service
    /// "4 -> 6: connections wants 6 (ceil(520 / 100)); out budget of 4 per 15 s allows it"
    std::string line;
    std::vector<MetricExplanation> metrics{};
    std::vector<Clamp> clamps{};
    std::vector<Veto> vetoes{};  ///< against scale-in
    std::vector<Veto> brakes{};  ///< against scale-out
    std::optional<Pin> pin{};
    std::vector<Flip> flips{};
    std::string digest;  ///< digest_of() the decision
    bool operator==(const Explanation&) const = default;
};

/// Whether to look for what would have decided otherwise, which costs some 130 decisions a metric.
enum class Counterfactuals : std::uint8_t { yes, no };

/// `decision` is what decide() made of the rest.
[[nodiscard]] Explanation explain(const Policy& policy,
                                  const History& history,
                                  const Observations& observed,
                                  const Membership& membership,
                                  WallTime now,
                                  const Decision& decision,
                                  Counterfactuals wanted = Counterfactuals::yes);

/// "4 or 100 % per 15 s".
[[nodiscard]] std::string to_text(const Budget& budget);

/// Lines for people; the first is the result.
[[nodiscard]] std::vector<std::string> to_lines(const Explanation& explanation);

/// In a fixed order. At most 64 of each list, texts of at most 400 bytes. `text` are the lines.
[[nodiscard]] boost::json::object to_json(const Explanation& explanation);

}  // namespace muster::scaler
