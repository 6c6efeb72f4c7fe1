#include "common/config/problem_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster::config {

void ProblemList::add(std::string path, Place place, std::string what) {
    if (problems_.size() == max_problems) {
        ++left_out_;
        return;
    }
    problems_.push_back({.path = std::move(path),
                         .line = place.line,
                         .column = place.column,
                         .what = std::move(what)});
}

std::vector<Problem> ProblemList::take() {
    std::ranges::sort(problems_, {}, [](const Problem& problem) {
        return std::tie(problem.line, problem.column, problem.path, problem.what);
    });
    if (left_out_ > 0) {
        problems_.push_back(
            {.what = fmt::format("and {} more problems, not listed", std::exchange(left_out_, 0))});
    }
    return std::exchange(problems_, {});
}

}  // namespace muster::config
