#include "tests/support/program.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

namespace muster::test {

namespace {

std::filesystem::path build_dir() {
    std::filesystem::path dir = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    while (!exists(dir / "CMakeCache.txt")) {
        if (dir == dir.parent_path())
            throw std::runtime_error("this test runs outside its build directory");
        dir = dir.parent_path();
    }
    return dir;
}

/// CMake writes the source directory down in its cache; looking there keeps absolute paths out of
/// the compiler's arguments, and so lets build directories share ccache.
std::filesystem::path source_dir() {
    constexpr std::string_view key = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    std::ifstream cache(build_dir() / "CMakeCache.txt");
    for (std::string line; std::getline(cache, line);)
        if (line.starts_with(key)) return line.substr(key.size());
    throw std::runtime_error("CMakeCache.txt doesn't name the source directory");
}

std::filesystem::path existing(std::filesystem::path path) {
    if (!exists(path)) throw std::runtime_error("there is no " + path.string());
    return path;
}

}  // namespace

std::filesystem::path built_program(std::string_view place) {
    return existing(build_dir() / place);
}

std::filesystem::path source_file(std::string_view place) {
    return existing(source_dir() / place);
}

}  // namespace muster::test
