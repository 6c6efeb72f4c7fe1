#pragma once

#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

// Text to model and back. The decoder is strict: everything that it doesn't know is an error, and
// all errors are reported at once. Pure; input is hostile.
namespace muster::config {

/// One thing wrong with a document.
struct Problem {
    std::string path;  ///< "spec.backends[3].weight"
    int line = 0;      ///< 1-based; 0 = unknown (a document made in memory)
    int column = 0;
    std::string what;  ///< what is wrong and what would be right
    bool operator==(const Problem&) const = default;
};

/// "line 4, column 7: spec.check.rise: is 0; must be a whole number from 1 to 100".
[[nodiscard]] std::string to_string(const Problem& problem);

struct Limits {
    std::size_t document_bytes = 16UZ << 20U;
    std::size_t backends = 100'000;  ///< of one group
    std::size_t documents = 1'000;   ///< of one text
};

struct Decoded {
    std::vector<GroupSpec> groups;  ///< only to be used when there are no problems
    std::vector<FleetSpec> fleets;  ///< the same
    std::vector<Problem> problems;
};

/// Reads YAML (several documents with ---) or JSON, objects of `kind: Group` or `Fleet`, or the
/// legacy blob. JSON is found by its first character.
[[nodiscard]] Decoded decode(std::string_view text, const Limits& limits = {});

/// The spec as canonical JSON (`{"kind":"Group","name":...,"spec":{...}}`); decode() of its text
/// gives the same value back. Fields at their default are left out unless `full`.
enum class Verbosity { changed_only, full };
[[nodiscard]] boost::json::value encode(const GroupSpec& group,
                                        Verbosity verbosity = Verbosity::changed_only);
[[nodiscard]] boost::json::value encode(const FleetSpec& fleet,
                                        Verbosity verbosity = Verbosity::changed_only);
[[nodiscard]] std::string encode_yaml(const GroupSpec& group);
[[nodiscard]] std::string encode_yaml(const FleetSpec& fleet);

/// The parts of a group that znodes hold apart: everything but the backends, and a list of
/// backends. Decoding applies the same rules as decode().
[[nodiscard]] boost::json::value encode_spec_without_backends(const GroupSpec& group);
[[nodiscard]] boost::json::value encode_backends(const std::vector<Backend>& backends);
struct DecodedParts {
    GroupSpec group;
    std::vector<Problem> problems;
};
[[nodiscard]] DecodedParts decode_parts(const GroupName& name,
                                        const boost::json::value& spec_without_backends,
                                        const std::vector<boost::json::value>& backend_lists);

/// What a fleet's znode holds: its spec in full. Decoding applies the same rules as decode().
[[nodiscard]] boost::json::value encode_spec(const FleetSpec& fleet);
struct DecodedFleet {
    FleetSpec fleet;
    std::vector<Problem> problems;
};
[[nodiscard]] DecodedFleet decode_fleet(const FleetName& name, const boost::json::value& spec);

/// "150ms", "2s", "1m30s"; the shortest exact form.
[[nodiscard]] std::string to_string(Duration duration);

[[nodiscard]] std::string_view to_string(Algorithm algorithm);
[[nodiscard]] std::string_view to_string(Admin admin);
[[nodiscard]] std::string_view to_string(OutlierAction action);

}  // namespace muster::config
