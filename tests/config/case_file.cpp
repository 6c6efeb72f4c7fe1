#include "tests/config/case_file.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace muster::config {
namespace {

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

ExpectedProblem parse_problem(std::string_view text) {
    const std::size_t first = text.find('|');
    const std::size_t second = text.find('|', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
        throw std::runtime_error("says: needs path | line | fragment: " + std::string(text));
    const std::string line(trim(text.substr(first + 1, second - first - 1)));
    return {.path = std::string(trim(text.substr(0, first))),
            .line = std::stoi(line),
            .fragment = std::string(trim(text.substr(second + 1)))};
}

std::string unescape(std::string_view text) {
    std::string bytes;
    while (!text.empty()) {
        if (text.size() >= 4 && text.starts_with("\\x")) {
            unsigned byte = 0;
            std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
            bytes += static_cast<char>(byte);
            text.remove_prefix(4);
        } else {
            bytes += text.front();
            text.remove_prefix(1);
        }
    }
    return bytes;
}

Case parse_case(std::string_view block) {
    const auto take_line = [&] {
        const std::size_t end = std::min(block.find('\n'), block.size());
        const std::string_view line = block.substr(0, end);
        block.remove_prefix(std::min(end + 1, block.size()));
        return line;
    };
    Case result{.name = std::string(take_line())};
    bool escaped = false;
    for (std::string_view line = take_line(); line != "~~~"; line = take_line()) {
        if (line.starts_with("says: ")) {
            result.problems.push_back(parse_problem(line.substr(6)));
        } else if (line == "bytes: escaped") {
            escaped = true;
        } else if (!line.starts_with("schema: ")) {
            throw std::runtime_error("case " + result.name + ": what is \"" + std::string(line) +
                                     "\"?");
        }
    }
    result.text = escaped ? unescape(block) : std::string(block);
    if (result.problems.empty()) throw std::runtime_error("case " + result.name + " says nothing");
    return result;
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error("can't read " + file.string());
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<Case> read_cases(const std::filesystem::path& folder) {
    std::vector<Case> cases;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string content = read_file(entry.path());
        constexpr std::string_view opening = "\n=== ";
        std::size_t start = content.find(opening);
        while (start != std::string::npos) {
            start += opening.size();
            const std::size_t next = content.find(opening, start);
            Case found = parse_case(std::string_view(content).substr(start, next - start));
            found.name = entry.path().stem().string() + ": " + found.name;
            cases.push_back(std::move(found));
            start = next;
        }
    }
    std::ranges::sort(cases, {}, &Case::name);
    return cases;
}

}  // namespace muster::config
