#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

// Reading what a node answered: a member that is missing or of another type is empty, never an
// error, so that musterctl works with older and newer nodes.
namespace muster::ctl {

/// The value at "a.b.c"; null when there is none.
[[nodiscard]] const boost::json::value& at(const boost::json::value& from, std::string_view path);
/// A text as it is, a number or truth value as text, else empty.
[[nodiscard]] std::string text_at(const boost::json::value& from, std::string_view path);
[[nodiscard]] std::optional<double> number_at(const boost::json::value& from,
                                              std::string_view path);
[[nodiscard]] bool true_at(const boost::json::value& from, std::string_view path);
/// The elements at `path`; none when it isn't a list.
[[nodiscard]] const boost::json::array& list_at(const boost::json::value& from,
                                                std::string_view path);

/// Indented by two spaces, a member a line.
[[nodiscard]] std::string pretty_json(const boost::json::value& value);

}  // namespace muster::ctl
