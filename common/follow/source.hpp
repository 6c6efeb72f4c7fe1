#pragma once

#include "common/coordination/types.hpp"

#include <string>

namespace muster::follow {

/// Where a view finds the nodes whose paths have changed: a mirror, or a copy that was kept.
class Source {
 public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// Null when the path is not there, or not read yet.
    [[nodiscard]] virtual const coordination::Node* find(const std::string& path) const = 0;
    /// It is there, as far as is known: also a path of which only the children are read.
    [[nodiscard]] virtual bool has(const std::string& path) const = 0;
};

}  // namespace muster::follow
