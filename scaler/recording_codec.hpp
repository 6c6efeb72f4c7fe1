#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <string>
#include <string_view>

// The scaler's values as JSON, in a fixed order: equal values give equal bytes. Pure. A field that
// is added to one of them doesn't compile here until it is written and read, too.
namespace muster::scaler {

[[nodiscard]] boost::json::object to_json(const Sample& sample);
[[nodiscard]] boost::json::object to_json(const Trends& trends);
[[nodiscard]] boost::json::object to_json(const Membership& membership);
[[nodiscard]] boost::json::object to_json(const History& history);
[[nodiscard]] boost::json::object to_json(const Decision& decision);

/// A decision's bytes; what replays compare.
[[nodiscard]] std::string canonical(const Decision& decision);
/// What an audit keeps of a decision: 16 hexadecimal digits.
[[nodiscard]] std::string digest_of(const Decision& decision);

/// What is wrong with hostile input, and where in it: "samples.rps.value: is no number".
template <class T>
using Decoded = tl::expected<T, std::string>;

/// Strict: an unknown member, a wrong type or a value out of its range is an error. `path` is what
/// the value is called in it.
[[nodiscard]] Decoded<Sample> read_sample(const boost::json::value& from, const std::string& path);
[[nodiscard]] Decoded<Trends> read_trends(const boost::json::value& from, const std::string& path);
[[nodiscard]] Decoded<Membership> read_membership(const boost::json::value& from,
                                                  const std::string& path);
[[nodiscard]] Decoded<History> read_history(const boost::json::value& from,
                                            const std::string& path);

/// Of a recorded decision what others go on from; the rest is only compared.
struct RecordedDecision {
    int was = 0;
    int size = 0;
    History next;
};
[[nodiscard]] Decoded<RecordedDecision> read_decision(const boost::json::value& from,
                                                      const std::string& path);

}  // namespace muster::scaler
