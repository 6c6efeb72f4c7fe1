#pragma once

#include <filesystem>
#include <string_view>

namespace muster::test {

/// A program of the same build as this test, by its place in the build tree
/// ("orchestrator/musterd"). Throws std::runtime_error when it isn't there: name its target in
/// DEPENDS of muster_test().
[[nodiscard]] std::filesystem::path built_program(std::string_view place);

/// A file of the source tree ("deploy/quickstart/groups.yaml").
[[nodiscard]] std::filesystem::path source_file(std::string_view place);

}  // namespace muster::test
