#include "common/base/files.hpp"

#include "common/base/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace muster {

namespace {

tl::unexpected<Error> last_error(const std::string& path) {
    return fail({errno, std::generic_category()}, path);
}

tl::unexpected<Error> unfit(const std::string& what) {
    return fail(std::make_error_code(std::errc::permission_denied), what);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) return last_error(path);
    // A read that fails after the open (a process in /proc that has ended) throws.
    try {
        std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (file.bad()) return last_error(path);
        return text;
    } catch (const std::ios_base::failure&) {
        return last_error(path);
    }
}

Result<std::string> read_secret(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return last_error(path);
    if ((status.st_mode & 077U) != 0) return unfit(path + ": others may read it; chmod 600 it");
    Result<std::string> text = read_file(path);
    if (!text) return text;
    text->erase(std::min(text->find_first_of("\r\n"), text->size()));
    if (text->empty()) return unfit(path + ": its first line is empty");
    return text;
}

Result<void> replace_file(const std::string& path, std::string_view text) {
    const std::string beside = path + ".new";
    const FileDescriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!file.is_open()) return last_error(beside);
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return last_error(beside);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) return last_error(beside);
    if (std::rename(beside.c_str(), path.c_str()) != 0) return last_error(path);
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const std::string directory = parent.empty() ? "." : parent;
    const FileDescriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open() || ::fsync(folder.get()) != 0) return last_error(directory);
    return {};
}

}  // namespace muster
