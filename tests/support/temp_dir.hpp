#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace muster::test {

/// A fresh directory (mode 0700) that goes with its owner, contents and all. MUSTER_KEEP_TEMP=1
/// keeps it and prints its name, for a look at what servers left there.
class TempDir {
 public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
        return path_ / name;
    }

    /// Writes a file in it, made or replaced, and returns its path.
    std::filesystem::path write(std::string_view name, std::string_view text) const;

 private:
    std::filesystem::path path_;
};

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace muster::test
