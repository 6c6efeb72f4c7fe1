#include "ctl/secrets.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string_view>

namespace muster::ctl {

namespace {

constexpr std::size_t max_secret_bytes = 1024;

tl::unexpected<Error> failed(const std::filesystem::path& path) {
    return fail(std::error_code(errno, std::generic_category()), path.string());
}

/// 256 random bits as hex digits.
std::string random_secret() {
    std::array<unsigned char, 32> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error("no random numbers from OpenSSL");
    }
    std::string text;
    for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

struct Descriptor {
    int fd;
    explicit Descriptor(int opened) : fd(opened) {}
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

Result<void> write_private_file(const std::filesystem::path& path, const std::string& text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd < 0) return failed(path);
    const std::string line = text + "\n";
    const ssize_t written = ::write(file.fd, line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size()) || ::fsync(file.fd) != 0) return failed(path);
    return {};
}

/// What the file holds, or `fresh`, which it holds from now on.
Result<std::string> read_or_write(const std::filesystem::path& path, const std::string& fresh) {
    auto held = read_private_file(path, max_secret_bytes);
    if (held || held.error().code != std::errc::no_such_file_or_directory) return held;
    if (auto written = write_private_file(path, fresh); !written) {
        return tl::unexpected(written.error());
    }
    return fresh;
}

Result<void> load_user(const std::filesystem::path& path, User& user) {
    const auto held = read_or_write(path, user.name + ":" + random_secret());
    if (!held) return tl::unexpected(held.error());
    const std::size_t colon = held->find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == held->size()) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    path.string() + " does not hold user:password");
    }
    user = {.name = held->substr(0, colon), .password = held->substr(colon + 1)};
    return {};
}

}  // namespace

Result<std::string> read_private_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) return failed(path);
    struct stat about{};
    if (::fstat(file.fd, &about) != 0) return failed(path);
    if ((about.st_mode & 077U) != 0) {
        return fail(std::make_error_code(std::errc::permission_denied),
                    path.string() + " can be read by others; chmod 600 it");
    }
    std::string text(max_bytes + 1, '\0');
    const ssize_t count = ::read(file.fd, text.data(), text.size());
    if (count < 0) return failed(path);
    if (static_cast<std::size_t>(count) > max_bytes) {
        return fail(std::make_error_code(std::errc::file_too_large), path.string());
    }
    text.resize(static_cast<std::size_t>(count));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

Result<Secrets> load_or_make_secrets(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return failed(directory);
    Secrets secrets;
    struct UserFile {
        std::string_view name;
        User& user;
    };
    for (const auto& [name, user] : {UserFile{"node.auth", secrets.users.node},
                                     UserFile{"agent.auth", secrets.users.agent},
                                     UserFile{"reader.auth", secrets.users.reader}}) {
        if (auto loaded = load_user(directory / name, user); !loaded) {
            return tl::unexpected(loaded.error());
        }
    }
    const auto shared = read_or_write(directory / "cluster.secret", random_secret());
    if (!shared) return tl::unexpected(shared.error());
    const auto uuid = read_or_write(directory / "cluster.uuid", fresh_uuid());
    if (!uuid) return tl::unexpected(uuid.error());
    secrets.cluster_uuid = *uuid;
    return secrets;
}

}  // namespace muster::ctl
