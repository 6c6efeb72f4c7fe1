#pragma once

#include "common/http/message.hpp"
#include "orchestrator/api_json.hpp"

#include <optional>
#include <string_view>

namespace muster::orchestrator {

/// The dashboard's page: a shell that its script fills. With a view (the caller may read) it also
/// has a plain table of the groups for readers without scripts. Pure.
[[nodiscard]] http::Response answer_page(const std::optional<View>& view);

/// `/assets/<name>`, with a strong ETag; 304 and 404 as usual.
[[nodiscard]] http::Response answer_asset(std::string_view name, const http::Request& request);

}  // namespace muster::orchestrator
