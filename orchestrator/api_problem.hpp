#pragma once

#include "common/base/result.hpp"
#include "common/config/decode.hpp"
#include "common/http/message.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string_view>
#include <vector>

namespace muster::orchestrator {

/// `application/json`.
[[nodiscard]] http::Response json_response(int status, const boost::json::value& body);

/// RFC 9457 `application/problem+json`; `more` are its further members.
[[nodiscard]] http::Response problem(int status,
                                     std::string_view detail,
                                     boost::json::object more = {});

/// 422 with `errors[]`.
[[nodiscard]] http::Response problem(const std::vector<config::Problem>& problems);

/// The status that a failed command has (CommandErrc): 412, 404, 409, 503, 504; 500 for others.
[[nodiscard]] int status_of(const Error& error);

}  // namespace muster::orchestrator
