#pragma once

#include "scaler/history.hpp"

#include <boost/json/object.hpp>
#include <tl/expected.hpp>

#include <string>

// A History as JSON, for ZooKeeper, recordings and tests. Pure. Made of text by anyone: reading
// checks every bound, and what it gives back decides as what was written would have.
namespace muster::scaler {

[[nodiscard]] boost::json::object json_of(const History& history);

/// Unknown members are left out; what is missing is empty. Fails: with the path of what is wrong.
[[nodiscard]] tl::expected<History, std::string> read_history(const boost::json::object& json);

}  // namespace muster::scaler
