#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"
#include "ctl/scale_policy.hpp"
#include "scaler/recording.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <ostream>

// Decides again what a node decided: a decision that comes out otherwise is a fault of muster, or
// of the policy that was given.
namespace muster::ctl {

namespace {

namespace json = boost::json;

constexpr Exit cannot_tell = Exit::usage;  // as `diff`

json::value as_json(const std::string& file, const std::optional<scaler::Difference>& one) {
    if (!one) return nullptr;
    return json::object{{"file", file},
                        {"line", one->line},
                        {"time", scaler::time_text(one->at)},
                        {"where", one->where},
                        {"recorded", one->recorded},
                        {"replayed", one->replayed}};
}

}  // namespace

asio::awaitable<Exit> scale_replay(Context& context, ScaleReplayOptions options) {
    const std::string& file = options.recording.name;
    const auto recording = scaler::read_recording(options.recording.text, file);
    if (!recording) {
        context.err << "error: " << printable(recording.error()) << '\n';
        co_return cannot_tell;
    }
    std::size_t ticks = 0;
    std::size_t differences = 0;
    std::optional<scaler::Difference> first;
    for (const scaler::RecordedPart& part : recording->parts) {
        const NamedText recorded{.name = fmt::format("{}:{}: policy", file, part.line),
                                 .text = part.header.policy};
        const auto policy =
            read_policy(options.policy.name.empty() ? recorded : options.policy, part.header.fleet);
        if (!policy) {
            context.err << "error: " << printable(policy.error()) << '\n';
            co_return cannot_tell;
        }
        const scaler::Replay replayed = replay(part, policy->policy);
        ticks += replayed.ticks;
        differences += replayed.differences;
        if (!first) first = replayed.first;
    }
    json::array torn;
    for (const int line : recording->torn) torn.push_back(json::value(line));
    const json::object body{{"ticks", ticks},
                            {"differences", differences},
                            {"first", as_json(file, first)},
                            {"torn", std::move(torn)}};
    const Exit exit = differences == 0 ? Exit::ok : Exit::failed;
    if (print_as_data(context, body)) co_return exit;
    for (const int line : recording->torn)
        context.err << printable(file) << ':' << line << ": cut short, left out\n";
    if (!first) {
        context.out << fmt::format("{} decisions, each the same to the byte\n", ticks);
        co_return exit;
    }
    context.out << printable(fmt::format("{}:{}: at {} {} was {} and is {}",
                                         file,
                                         first->line,
                                         scaler::time_text(first->at),
                                         first->where,
                                         first->recorded,
                                         first->replayed))
                << fmt::format("\n{} of {} decisions differ\n", differences, ticks);
    co_return exit;
}

}  // namespace muster::ctl
