#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muster::test {

/// A fenced block of a page in Markdown.
struct CodeBlock {
    std::string name;      ///< "DNS 2": the second one below that heading
    std::string language;  ///< "yaml"; empty = it has none
    std::string text;      ///< with its last line feed
    bool operator==(const CodeBlock&) const = default;
};

/// All of a page, in order. Headings begin with '#', fences are ``` at the begin of a line.
[[nodiscard]] std::vector<CodeBlock> code_blocks(std::string_view page);

}  // namespace muster::test
