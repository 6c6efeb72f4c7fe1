#pragma once

#include <tl/expected.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace muster::scaler {

/// The text that stands for a placeholder's name; nothing when there is no such.
using PlaceholderValue = std::function<std::optional<std::string>(std::string_view name)>;

/// The text with each `${NAME}` replaced; `$${` stands for `${`. No other syntax: what a value
/// holds is never looked at again. The error says line and name.
[[nodiscard]] tl::expected<std::string, std::string> fill_template(std::string_view text,
                                                                   const PlaceholderValue& value);

/// What a fleet may give as a parameter: up to 255 letters, digits and `._:/@,+=%-`. None of them
/// ends a word or a line in an argument, an environment file or a quoted text of YAML.
[[nodiscard]] bool is_parameter_value(std::string_view text);

/// Of a life: 1 to 128 letters, digits and `._:-`.
[[nodiscard]] bool is_machine_token(std::string_view text);

}  // namespace muster::scaler
