#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/probe_model.hpp"
#include "common/config/value.hpp"

#include <string_view>
#include <vector>

// The probe of a check: its kind under the kind's name (`http: {...}`, at most one of them), and
// what is common to kinds (`tls: {...}`). A kind has a pair of functions here, a line in
// probe_codec.cpp, a place in the schema and a section in docs/probes.md.
namespace muster::config {

/// The fields of a check: those of its probe, and the `others`.
[[nodiscard]] std::vector<std::string_view> with_probe_fields(std::vector<std::string_view> others);
[[nodiscard]] ProbeSpec decode_probe(const Fields& check);
void encode_probe(const ProbeSpec& probe, Verbosity verbosity, FieldWriter& check);

[[nodiscard]] HttpCheck decode_http(const Value& value);
[[nodiscard]] json::object encode(const HttpCheck& http, Verbosity verbosity);
[[nodiscard]] TcpCheck decode_tcp(const Value& value);
[[nodiscard]] json::object encode(const TcpCheck& tcp, Verbosity verbosity);

}  // namespace muster::config
