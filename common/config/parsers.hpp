#pragma once

#include "common/config/document.hpp"

#include <string_view>
#include <vector>

// The two syntaxes behind read_documents(). Both take text that is known to be UTF-8 without
// control characters, append what they read and report what is wrong.
namespace muster::config {

void parse_yaml(std::string_view text,
                const TextLimits& limits,
                std::vector<Node>& documents,
                ProblemList& problems);

/// RFC 8259 to the letter, one value.
void parse_json(std::string_view text,
                const TextLimits& limits,
                std::vector<Node>& documents,
                ProblemList& problems);

}  // namespace muster::config
