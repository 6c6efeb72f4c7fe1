#include "scaler/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>

namespace muster::scaler {

namespace {

struct flock whole_file() {
    struct flock wish{};
    wish.l_type = F_WRLCK;
    wish.l_whence = SEEK_SET;
    return wish;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_take(const std::string& path) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.is_open()) return fail({errno, std::generic_category()}, path);
    struct flock wish = whole_file();
    if (::fcntl(file.get(), F_OFD_SETLK, &wish) != 0) {
        if (errno == EAGAIN || errno == EACCES) return std::nullopt;
        return fail({errno, std::generic_category()}, path);
    }
    return FileLock(std::move(file));
}

bool FileLock::is_taken(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.is_open()) return false;
    struct flock wish = whole_file();
    return ::fcntl(file.get(), F_OFD_GETLK, &wish) == 0 && wish.l_type != F_UNLCK;
}

}  // namespace muster::scaler
