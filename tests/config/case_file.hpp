#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace muster::config {

/// What the decoder must say.
struct ExpectedProblem {
    std::string path;
    int line = 0;
    std::string fragment;  ///< of Problem::what
};

/// One text that must be refused, from a file of such cases:
///
///     === a name
///     says: spec.check.rise | 5 | is 0; must be      (path, line, fragment; one for each problem)
///     schema: refuses        (or: accepts, for rules that a schema can't express;
///                             or: never sees it, for texts that no YAML reader gets through)
///     bytes: escaped         (optional: \xFF in the text stands for that byte)
///     ~~~
///     the text, up to the empty line before the next case
///
/// schema_test.py reads the same files.
struct Case {
    std::string name;
    std::vector<ExpectedProblem> problems;
    std::string text;
};

/// Throws std::runtime_error when a file is not of this form: a broken corpus must not pass.
[[nodiscard]] std::vector<Case> read_cases(const std::filesystem::path& folder);

[[nodiscard]] std::string read_file(const std::filesystem::path& file);

}  // namespace muster::config
