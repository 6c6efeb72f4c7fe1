#pragma once

#include <string>
#include <utility>
#include <vector>

namespace muster::sim {

/// What a run did that it must not. Keeps the first few; one is enough to fail it.
class Violations {
 public:
    void report(double seconds, const std::string& rule, const std::string& what) {
        ++count_;
        if (texts_.size() < kept) {
            texts_.push_back("at " + std::to_string(seconds) + " s, " + rule + ": " + what);
        }
    }
    [[nodiscard]] bool none() const { return count_ == 0; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
    static constexpr std::size_t kept = 5;
    std::size_t count_ = 0;
    std::vector<std::string> texts_;
};

}  // namespace muster::sim
