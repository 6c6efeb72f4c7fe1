#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/probe_model.hpp"
#include "common/config/value.hpp"

#include <vector>

// What is expected of a text, in the words of a configuration:
//   body: ok                                a text that must be within
//   body: {not_contains: error}             one of contains, not_contains, regex, not_regex
//   body: [{contains: ok}, {regex: "^v[12]"}]   all of these
//   headers: {Content-Type: json, X-Old: {absent: true}, Server: {present: true}}
//   json: [{pointer: /ready, equals: true}, {pointer: /queue, less: 100}]
namespace muster::config {

/// The field `headers` of a request: names and values.
[[nodiscard]] std::vector<Header> read_request_headers(const Fields& fields);
[[nodiscard]] json::object encode_request_headers(const std::vector<Header>& headers);

[[nodiscard]] std::vector<TextMatch> decode_texts(const Value& value);
[[nodiscard]] json::value encode_texts(const std::vector<TextMatch>& matches);

[[nodiscard]] std::vector<HeaderMatch> decode_headers(const Value& value);
[[nodiscard]] json::object encode_headers(const std::vector<HeaderMatch>& matches);

[[nodiscard]] std::vector<JsonMatch> decode_json(const Value& value);
[[nodiscard]] json::array encode_json(const std::vector<JsonMatch>& matches);

}  // namespace muster::config
