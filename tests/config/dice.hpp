#pragma once

#include "common/config/probe_model.hpp"

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace muster::config {

/// Chance for tests that make documents.
class Dice {
 public:
    explicit Dice(std::mt19937_64& random) : random_(random) {}

    int number(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(random_);
    }
    bool chance() { return number(0, 1) == 0; }
    template <class T, std::size_t n>
    T one_of(const std::array<T, n>& choices) {
        return choices[static_cast<std::size_t>(number(0, static_cast<int>(n) - 1))];
    }
    std::string word(std::string_view letters, int least, int most) {
        std::string text;
        for (int left = number(least, most); left > 0; --left)
            text +=
                letters[static_cast<std::size_t>(number(0, static_cast<int>(letters.size()) - 1))];
        return text;
    }
    Duration duration(Duration least, Duration most) {
        // Of any size of unit, so that all of them are written.
        const std::array<Duration, 4> steps = {1ns, 1us, 1ms, 1s};
        const Duration step = one_of(steps);
        const auto spread = std::uniform_int_distribution<Duration::rep>(0, (most - least) / step);
        std::uniform_int_distribution<Duration::rep> distribution = spread;
        return least + step * distribution(random_);
    }

 private:
    std::mt19937_64& random_;
};

inline constexpr std::string_view letters = "abcxyzABCXYZ0189";

/// With those that YAML would misread.
inline std::string random_name(Dice& dice) {
    constexpr std::array<std::string_view, 10> odd = {
        "no", "true", "null", "0x1F", "1e3", "017", "1.5", "2026-01-31", "y", "a.b_c-d"};
    if (dice.number(0, 3) == 0) return std::string(dice.one_of(odd));
    return dice.word(letters, 1, 1) + dice.word("abcABC019._-", 0, 20);
}

}  // namespace muster::config
