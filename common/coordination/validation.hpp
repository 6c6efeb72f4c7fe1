#pragma once

#include "common/base/result.hpp"
#include "common/coordination/types.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace muster::coordination {

/// Our own rules for requests, the same for every adapter. They are stricter than ZooKeeper's,
/// because its C client damages memory when it meets a bad path inside a multi (reference, G2), and
/// its servers drop the connection on an oversized request (G4).

inline constexpr std::size_t max_path_bytes = 1024;

/// Absolute, no empty, "." or ".." component, no trailing slash (but "/" itself), printable ASCII.
[[nodiscard]] Result<void> check_path(std::string_view path);

/// At least one op, every path in order. A sequential create may end in "/": the number follows.
[[nodiscard]] Result<void> check_ops(const std::vector<Op>& ops);

/// About what the request takes on the wire, from above.
[[nodiscard]] std::size_t request_bytes(const std::vector<Op>& ops);

[[nodiscard]] const std::string& path_of(const Op& op);
[[nodiscard]] bool is_sequential(CreateMode mode);
[[nodiscard]] bool is_ephemeral(CreateMode mode);

/// "/" for "/a", and "/a" for "/a/b". Not for "/".
[[nodiscard]] std::string_view parent_of(std::string_view path);

}  // namespace muster::coordination
