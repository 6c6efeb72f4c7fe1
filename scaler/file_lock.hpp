#pragma once

#include "common/base/file_descriptor.hpp"
#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <utility>

namespace muster::scaler {

/// The lock of a file, held until it goes out of scope, and by a fork of the holder until that ends
/// or executes something: an open file description's (fcntl(2)), which two holders in one process
/// exclude each other by, too.
class FileLock {
 public:
    /// Nothing when another has it. The file is made when it isn't there.
    [[nodiscard]] static Result<std::optional<FileLock>> try_take(const std::string& path);
    /// Asks only.
    [[nodiscard]] static bool is_taken(const std::string& path);

 private:
    explicit FileLock(FileDescriptor file) : file_(std::move(file)) {}

    FileDescriptor file_;
};

}  // namespace muster::scaler
