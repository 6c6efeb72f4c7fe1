#include "common/config/document.hpp"

#include "common/config/parsers.hpp"
#include "common/config/problem_list.hpp"
#include "common/config/unicode.hpp"

#include <fmt/format.h>

namespace muster::config {
namespace {

Place place_at(std::string_view text, std::size_t offset) {
    Place place{.line = 1, .column = 1};
    for (const char c : text.substr(0, offset)) {
        if (c == '\n') {
            ++place.line;
            place.column = 1;
        } else {
            ++place.column;
        }
    }
    return place;
}

}  // namespace

std::vector<Node> read_documents(std::string_view text,
                                 const TextLimits& limits,
                                 ProblemList& problems) {
    std::vector<Node> documents;
    if (text.size() > limits.bytes) {
        problems.add(
            "",
            {},
            fmt::format("the text has {} bytes; at most {} are read", text.size(), limits.bytes));
        return documents;
    }
    if (const std::optional<BadByte> bad = find_bad_byte(text)) {
        problems.add("", place_at(text, bad->offset), bad->what);
        return documents;
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
        parse_json(text, limits, documents, problems);
    } else {
        parse_yaml(text, limits, documents, problems);
    }
    return documents;
}

}  // namespace muster::config
