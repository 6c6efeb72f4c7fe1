#include "common/config/decode.hpp"
#include "common/config/enum_words.hpp"

namespace muster::config {

std::string_view to_string(Algorithm algorithm) {
    return word_of(algorithm);
}

std::string_view to_string(Admin admin) {
    return word_of(admin);
}

std::string_view to_string(OutlierAction action) {
    return word_of(action);
}

std::string to_string(const Problem& problem) {
    std::string text;
    if (problem.line > 0) text = fmt::format("line {}, column {}: ", problem.line, problem.column);
    if (!problem.path.empty()) text += problem.path + ": ";
    return text + problem.what;
}

}  // namespace muster::config
