#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Arbitrary damage to a reply that leaves its numbers alone: which number was meant can't be seen.
namespace muster::scaler::prometheus::test {

/// Gives numbers from 0 to `most`.
using Chance = std::function<std::size_t(std::size_t most)>;

/// Where `number` stands in quotes, quotes included: [begin, end).
inline std::vector<std::pair<std::size_t, std::size_t>> places_of(const std::string& body,
                                                                  std::string_view number) {
    const std::string quoted = "\"" + std::string(number) + "\"";
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t at = body.find(quoted); at != std::string::npos;
         at = body.find(quoted, at + 1))
        places.emplace_back(at, at + quoted.size());
    return places;
}

/// One change somewhere; `number`: the text of the numbers to leave alone, or empty.
inline std::string mutated(std::string body, std::string_view number, const Chance& chance) {
    if (body.empty()) return body;
    const auto places = number.empty() ? std::vector<std::pair<std::size_t, std::size_t>>{}
                                       : places_of(body, number);
    const auto touches = [&places](std::size_t begin, std::size_t end) {
        return std::ranges::any_of(
            places, [=](const auto& place) { return begin < place.second && end > place.first; });
    };
    const std::size_t begin = chance(body.size() - 1);
    const std::size_t length = 1 + chance(chance(3) == 0 ? body.size() - begin - 1 : 4);
    const std::size_t end = std::min(begin + length, body.size());
    constexpr std::string_view likely = "{}[]\",:\\0123456789eE.-+nulltruefalse \n\xff";
    const char letter =
        chance(1) == 0 ? likely[chance(likely.size() - 1)] : static_cast<char>(chance(255));
    switch (chance(5)) {
        case 0:  // another letter
            if (!touches(begin, begin + 1)) body[begin] = letter;
            break;
        case 1:  // one letter more
            if (!touches(begin, begin + 1)) body.insert(begin, 1, letter);
            break;
        case 2:  // something is lost
            if (!touches(begin, end)) body.erase(begin, end - begin);
            break;
        case 3:  // something comes twice
            if (!touches(begin, begin + 1)) body.insert(begin, body.substr(begin, end - begin));
            break;
        case 4:  // something comes elsewhere, too
            if (!touches(begin, begin + 1))
                body.insert(begin, body.substr(chance(body.size() - 1), end - begin));
            break;
        default:  // the end is lost
            body.resize(begin);
            break;
    }
    return body;
}

}  // namespace muster::scaler::prometheus::test
