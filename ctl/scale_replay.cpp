#include "ctl/command_input.hpp"
#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"
#include "ctl/scale_policy.hpp"
#include "scaler/recording.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <tuple>

// Decides again what nodes decided: a decision that comes out otherwise is a fault of muster, or of
// the policy that was given.
namespace muster::ctl {

namespace {

namespace json = boost::json;

constexpr Exit cannot_tell = Exit::usage;  // as `diff`

struct Place {
    std::string file;
    scaler::Difference difference;
};

/// Of a tick: whether the next one went on from it.
struct Link {
    WallTime at{};
    std::int64_t epoch = 0;
    std::optional<WallTime> before;  ///< the tick that it went on from
    auto operator<=>(const Link&) const = default;
};

struct Totals {
    std::size_t files = 0;
    std::size_t ticks = 0;
    std::size_t differences = 0;
    std::optional<Place> first;
    std::vector<std::string> torn;                   ///< "file:line"
    std::vector<std::string> errors;                 ///< why something of it can't be told
    std::map<std::string, std::vector<Link>> links;  ///< by fleet
};

/// Ticks of which the next one, of whichever node, knows nothing: the master lost its office, or
/// what it decided could not be written into the tree. Of the last one nothing can be said.
std::size_t unkept(std::vector<Link> links) {
    std::ranges::sort(links);
    std::size_t count = 0;
    for (std::size_t i = 0; i + 1 < links.size(); ++i)
        if (links[i + 1].before != links[i].at) ++count;
    return count;
}

json::value as_json(const std::optional<Place>& first) {
    if (!first) return nullptr;
    const scaler::Difference& one = first->difference;
    return json::object{{"file", first->file},
                        {"line", one.line},
                        {"time", scaler::time_text(one.at)},
                        {"where", one.where},
                        {"recorded", one.recorded},
                        {"replayed", one.replayed}};
}

json::array as_json(const std::vector<std::string>& texts) {
    return json::array(texts.begin(), texts.end());
}

void replay_part(const scaler::RecordedPart& part,
                 const std::string& file,
                 const NamedText& other,
                 Totals& totals) {
    const NamedText recorded{.name = fmt::format("{}:{}: policy", file, part.line),
                             .text = part.header.policy};
    const auto policy = read_policy(other.name.empty() ? recorded : other, part.header.fleet);
    if (!policy) {
        totals.errors.push_back(policy.error());
        return;
    }
    const scaler::Replay replayed = replay(part, policy->policy);
    totals.ticks += replayed.ticks;
    totals.differences += replayed.differences;
    if (!totals.first && replayed.first) totals.first = Place{file, *replayed.first};
    for (const scaler::RecordedTick& tick : part.ticks)
        totals.links[part.header.fleet].push_back(
            {.at = tick.at, .epoch = part.header.epoch, .before = tick.history.last});
}

void replay_file(const std::string& file, const ScaleReplayOptions& options, Totals& totals) {
    std::string text;
    try {
        text = options.read(file);
    } catch (const Mistake& mistake) {
        totals.errors.emplace_back(mistake.what());
        return;
    }
    const auto recording = scaler::read_recording(text, file);
    if (!recording) {
        totals.errors.push_back(recording.error());
        return;
    }
    ++totals.files;
    for (const int line : recording->torn) totals.torn.push_back(fmt::format("{}:{}", file, line));
    for (const scaler::RecordedPart& part : recording->parts)
        replay_part(part, file, options.policy, totals);
}

void print(Context& context, const Totals& totals, std::size_t lost) {
    for (const std::string& one : totals.torn)
        context.err << printable(one) << ": cut short, left out\n";
    if (totals.first) {
        const scaler::Difference& first = totals.first->difference;
        context.out << printable(fmt::format("{}:{}: at {} {} was {} and is {}",
                                             totals.first->file,
                                             first.line,
                                             scaler::time_text(first.at),
                                             first.where,
                                             first.recorded,
                                             first.replayed))
                    << fmt::format(
                           "\n{} of {} decisions differ\n", totals.differences, totals.ticks);
    } else {
        context.out << fmt::format(
            "{} decisions{}, each the same to the byte\n",
            totals.ticks,
            totals.files > 1 ? fmt::format(" in {} files", totals.files) : "");
    }
    if (lost > 0)
        context.out << fmt::format(
            "{} of them came to nothing: the next one was made without knowing of it\n", lost);
}

}  // namespace

asio::awaitable<Exit> scale_replay(Context& context, ScaleReplayOptions options) {
    Totals totals;
    for (const std::string& file : options.recordings) replay_file(file, options, totals);
    for (const std::string& error : totals.errors)
        context.err << "error: " << printable(error) << '\n';
    std::size_t lost = 0;
    for (const auto& [fleet, links] : totals.links) lost += unkept(links);
    const Exit exit = !totals.errors.empty()    ? cannot_tell
                      : totals.differences == 0 ? Exit::ok
                                                : Exit::failed;
    const json::object body{{"files", totals.files},
                            {"ticks", totals.ticks},
                            {"differences", totals.differences},
                            {"unkept", lost},
                            {"first", as_json(totals.first)},
                            {"torn", as_json(totals.torn)},
                            {"errors", as_json(totals.errors)}};
    if (print_as_data(context, body)) co_return exit;
    if (totals.files > 0 && (totals.ticks > 0 || totals.errors.empty()))
        print(context, totals, lost);
    co_return exit;
}

}  // namespace muster::ctl
