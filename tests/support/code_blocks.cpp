#include "tests/support/code_blocks.hpp"

#include <fmt/format.h>

#include <sstream>

namespace muster::test {

std::vector<CodeBlock> code_blocks(std::string_view page) {
    constexpr std::string_view fence = "```";
    std::vector<CodeBlock> blocks;
    std::string heading;
    int number = 0;
    bool inside = false;
    std::istringstream lines{std::string(page)};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(fence)) {
            if (!inside)
                blocks.push_back({.name = fmt::format("{} {}", heading, ++number),
                                  .language = line.substr(fence.size()),
                                  .text = ""});
            inside = !inside;
        } else if (inside) {
            blocks.back().text += line + "\n";
        } else if (line.starts_with('#')) {
            heading = line.substr(line.find_first_not_of("# "));
            number = 0;
        }
    }
    return blocks;
}

}  // namespace muster::test
