#include "orchestrator/past_ticks.hpp"

#include "common/base/files.hpp"
#include "common/config/decode.hpp"
#include "orchestrator/recording_files.hpp"
#include "scaler/decide.hpp"
#include "scaler/explain.hpp"
#include "scaler/recording_codec.hpp"
#include "scaler/spec_policy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <tuple>
#include <utility>

namespace muster::orchestrator {

namespace {

/// Damaged ones that are passed over.
constexpr std::size_t most_files = 4;
constexpr std::uintmax_t largest_file = 64UZ << 20U;

tl::expected<PastTick, std::string> explained(const scaler::FoundTick& found,
                                              const FleetName& fleet) {
    const config::Decoded document = config::decode(found.header.policy);
    const auto spec = std::ranges::find(document.fleets, fleet, &config::FleetSpec::name);
    if (!document.problems.empty() || spec == document.fleets.end() || !spec->scaling)
        return tl::unexpected(std::string("its policy can't be read"));
    const scaler::RecordedTick& tick = found.tick;
    const scaler::Policy policy =
        scaler::policy_at(scaler::policy_of(*spec->scaling), *tick.membership);
    const scaler::Decision decision =
        scaler::decide(policy, tick.history, tick.observed, *tick.membership, tick.at);
    return PastTick{.at = tick.at,
                    .node = NodeId(found.header.node),
                    .epoch = found.header.epoch,
                    .shadow = spec->scaling->shadow,
                    .same = scaler::canonical(decision) == tick.decision,
                    .explanation = scaler::to_json(scaler::explain(
                        policy, tick.history, tick.observed, *tick.membership, tick.at, decision))};
}

tl::expected<std::optional<PastTick>, std::string> read_one(const std::filesystem::path& path,
                                                            const FleetName& fleet,
                                                            WallTime at) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error)) ||
        std::filesystem::file_size(path, error) > largest_file)
        return tl::unexpected(std::string("it is no recording"));
    const auto text = read_file(path.string());
    if (!text) return tl::unexpected(text.error().message());
    auto found = scaler::find_tick(*text, path.filename().string(), at);
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::nullopt;
    auto tick = explained(**found, fleet);
    if (!tick) return tl::unexpected(tick.error());
    return std::move(*tick);
}

}  // namespace

bool holds_over(const PastTick& one, const PastTick& other) {
    return std::tie(one.at, one.epoch) > std::tie(other.at, other.epoch);
}

PastAnswer read_past(const std::filesystem::path& directory, const FleetName& fleet, WallTime at) {
    PastAnswer answer;
    std::size_t looked_at = 0;
    for (const RecordingFile& file : recording_files(directory, fleet) | std::views::reverse) {
        if (file.begin > at) continue;
        if (++looked_at > most_files) break;
        auto found = read_one(directory / fleet.str() / to_string(file), fleet, at);
        if (!found)
            answer.problems.push_back(fmt::format("{}: {}", to_string(file), found.error()));
        if (!found || !*found) continue;
        answer.tick = std::move(*found);
        break;
    }
    return answer;
}

asio::awaitable<PastAnswer> PastReader::read(FleetName fleet, WallTime at) {
    if (waiting_.load() >= most_waiting)
        co_return PastAnswer{.tick = {}, .problems = {"too many ask for the past at once"}};
    ++waiting_;
    co_return co_await asio::co_spawn(
        pool_.get_executor(), read_here(std::move(fleet), at), asio::use_awaitable);
}

asio::awaitable<PastAnswer> PastReader::read_here(FleetName fleet, WallTime at) {
    PastAnswer answer = read_past(directory_, fleet, at);
    --waiting_;
    co_return answer;
}

}  // namespace muster::orchestrator
