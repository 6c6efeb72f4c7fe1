#include "common/observe/line_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

namespace muster::log {

namespace {

int open_log(const std::string& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

}  // namespace

LineSink::LineSink(std::string path)
    : path_(std::move(path)), fd_(path_.empty() ? STDERR_FILENO : open_log(path_)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), path_);
}

LineSink::~LineSink() {
    if (!path_.empty()) ::close(fd_);
}

void LineSink::reopen() {
    if (path_.empty()) return;
    const std::lock_guard lock(mutex_);
    const int fresh = open_log(path_);
    if (fresh < 0) return;
    ::close(std::exchange(fd_, fresh));
}

void LineSink::sink_it_(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (mid_line_ && write_all("\n", 1) == Written::all) mid_line_ = false;
    const Written written = mid_line_ ? Written::nothing : write_all(line.data(), line.size());
    mid_line_ = mid_line_ || written == Written::part;
    stuck_ = written != Written::all;
    if (stuck_) ++dropped_;
}

LineSink::Written LineSink::write_all(const char* data, std::size_t size) const {
    constexpr int patience_ms = 1000;
    const auto failed = [whole = size](std::size_t left) {
        return left == whole ? Written::nothing : Written::part;
    };
    while (size > 0) {
        pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
        const int polled = ::poll(&ready, 1, stuck_ ? 0 : patience_ms);
        if (polled < 0 && errno == EINTR) continue;
        if (polled <= 0) return failed(size);
        // A pipe that polls writable takes PIPE_BUF bytes without blocking.
        const ssize_t count = ::write(fd_, data, std::min<std::size_t>(size, PIPE_BUF));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return failed(size);
        data += count;
        size -= static_cast<std::size_t>(count);
    }
    return Written::all;
}

}  // namespace muster::log
