#include "orchestrator/recording_files.hpp"

#include "common/config/decode.hpp"
#include "common/config/text_rules.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

namespace muster::orchestrator {

namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::floor;

constexpr std::string_view suffix = ".rec";
constexpr std::uint64_t largest_file = 8ULL << 20U;
constexpr std::uint64_t smallest_file = 64ULL << 10U;
constexpr std::size_t most_listed = 10'000;
constexpr int most_of_one_time = 99;
constexpr std::chrono::hours sweep_period{1};
constexpr std::size_t longest_policy = 1UZ << 20U;

tl::unexpected<Error> last_error(const fs::path& path) {
    return fail({errno, std::generic_category()}, path.string());
}

/// "2026-03-01T12:00:00Z" is 20260301T120000Z.
std::string compact(WallTime time) {
    std::string text = scaler::time_text(floor<std::chrono::seconds>(time));
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

/// Of all of `text`, without leading zeroes.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || text[0] == '-' ||
        (text[0] == '0' && text.size() > 1))
        return std::nullopt;
    return number;
}

struct Kept {
    RecordingFile file;
    fs::path path;
    std::uint64_t bytes = 0;
};

/// Recordings in a fleet's directory. What is no regular file isn't one.
std::vector<Kept> kept_in(const fs::path& directory) {
    std::vector<Kept> all;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error);
         !error && entry != fs::directory_iterator() && all.size() < most_listed;
         entry.increment(error)) {
        const auto file = recording_file(entry->path().filename().native());
        struct stat status{};
        if (!file || ::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        all.push_back({.file = *file,
                       .path = entry->path(),
                       .bytes = static_cast<std::uint64_t>(status.st_size)});
    }
    return all;
}

std::vector<Kept> kept_of_all(const fs::path& directory) {
    std::vector<Kept> all;
    std::error_code error;
    std::size_t fleets = 0;
    for (fs::directory_iterator entry(directory, error);
         !error && entry != fs::directory_iterator() && fleets < most_listed;
         entry.increment(error)) {
        std::error_code unknown;
        if (!entry->is_directory(unknown) || entry->is_symlink(unknown)) continue;
        ++fleets;
        std::ranges::move(kept_in(entry->path()), std::back_inserter(all));
    }
    return all;
}

bool has_space(const fs::path& directory, std::uint64_t bytes) {
    struct statvfs space{};
    if (::statvfs(directory.c_str(), &space) != 0) return true;
    return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize >= bytes;
}

/// All of it, or how much.
std::size_t write_all(int descriptor, std::string_view text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

/// Somebody has removed it.
bool is_gone(int descriptor) {
    struct stat status{};
    return ::fstat(descriptor, &status) != 0 || status.st_nlink == 0;
}

}  // namespace

std::string to_string(const RecordingFile& file) {
    std::string name = fmt::format("{}-{}", compact(file.begin), file.epoch);
    if (file.number > 1) name += fmt::format("-{}", file.number);
    return name + std::string(suffix);
}

std::optional<RecordingFile> recording_file(std::string_view name) {
    constexpr std::size_t time_length = 16;  // 20260301T120000Z
    if (name.size() < time_length + 2 || name.size() > 64 || !name.ends_with(suffix) ||
        name[time_length] != '-')
        return std::nullopt;
    const std::string_view time = name.substr(0, time_length);
    const auto begin = scaler::read_time(fmt::format("{}-{}-{}:{}:{}",
                                                     time.substr(0, 4),
                                                     time.substr(4, 2),
                                                     time.substr(6, 5),
                                                     time.substr(11, 2),
                                                     time.substr(13)));
    std::string_view rest = name.substr(time_length + 1);
    rest.remove_suffix(std::min(suffix.size(), rest.size()));
    const std::size_t dash = rest.find('-');
    const auto epoch = number_of<std::int64_t>(rest.substr(0, dash));
    const auto number =
        dash == std::string_view::npos ? std::optional(1) : number_of<int>(rest.substr(dash + 1));
    if (!begin || !epoch || !number) return std::nullopt;
    const RecordingFile file{.begin = *begin, .epoch = *epoch, .number = *number};
    if (to_string(file) != name) return std::nullopt;
    return file;
}

std::vector<RecordingFile> recording_files(const fs::path& directory, const FleetName& fleet) {
    std::vector<RecordingFile> files;
    if (!config::rules::name(fleet.str()).empty()) return files;
    for (const Kept& kept : kept_in(directory / fleet.str())) files.push_back(kept.file);
    std::ranges::sort(files);
    return files;
}

RecordingFiles::RecordingFiles(fs::path directory, NodeId node, RecordingLimits limits)
    : directory_(std::move(directory)),
      node_(std::move(node)),
      limits_(limits),
      file_bytes_(std::clamp(limits.bytes / 16, smallest_file, largest_file)) {}

Result<RecordingFiles::Open*> RecordingFiles::open_for(const TickRecord& tick) {
    if (const auto known = open_.find(tick.fleet); known != open_.end()) {
        Open& open = known->second;
        const bool is_old = floor<days>(tick.at) != floor<days>(open.file.begin) ||
                            open.bytes >= file_bytes_ || is_gone(open.descriptor.get());
        if (!is_old) return &open;
        open_.erase(known);
    }
    // What names a directory must not lead elsewhere.
    if (!config::rules::name(tick.fleet.str()).empty())
        return fail(std::make_error_code(std::errc::invalid_argument), "the fleet's name");
    const fs::path directory = directory_ / tick.fleet.str();
    for (const fs::path& each : {directory_, directory})
        if (::mkdir(each.c_str(), 0750) != 0 && errno != EEXIST) return last_error(each);
    // What isn't counted could grow without end.
    if (std::error_code unknown; fs::is_symlink(directory, unknown))
        return fail(std::make_error_code(std::errc::not_a_directory), directory.string());
    if (!has_space(directory, limits_.bytes_left_free))
        return fail(std::make_error_code(std::errc::no_space_on_device), directory.string());
    Open open{.file = {.begin = floor<std::chrono::seconds>(tick.at), .epoch = tick.epoch}};
    for (;; ++open.file.number) {
        open.path = directory / to_string(open.file);
        open.descriptor =
            FileDescriptor(::open(open.path.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                                  0640));
        if (open.descriptor.is_open()) break;
        if (errno != EEXIST || open.file.number == most_of_one_time) return last_error(open.path);
    }
    return &open_.insert_or_assign(tick.fleet, std::move(open)).first->second;
}

Result<std::string> RecordingFiles::lines_of(Open& open, const TickRecord& tick) const {
    std::string text;
    const bool same = open.headed && open.epoch == tick.epoch &&
                      (open.spec == tick.spec || *open.spec == *tick.spec);
    if (!same) {
        scaler::RecordingHeader header{
            .fleet = tick.fleet.str(),
            .period = std::chrono::duration_cast<std::chrono::seconds>(tick.spec->scaling->period),
            .policy = boost::json::serialize(config::encode(*tick.spec)),
            .node = node_.str(),
            .epoch = tick.epoch};
        if (header.policy.size() > longest_policy)
            return fail(std::make_error_code(std::errc::file_too_large), "the fleet's document");
        text = open.writer.header(header);
    }
    const auto line =
        open.writer.tick(tick.at, tick.history, tick.observed, tick.membership, tick.decision);
    if (!line) return fail(std::make_error_code(std::errc::file_too_large), "the tick's line");
    open.spec = tick.spec;
    open.epoch = tick.epoch;
    open.headed = true;
    return text + *line;
}

Result<void> RecordingFiles::write(const TickRecord& tick) {
    if (!swept_ || tick.at - *swept_ >= sweep_period || tick.at < *swept_) make_room(tick.at, 0);
    auto opened = open_for(tick);
    if (!opened) return tl::unexpected(opened.error());
    auto lines = lines_of(**opened, tick);
    if (lines && bytes_ + lines->size() > limits_.bytes) {
        make_room(tick.at, lines->size() + limits_.bytes / 16);
        // The file itself may have been the oldest.
        opened = open_for(tick);
        if (!opened) return tl::unexpected(opened.error());
        if (!(*opened)->headed) lines = lines_of(**opened, tick);
        if (lines && bytes_ + lines->size() > limits_.bytes)
            lines = fail(std::make_error_code(std::errc::no_space_on_device),
                         "the limit of recordings");
    }
    Open& open = **opened;
    const std::size_t done = lines ? write_all(open.descriptor.get(), *lines) : 0;
    const int error = errno;
    if (lines && done == lines->size()) {
        open.bytes += done;
        bytes_ += done;
        return {};
    }
    // The line that was cut short goes; where it can't, it is the file's last.
    const bool is_empty = open.bytes == 0;
    if (::ftruncate(open.descriptor.get(), static_cast<off_t>(open.bytes)) != 0) bytes_ += done;
    const fs::path path = open.path;
    open_.erase(tick.fleet);
    if (is_empty) static_cast<void>(::unlink(path.c_str()));
    if (!lines) return tl::unexpected(lines.error());
    return fail({error, std::generic_category()}, path.string());
}

void RecordingFiles::make_room(WallTime now, std::uint64_t bytes) {
    swept_ = now;
    std::vector<Kept> all = kept_of_all(directory_);
    bytes_ = 0;
    for (const Kept& kept : all) bytes_ += kept.bytes;
    // The oldest first; files of a time to come were written by a clock that was wrong, or are not
    // ours.
    const auto is_ahead = [&](const Kept& kept) { return kept.file.begin > now + days(1); };
    std::ranges::sort(all, [&](const Kept& one, const Kept& other) {
        return std::tuple(!is_ahead(one), one.file, one.path) <
               std::tuple(!is_ahead(other), other.file, other.path);
    });
    for (const Kept& kept : all) {
        // A file is of one day at most.
        const bool is_old = now - kept.file.begin > limits_.keep + days(1);
        const bool is_too_much = bytes_ + bytes > limits_.bytes;
        if (!is_old && !is_too_much) continue;
        remove(kept.path);
        bytes_ -= kept.bytes;
    }
}

void RecordingFiles::remove(const fs::path& path) {
    static_cast<void>(::unlink(path.c_str()));
    // Of a fleet that has none left.
    static_cast<void>(::rmdir(path.parent_path().c_str()));
    std::erase_if(open_, [&](const auto& one) { return one.second.path == path; });
}

}  // namespace muster::orchestrator
