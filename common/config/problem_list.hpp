#pragma once

#include "common/config/decode.hpp"
#include "common/config/document.hpp"

#include <string>
#include <vector>

namespace muster::config {

/// Collects problems, at most `max_problems`: enough to work on, bounded for hostile documents.
class ProblemList {
 public:
    static constexpr std::size_t max_problems = 100;

    void add(std::string path, Place place, std::string what);
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    /// Sorted by place. A last entry tells of those left out.
    [[nodiscard]] std::vector<Problem> take();

 private:
    std::vector<Problem> problems_;
    std::size_t left_out_ = 0;
};

}  // namespace muster::config
