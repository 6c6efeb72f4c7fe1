#include "checker/due_line.hpp"

#include "checker/schedule.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace muster::checker {

void DueLine::add(SteadyTime when, CheckId id) {
    if (when >= horizon_) {
        far_[round_down(when, far_width)].emplace_back(when, id);
        return;
    }
    const SteadyTime at = round_down(when, near_width);
    near_[at].emplace_back(when, id);
    if (at == sorted_) sorted_ = SteadyTime::min();
}

void DueLine::remove(SteadyTime when, CheckId id) {
    const bool is_far = when >= horizon_;
    Buckets& buckets = is_far ? far_ : near_;
    const auto bucket =
        buckets.find(is_far ? round_down(when, far_width) : round_down(when, near_width));
    std::vector<Entry>& entries = bucket->second;
    // The first one of all is at the end of the bucket that is in order.
    const auto found = std::find(entries.rbegin(), entries.rend(), Entry(when, id));
    entries.erase(std::next(found).base());
    if (entries.empty()) buckets.erase(bucket);
}

const DueLine::Entry& DueLine::front() {
    if (near_.empty()) {
        const auto next = far_.begin();
        horizon_ = next->first + far_width;
        for (const Entry& entry : next->second)
            near_[round_down(entry.first, near_width)].push_back(entry);
        far_.erase(next);
        sorted_ = SteadyTime::min();
    }
    auto& [at, entries] = *near_.begin();
    if (sorted_ != at) {
        std::ranges::sort(entries, std::greater());
        sorted_ = at;
    }
    return entries.back();
}

}  // namespace muster::checker
