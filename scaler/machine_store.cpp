#include "scaler/machine_store.hpp"

#include "common/base/files.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace muster::scaler {

namespace {

namespace fs = std::filesystem;

/// Of one fleet: a call that is so many removals late is not to be expected.
constexpr std::ptrdiff_t most_graves = 4096;

Result<void> checked(const std::error_code& error, const std::string& path) {
    if (error) return fail(error, path);
    return {};
}

Result<void> make_folders(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    return checked(error, path);
}

/// What was made or renamed in it is there after a loss of power, too.
Result<void> sync_folder(const std::string& path) {
    const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open() || ::fsync(folder.get()) != 0)
        return fail({errno, std::generic_category()}, path);
    return {};
}

/// Names of ours begin with a dot; those of fleets and instances never do.
std::vector<std::string> names_in(const std::string& path, std::error_code& error) {
    std::vector<std::string> names;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        std::string name = at->path().filename();
        if (config::rules::name(name).empty() && at->is_directory(error))
            names.push_back(std::move(name));
    }
    if (error == std::errc::no_such_file_or_directory) error.clear();
    std::ranges::sort(names);
    return names;
}

ProviderError trouble(std::string detail) {
    return {.trouble = Trouble::transient, .detail = std::move(detail)};
}

std::optional<ProviderFence> parse_fence(std::string_view text) {
    ProviderFence fence;
    const char* const end = text.data() + text.size();
    const auto [dot, bad_era] = std::from_chars(text.data(), end, fence.era);
    if (bad_era != std::errc() || dot == end || *dot != '.') return std::nullopt;
    const auto [last, bad_epoch] = std::from_chars(dot + 1, end, fence.epoch);
    if (bad_epoch != std::errc() || std::string_view(last, end) != "\n") return std::nullopt;
    return fence;
}

void forget_oldest_graves(const std::string& path) {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> graves;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        std::error_code unknown;
        graves.emplace_back(at->last_write_time(unknown), at->path());
    }
    if (std::ssize(graves) <= most_graves) return;
    std::ranges::sort(graves);
    graves.resize(graves.size() - most_graves);
    for (const auto& [time, grave] : graves) fs::remove_all(grave, error);
}

}  // namespace

MachineStore::MachineStore(std::string directory)
    : directory_(fs::path(std::move(directory)).lexically_normal().string()) {
    while (directory_.size() > 1 && directory_.ends_with('/')) directory_.pop_back();
    if (!directory_.starts_with('/') || directory_ == "/") {
        throw std::invalid_argument("the directory of machines must be an absolute path below /: " +
                                    directory_);
    }
}

Result<std::optional<FileLock>> MachineStore::try_lock() const {
    if (const auto made = make_folders(directory_); !made) return tl::unexpected(made.error());
    return FileLock::try_take(directory_ + "/.lock");
}

ProviderResult<void> MachineStore::pass(const FileLock& /*lock*/,
                                        const ProviderFence& fence) const {
    const std::string file = directory_ + "/.fence";
    std::optional<ProviderFence> seen = ProviderFence{};
    if (fs::exists(file)) {
        const auto text = read_file(file);
        seen = text ? parse_fence(*text) : std::nullopt;
        if (!seen) {
            return tl::unexpected(
                trouble(file + ": isn't \"era.epoch\": look who has written it, then remove it"));
        }
    }
    if (fence < *seen) {
        return tl::unexpected(
            ProviderError{.trouble = Trouble::fenced,
                          .detail = fmt::format("{}.{} is below {}.{}, which was here before",
                                                fence.era,
                                                fence.epoch,
                                                seen->era,
                                                seen->epoch)});
    }
    if (fence == *seen) return {};
    const auto kept = replace_file(file, fmt::format("{}.{}\n", fence.era, fence.epoch));
    if (!kept) return tl::unexpected(trouble(kept.error().message()));
    return {};
}

std::string MachineStore::fleet_path(const FleetName& fleet) const {
    return directory_ + "/" + fleet.str();
}

std::string MachineStore::path(const FleetName& fleet, const InstanceId& id) const {
    return fleet_path(fleet) + "/" + id.str();
}

std::string MachineStore::grave(const FleetName& fleet, const InstanceId& id) const {
    return fleet_path(fleet) + "/.gone/" + id.str();
}

bool MachineStore::was_removed(const FleetName& fleet, const InstanceId& id) const {
    std::error_code error;
    return fs::exists(grave(fleet, id), error);
}

Result<std::optional<MachineRecord>> MachineStore::read(const FleetName& fleet,
                                                        const InstanceId& id) const {
    const std::string file = path(fleet, id) + "/" + std::string(record_file);
    const auto text = read_file(file);
    if (!text) {
        if (text.error().code == std::errc::no_such_file_or_directory) return std::nullopt;
        return tl::unexpected(text.error());
    }
    auto record = decode_machine_record(*text);
    if (record &&
        (record->fleet != fleet || record->id != id || record->directory != path(fleet, id)))
        record = fail(std::make_error_code(std::errc::bad_message), "is of another machine");
    if (!record) return fail(record.error().code, file + ": " + record.error().context);
    return std::move(*record);
}

std::optional<MachineRun> MachineStore::read_run(const MachineRecord& record) const {
    const auto text = read_file(path(record.fleet, record.id) + "/" + std::string(run_file));
    auto run = text ? decode_machine_run(*text) : tl::unexpected(text.error());
    if (!run) return std::nullopt;
    run->programs.resize(record.programs.size());
    return std::move(*run);
}

Result<std::vector<InstanceId>> MachineStore::ids(const FleetName& fleet) const {
    std::error_code error;
    const std::vector<std::string> names = names_in(fleet_path(fleet), error);
    if (error) return fail(error, fleet_path(fleet));
    std::vector<InstanceId> ids;
    for (const std::string& name : names) ids.emplace_back(name);
    return ids;
}

Result<MachineStore::Known> MachineStore::known() const {
    std::error_code error;
    Known known;
    for (const std::string& fleet : names_in(directory_, error)) {
        const auto of_fleet = ids(FleetName(fleet));
        if (!of_fleet) return tl::unexpected(of_fleet.error());
        for (const InstanceId& id : *of_fleet) {
            auto record = read(FleetName(fleet), id);
            if (!record) ++known.damaged;
            if (record && *record) known.records.push_back(std::move(**record));
        }
    }
    if (error) return fail(error, directory_);
    return known;
}

Result<std::vector<MachineRecord>> MachineStore::all() const {
    auto all = known();
    if (!all) return tl::unexpected(all.error());
    return std::move(all->records);
}

Result<std::size_t> MachineStore::damaged() const {
    const auto all = known();
    if (!all) return tl::unexpected(all.error());
    return all->damaged;
}

Result<void> MachineStore::add(const FileLock& /*lock*/,
                               const MachineRecord& record,
                               const std::vector<File>& files) const {
    const std::string fleet = fleet_path(record.fleet);
    const std::string unfinished = fleet + "/.new";
    std::error_code error;
    fs::remove_all(unfinished, error);
    if (error) return fail(error, unfinished);
    if (auto made = make_folders(unfinished); !made) return made;
    ::chmod(unfinished.c_str(), 0750);
    for (const File& file : files) {
        if (auto written = replace_file(unfinished + "/" + file.name, file.text); !written)
            return written;
    }
    const std::string first = unfinished + "/" + std::string(record_file);
    if (auto written = replace_file(first, encode(record)); !written) return written;
    fs::rename(unfinished, path(record.fleet, record.id), error);
    if (error) return fail(error, path(record.fleet, record.id));
    if (auto synced = sync_folder(fleet); !synced) return synced;
    return sync_folder(directory_);
}

Result<void> MachineStore::replace(const FileLock& /*lock*/, const MachineRecord& record) const {
    return replace_file(path(record.fleet, record.id) + "/" + std::string(record_file),
                        encode(record));
}

Result<void> MachineStore::bury(const FleetName& fleet, const InstanceId& id) const {
    const std::string to = grave(fleet, id);
    const std::string graves = fleet_path(fleet) + "/.gone";
    if (auto made = make_folders(to); !made) return made;
    std::error_code error;
    fs::rename(path(fleet, id), to, error);
    if (error && error != std::errc::no_such_file_or_directory) return fail(error, to);
    for (const std::string& folder : {graves, fleet_path(fleet)})
        if (auto synced = sync_folder(folder); !synced) return synced;
    // Its content is nobody's any more; the empty directory stays.
    for (fs::directory_iterator at(to, error), end; !error && at != end; at.increment(error))
        fs::remove_all(at->path(), error);
    forget_oldest_graves(graves);
    return {};
}

}  // namespace muster::scaler
