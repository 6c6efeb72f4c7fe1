#include "common/znodes/packed_shards.hpp"

#include "common/znodes/names.hpp"

#include <algorithm>
#include <charconv>

namespace muster::znodes {

namespace {

/// Reads a whole number >= 0 from the front of `text`.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
    // from_chars would take a minus sign.
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

struct Run {
    int first = 0;
    int last = 0;
    Mark mark;
};

/// first ['-' last] [letter [value]]
std::optional<Run> take_run(std::string_view& text, std::string_view letters) {
    const auto first = take_number<int>(text);
    if (!first) return std::nullopt;
    Run run{.first = *first, .last = *first, .mark = {}};
    if (text.starts_with('-')) {
        text.remove_prefix(1);
        const auto last = take_number<int>(text);
        if (!last || *last <= *first) return std::nullopt;
        run.last = *last;
    }
    if (run.last > max_shard_number) return std::nullopt;
    if (!text.empty() && letters.contains(text.front())) {
        run.mark.letter = text.front();
        text.remove_prefix(1);
        if (!text.empty() && text.front() != ',') {
            const auto value = take_number<std::int64_t>(text);
            if (!value) return std::nullopt;
            run.mark.value = *value;
        }
    }
    return run;
}

bool unpack_group(const GroupName& group,
                  std::string_view text,
                  std::string_view letters,
                  MarkedShards& into) {
    for (int previous = -1;;) {
        const auto run = take_run(text, letters);
        if (!run || run->first <= previous) return false;
        const auto length = static_cast<std::size_t>(run->last - run->first) + 1;
        if (length > max_packed_shards - into.size()) return false;
        for (int number = run->first; number <= run->last; ++number) {
            into.emplace_back(ShardId{.group = group, .number = number}, run->mark);
        }
        previous = run->last;
        if (text.empty()) return true;
        if (text.front() != ',') return false;
        text.remove_prefix(1);
    }
}

void append_run(std::string& text, const Run& run) {
    if (!text.empty()) text += ',';
    text += std::to_string(run.first);
    if (run.last != run.first) text += '-' + std::to_string(run.last);
    if (run.mark.letter == 0) return;
    text += run.mark.letter;
    if (run.mark.value != 0) text += std::to_string(run.mark.value);
}

}  // namespace

boost::json::object pack_shards(MarkedShards shards) {
    std::ranges::sort(shards, {}, &MarkedShards::value_type::first);
    boost::json::object packed;
    for (auto at = shards.begin(); at != shards.end();) {
        const GroupName group = at->first.group;
        std::string text;
        while (at != shards.end() && at->first.group == group) {
            Run run{.first = at->first.number, .last = at->first.number, .mark = at->second};
            for (++at; at != shards.end() && at->first.group == group &&
                       at->first.number == run.last + 1 && at->second == run.mark;
                 ++at) {
                ++run.last;
            }
            append_run(text, run);
        }
        packed.emplace(group.str(), text);
    }
    return packed;
}

bool unpack_shards(const boost::json::object& packed,
                   std::string_view letters,
                   MarkedShards& into) {
    return std::ranges::all_of(packed, [&](const auto& group) {
        const auto* text = group.value().if_string();
        return text != nullptr && is_path_name(group.key()) &&
               unpack_group(GroupName(std::string_view(group.key())), *text, letters, into);
    });
}

}  // namespace muster::znodes
