#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

// Making texts that came from anywhere safe to send. Pure.
namespace muster::orchestrator {

/// JSON that may stand anywhere: valid UTF-8, and no "</", which could end a script element.
[[nodiscard]] std::string serialized(const boost::json::value& value);

/// For HTML text and quoted attributes.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace muster::orchestrator
