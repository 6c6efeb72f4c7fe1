#include "scaler/recording.hpp"

#include "scaler/recording_codec.hpp"
#include "scaler/recording_members.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <limits>

namespace muster::scaler {
namespace {

namespace json = boost::json;

constexpr std::string_view format_word = "muster scaling recording";
constexpr int format_version = 1;
constexpr std::string_view hash_begin = ",\"hash\":\"";
constexpr std::size_t hash_digits = 16;
constexpr std::string_view hash_end = "\"}";
constexpr std::size_t longest_policy = 1UZ << 20U;
constexpr int most_lines = 20'000'000;
constexpr std::size_t most_samples = 256;
constexpr std::size_t longest_name = 256;

/// `object`, which isn't empty, with its hash behind.
std::string sealed(const json::object& object, std::string& chain) {
    std::string text = json::serialize(object);
    text.pop_back();
    chain = short_hash(chain + text);
    text += hash_begin;
    text += chain;
    text += hash_end;
    text += '\n';
    return text;
}

/// What sealed() was given, without the last brace; nothing: the line doesn't end as one does.
std::optional<std::string_view> unsealed(std::string_view line, std::string_view& hash) {
    const std::size_t tail = hash_begin.size() + hash_digits + hash_end.size();
    if (line.size() <= tail || !line.ends_with(hash_end)) return std::nullopt;
    const std::string_view end = line.substr(line.size() - tail);
    if (!end.starts_with(hash_begin)) return std::nullopt;
    hash = end.substr(hash_begin.size(), hash_digits);
    return line.substr(0, line.size() - tail);
}

bool is_header(std::string_view line) {
    return line.starts_with("{\"format\":");
}

/// A header that says that the line before it was cut short.
bool follows_torn(std::string_view line) {
    return line.starts_with(fmt::format(
        "{{\"format\":\"{}\",\"version\":{},\"torn\":true,", format_word, format_version));
}

RecordingHeader read_header(Complaint& complaint, const json::value& from) {
    Members members(complaint, from, "");
    if (members.text("format", 64) != format_word)
        complaint.add("format", fmt::format("must be \"{}\"", format_word));
    if (const auto version = members.required("version"))
        static_cast<void>(
            complaint.integer<int>(*version, "version", format_version, format_version));
    static_cast<void>(members.truth("torn", false));
    RecordingHeader header{.fleet = members.text("fleet", longest_name)};
    if (const auto period = members.required("period_s"))
        header.period = seconds{complaint.integer<std::int64_t>(*period, "period_s", 1, 86'400)};
    header.policy = members.text("policy", longest_policy);
    if (const auto node = members.find("node"))
        header.node = complaint.text_of(*node, "node", longest_name);
    if (const auto epoch = members.find("epoch"))
        header.epoch = complaint.integer<std::int64_t>(
            *epoch, "epoch", 0, std::numeric_limits<std::int32_t>::max());
    static_cast<void>(members.find("hash"));
    members.end();
    return header;
}

template <class T>
T taken(Complaint& complaint, Decoded<T> decoded) {
    if (decoded) return std::move(*decoded);
    if (complaint.text.empty()) complaint.text = decoded.error();
    return {};
}

class Reader {
 public:
    Reader(std::string_view text, std::string name) : rest_(text), name_(std::move(name)) {}

    tl::expected<Recording, std::string> read() {
        while (!rest_.empty() && problem_.empty()) {
            const std::size_t end = rest_.find('\n');
            const bool whole = end != std::string_view::npos;
            const std::string_view line = rest_.substr(0, end);
            rest_.remove_prefix(whole ? end + 1 : rest_.size());
            if (++number_ > most_lines) problem_ = "there are too many lines";
            if (problem_.empty()) take(line, whole);
        }
        if (problem_.empty() && recording_.parts.empty() && recording_.torn.empty()) {
            number_ = 1;
            problem_ = "there is nothing in it: a recording begins with a header";
        }
        if (!problem_.empty())
            return tl::unexpected(fmt::format("{}:{}: {}", name_, number_, problem_));
        return std::move(recording_);
    }

 private:
    void take(std::string_view line, bool whole) {
        if (line.size() > longest_recorded_line) {
            problem_ = fmt::format("the line is longer than {} bytes", longest_recorded_line);
            return;
        }
        std::string_view hash;
        const auto body = unsealed(line, hash);
        if (!body) {
            // Cut short by a crash: the last, or one that a header tells of.
            if (line.starts_with('{') && (!whole || follows_torn(rest_))) {
                recording_.torn.push_back(number_);
            } else {
                problem_ = "the line doesn't end with its hash";
            }
            return;
        }
        if (is_header(line)) chain_.clear();
        if (!is_header(line) && recording_.parts.empty()) {
            problem_ = "a recording begins with a header";
            return;
        }
        chain_ = short_hash(chain_ + std::string(*body));
        if (chain_ != hash) {
            problem_ =
                "the hash isn't that of this line and those before it: something was changed, "
                "or a line is missing";
            return;
        }
        parse(line);
    }

    void parse(std::string_view line) {
        boost::system::error_code error;
        const json::value value =
            json::parse(line, error, {}, {.max_depth = 16, .allow_invalid_utf8 = false});
        if (error) {
            problem_ = fmt::format("isn't JSON: {}", error.message());
            return;
        }
        Complaint complaint;
        if (is_header(line)) {
            recording_.parts.push_back(
                {.line = number_, .header = read_header(complaint, value), .ticks = {}});
            membership_ = nullptr;
            next_.reset();
        } else {
            recording_.parts.back().ticks.push_back(read_tick(complaint, value));
        }
        problem_ = complaint.text;
    }

    RecordedTick read_tick(Complaint& complaint, const json::value& from) {
        Members members(complaint, from, "");
        RecordedTick tick{.line = number_};
        if (const auto time = members.required("time")) tick.at = complaint.time(*time, "time");
        if (const auto samples = members.required("samples"))
            read_samples(complaint, *samples, tick);
        if (const auto trends = members.find("trends"))
            tick.observed.trends = taken(complaint, read_trends(*trends, "trends"));
        for (const auto& [name, into] :
             {std::pair("errors", &tick.observed.errors), {"latency", &tick.observed.latency}})
            if (const auto sample = members.find(name))
                *into = taken(complaint, read_sample(*sample, name));
        if (const auto series = members.find("series"))
            tick.series = taken(complaint, read_series_steps(*series, "series"));
        tick.observed.pause = members.word<Pause>("pause", Pause::none);
        if (const auto membership = members.find("membership"))
            membership_ = std::make_shared<const Membership>(
                taken(complaint, read_membership(*membership, "membership")));
        if (membership_ == nullptr) complaint.add("membership", "is missing in the first tick");
        tick.membership = membership_;
        if (const auto history = members.find("history"))
            next_ = taken(complaint, read_history(*history, "history"));
        if (!next_) complaint.add("history", "is missing in the first tick");
        tick.history = next_.value_or(History{});
        if (const auto decision = members.required("decision")) {
            RecordedDecision decoded = taken(complaint, read_decision(*decision, "decision"));
            tick.size = decoded.size;
            tick.decision = json::serialize(*decision);
            next_ = std::move(decoded.next);
        }
        static_cast<void>(members.find("hash"));
        members.end();
        return tick;
    }

    static void read_samples(Complaint& complaint, const json::value& from, RecordedTick& tick) {
        const json::object* const samples = from.if_object();
        if (samples == nullptr || samples->size() > most_samples) {
            complaint.add("samples", fmt::format("must be an object of at most {}", most_samples));
            return;
        }
        for (const auto& member : *samples) {
            const std::string name = std::string(member.key()).substr(0, longest_name);
            tick.observed.samples[name] =
                taken(complaint, read_sample(member.value(), "samples." + name));
        }
    }

    std::string_view rest_;
    std::string name_;
    int number_ = 0;
    std::string problem_;
    std::string chain_;
    std::shared_ptr<const Membership> membership_;
    std::optional<History> next_;
    Recording recording_;
};

}  // namespace

std::string RecordingWriter::header(const RecordingHeader& header, Tail before) {
    chain_.clear();
    before_.reset();
    expected_.reset();
    series_.clear();
    json::object object{{"format", format_word}, {"version", format_version}};
    if (before == Tail::torn) object.emplace("torn", true);
    object.emplace("fleet", header.fleet);
    object.emplace("period_s", header.period.count());
    object.emplace("policy", header.policy);
    if (!header.node.empty()) object.emplace("node", header.node);
    if (header.epoch != 0) object.emplace("epoch", header.epoch);
    return (before == Tail::torn ? "\n" : "") + sealed(object, chain_);
}

std::optional<std::string> RecordingWriter::tick(WallTime at,
                                                 const History& history,
                                                 const Observations& observed,
                                                 const Membership& membership,
                                                 const Decision& decision) {
    json::object samples;
    for (const auto& [name, sample] : observed.samples) samples.emplace(name, to_json(sample));
    json::object object{{"time", time_text(at)}, {"samples", std::move(samples)}};
    if (observed.trends != Trends{}) object.emplace("trends", to_json(observed.trends));
    if (observed.errors != Sample{}) object.emplace("errors", to_json(observed.errors));
    if (observed.latency != Sample{}) object.emplace("latency", to_json(observed.latency));
    const SeriesSteps steps = steps_between(series_, observed.series);
    if (!steps.empty()) object.emplace("series", to_json(steps));
    if (observed.pause != Pause::none) object.emplace("pause", word_of(observed.pause));
    if (membership != before_) object.emplace("membership", to_json(membership));
    if (history != expected_) object.emplace("history", to_json(history));
    object.emplace("decision", to_json(decision));
    std::string line = sealed(object, chain_);
    if (line.size() > longest_recorded_line) return std::nullopt;
    before_ = membership;
    expected_ = decision.next;
    series_ = observed.series;
    return line;
}

tl::expected<Recording, std::string> read_recording(std::string_view text,
                                                    const std::string& name) {
    return Reader(text, name).read();
}

}  // namespace muster::scaler
