#include "agent/nginx_files.hpp"

#include "common/base/files.hpp"

#include <filesystem>
#include <system_error>

namespace muster::agent {
namespace {

std::string before(const std::string& file) {
    return file + ".before";
}

/// A file that isn't there was included by a pattern, if at all: an empty one is the same.
std::string content(const std::string& file) {
    return read_file(file).value_or("");
}

bool exists(const std::string& file) {
    std::error_code error;
    return std::filesystem::exists(file, error);
}

Result<void> remove(const std::string& file) {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) return fail(error, file);
    return {};
}

}  // namespace

// The http file's old content is written last and removed first: while it is there, so is the
// stream file's.

bool NginxFiles::hold(const NginxTexts& texts) const {
    const std::string& stream = settings_.stream_file;
    return !exists(before(settings_.http_file)) && exists(settings_.http_file) &&
           content(settings_.http_file) == texts.http &&
           (stream.empty() || (exists(stream) && content(stream) == texts.stream));
}

Result<void> NginxFiles::change(const NginxTexts& texts) const {
    const std::string& http = settings_.http_file;
    const std::string& stream = settings_.stream_file;
    const bool began = exists(before(http));
    if (!began && !stream.empty()) {
        if (auto done = replace_file(before(stream), content(stream)); !done) return done;
    }
    if (!began) {
        if (auto done = replace_file(before(http), content(http)); !done) return done;
    }
    if (!stream.empty()) {
        if (auto done = replace_file(stream, texts.stream); !done) return done;
    }
    return replace_file(http, texts.http);
}

Result<void> NginxFiles::confirm() const {
    if (auto done = remove(before(settings_.http_file)); !done) return done;
    if (settings_.stream_file.empty()) return {};
    return remove(before(settings_.stream_file));
}

Result<void> NginxFiles::roll_back() const {
    const std::string& http = settings_.http_file;
    const std::string& stream = settings_.stream_file;
    if (!stream.empty()) {
        if (auto done = replace_file(stream, content(before(stream))); !done) return done;
    }
    if (auto done = replace_file(http, content(before(http))); !done) return done;
    return confirm();
}

}  // namespace muster::agent
