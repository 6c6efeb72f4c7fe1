#include "agent/certificate_files.hpp"

#include "common/base/file_descriptor.hpp"
#include "common/base/files.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace muster::agent {
namespace {

constexpr const char* chain_name = "/tls.crt";
constexpr const char* key_name = "/tls.key";

bool is_directory(const std::string& path) {
    struct stat found{};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

tl::unexpected<Error> last_error(const std::string& path) {
    return fail({errno, std::generic_category()}, path);
}

/// A pipe in its place must not hold us up, nor a device fill our memory.
Result<std::string> read_regular(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) return last_error(path);
    struct stat found{};
    if (::fstat(file.get(), &found) != 0) return last_error(path);
    if (!S_ISREG(found.st_mode))
        return fail(std::make_error_code(std::errc::bad_message), path + ": is no regular file");
    std::string text(max_certificate_bytes + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return last_error(path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

}  // namespace

std::string stamp_of_file(const std::string& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return {};
    return fmt::format("{}:{} {} {}.{} {}.{}",
                       found.st_dev,
                       found.st_ino,
                       found.st_size,
                       found.st_mtim.tv_sec,
                       found.st_mtim.tv_nsec,
                       found.st_ctim.tv_sec,
                       found.st_ctim.tv_nsec);
}

std::string stamp_of_source(const std::string& path) {
    if (!is_directory(path)) return stamp_of_file(path);
    const std::string chain = stamp_of_file(path + chain_name);
    const std::string key = stamp_of_file(path + key_name);
    return chain.empty() && key.empty() ? std::string() : chain + " / " + key;
}

Result<Certificate> read_source(const std::string& path) {
    const bool parts = is_directory(path);
    const Result<std::string> chain = read_regular(parts ? path + chain_name : path);
    if (!chain) return tl::unexpected(chain.error());
    const Result<std::string> key = parts ? read_regular(path + key_name) : chain;
    if (!key) return tl::unexpected(key.error());
    Result<Certificate> read = read_certificate(*chain, *key);
    if (!read) read.error().context = path + ": " + read.error().context;
    return read;
}

Result<void> write_certificate(const std::string& path, const Certificate& kept) {
    // Beforehand, so that the key never lies in a file that others may read.
    const FileDescriptor file(
        ::open((path + ".new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open() || ::fchmod(file.get(), 0600) != 0) return last_error(path + ".new");
    return replace_file(path, kept.pem);
}

}  // namespace muster::agent
