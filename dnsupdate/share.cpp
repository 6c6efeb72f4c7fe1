#include "dnsupdate/share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace muster::dnsupdate {

namespace {

using znodes::Percents;

constexpr std::chrono::seconds cache_floor{5};

/// The places of a rotation, dealt out as evenly as can be: of 100/gcd in a row each party has its
/// percent. (Smooth weighted round robin.)
class Deal {
 public:
    explicit Deal(const Percents& percents) {
        int divisor = 0;
        for (const auto& [party, percent] : percents) divisor = std::gcd(divisor, percent);
        std::map<std::string, int> credit;
        for (const auto& [party, percent] : percents) {
            length_ += percent / divisor;
            before_[party].push_back(0);
        }
        for (int place = 0; place < length_; ++place) {
            for (const auto& [party, percent] : percents) credit[party] += percent / divisor;
            const auto next =
                std::ranges::max_element(credit, {}, [](const auto& one) { return one.second; });
            next->second -= length_;
            for (auto& [party, counts] : before_)
                counts.push_back(counts.back() + (party == next->first ? 1 : 0));
        }
    }

    /// Of all places before this one.
    [[nodiscard]] std::int64_t before(const std::string& party, std::int64_t place) const {
        const std::vector<int>& counts = before_.at(party);
        return place / length_ * counts.back() + counts[static_cast<std::size_t>(place % length_)];
    }
    [[nodiscard]] std::int64_t in_slot(const std::string& party,
                                       std::int64_t slot,
                                       std::int64_t places) const {
        return before(party, (slot + 1) * places) - before(party, slot * places);
    }

    /// The largest number of places in a slot that these have LBs enough for.
    [[nodiscard]] std::int64_t places(const std::map<std::string, std::int64_t>& sizes) const {
        std::int64_t most = 1'000'000;
        for (const auto& [party, size] : sizes)
            most = std::min(most, size * length_ / before_.at(party).back());
        for (; most > 1; --most) {
            const bool fits = std::ranges::all_of(sizes, [&](const auto& one) {
                for (std::int64_t slot = 0; slot < length_; ++slot) {
                    if (in_slot(one.first, slot, most) > one.second) return false;
                }
                return true;
            });
            if (fits) break;
        }
        return std::max<std::int64_t>(most, 1);
    }

 private:
    std::int64_t length_ = 0;
    std::map<std::string, std::vector<int>> before_;
};

class Dealer {
 public:
    Dealer(const std::vector<Candidate>& candidates, const Percents& asked, std::int64_t slot)
        : candidates_(candidates), slot_(slot) {
        for (const Candidate& one : candidates) {
            if (!one.failing) parties_[one.party].push_back(&one);
        }
        turn_.given = shares(asked);
        for (auto& [party, members] : parties_) std::ranges::sort(members, {}, &Candidate::id);
    }

    Turn run(Answered answered) {
        if (turn_.given.empty()) return unshared();
        if (answered == Answered::with_weights) {
            by_weights();
        } else {
            by_places();
        }
        for (const Candidate& one : candidates_) {
            if (turn_.published.contains(one.id)) continue;
            const auto share = turn_.given.find(one.party);
            if (share == turn_.given.end()) {
                turn_.left_out.emplace(
                    one.id, fmt::format("the traffic shift gives {} nothing", one.party));
                if (!one.failing) turn_.resting.insert(one.id);
            } else if (one.failing) {
                turn_.left_out.emplace(one.id, "fails, and others have its party's share");
            } else if (one.unproven && !proven(parties_.at(one.party)).front()->unproven) {
                turn_.left_out.emplace(one.id, "rests: nothing says yet that it serves");
                turn_.resting.insert(one.id);
                turn_.unproven.insert(one.id);
            } else {
                turn_.left_out.emplace(one.id,
                                       fmt::format("rests: {} has {} %", one.party, share->second));
                turn_.resting.insert(one.id);
            }
        }
        return std::move(turn_);
    }

 private:
    /// What those get that have LBs which serve; none: nobody has what was asked for.
    [[nodiscard]] Percents shares(const Percents& asked) const {
        std::vector<std::string> names;
        std::vector<int> wanted;
        for (const auto& [party, percent] : asked) {
            if (percent == 0 || !parties_.contains(party)) continue;
            names.push_back(party);
            wanted.push_back(percent);
        }
        const std::vector<int> shares = percents(wanted);
        Percents given;
        for (std::size_t i = 0; i < names.size(); ++i) given.emplace(names[i], shares[i]);
        return given;
    }

    /// All that serve, or where nothing does, all.
    Turn unshared() {
        std::vector<const Candidate*> chosen;
        for (const Candidate& one : candidates_) {
            if (parties_.empty() || !one.failing) {
                chosen.push_back(&one);
            } else {
                turn_.left_out.emplace(one.id, "fails, and others step in");
            }
        }
        publish(chosen, 100);
        for (const Candidate* const one : chosen)
            turn_.given[one->party] += turn_.published.at(one->id);
        return std::move(turn_);
    }

    void publish(const std::vector<const Candidate*>& chosen, int whole) {
        std::vector<int> weights;
        for (const Candidate* const one : chosen) weights.push_back(one->weight);
        const std::vector<int> shares = percents(weights, whole);
        for (std::size_t i = 0; i < chosen.size(); ++i)
            turn_.published.emplace(chosen[i]->id, shares[i]);
    }

    void by_weights() {
        for (const auto& [party, percent] : turn_.given) {
            std::vector<const Candidate*> all = parties_.at(party);
            if (all.size() > static_cast<std::size_t>(percent)) all = proven(all);
            const std::size_t count = std::min(all.size(), static_cast<std::size_t>(percent));
            publish(from(all, slot_ * static_cast<std::int64_t>(count), count), percent);
        }
    }

    /// Those that take turns.
    static std::vector<const Candidate*> proven(const std::vector<const Candidate*>& all) {
        std::vector<const Candidate*> some;
        for (const Candidate* const one : all) {
            if (!one->unproven) some.push_back(one);
        }
        return some.empty() ? all : some;
    }

    void by_places() {
        const Deal deal(turn_.given);
        std::map<std::string, std::int64_t> sizes;
        for (const auto& [party, percent] : turn_.given)
            sizes.emplace(party, proven(parties_.at(party)).size());
        const std::int64_t places = deal.places(sizes);
        // The same in each slot, so that a turn changes nothing of those who stay.
        const int weight = std::max(1, static_cast<int>(100 / places));
        for (const auto& [party, percent] : turn_.given) {
            const auto count = static_cast<std::size_t>(deal.in_slot(party, slot_, places));
            const std::int64_t first = deal.before(party, slot_ * places);
            for (const Candidate* const one : from(proven(parties_.at(party)), first, count))
                turn_.published.emplace(one->id, weight);
        }
    }

    static std::vector<const Candidate*> from(const std::vector<const Candidate*>& all,
                                              std::int64_t first,
                                              std::size_t count) {
        std::vector<const Candidate*> chosen;
        const auto begin = static_cast<std::size_t>(first) % all.size();
        for (std::size_t i = 0; i < count; ++i) chosen.push_back(all[(begin + i) % all.size()]);
        return chosen;
    }

    const std::vector<Candidate>& candidates_;
    std::int64_t slot_;
    std::map<std::string, std::vector<const Candidate*>> parties_;  ///< those that serve, by id
    Turn turn_;
};

}  // namespace

Turn take_turns(const std::vector<Candidate>& candidates,
                const Percents& percents,
                Answered answered,
                std::int64_t slot) {
    return Dealer(candidates, percents, std::max<std::int64_t>(slot, 0)).run(answered);
}

std::chrono::seconds slot_length(Ttl ttl) {
    return std::max(ttl, cache_floor);
}

std::int64_t slot_at(WallTime now, Ttl ttl) {
    return now.time_since_epoch() / slot_length(ttl);
}

std::vector<int> percents(const std::vector<int>& weights, int points) {
    const std::int64_t whole = points;
    const auto count = static_cast<std::int64_t>(weights.size());
    if (count == 0 || count > whole) return std::vector<int>(weights.size(), 1);
    const std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    std::vector<int> shares(weights.size(), 1);
    std::vector<std::pair<std::int64_t, std::size_t>> remainders;
    std::int64_t left = whole - count;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        // All but the one point that each has anyhow.
        const std::int64_t exact = sum == 0 ? whole : weights[i] * whole;
        const std::int64_t divisor = sum == 0 ? count : sum;
        const std::int64_t more = std::max<std::int64_t>(0, exact / divisor - 1);
        shares[i] += static_cast<int>(more);
        left -= more;
        remainders.emplace_back(exact < divisor ? 0 : exact % divisor, i);
    }
    std::ranges::sort(remainders, [](const auto& one, const auto& other) {
        return std::pair(-one.first, one.second) < std::pair(-other.first, other.second);
    });
    for (std::size_t i = 0; left > 0; i = (i + 1) % remainders.size(), --left)
        ++shares[remainders[i].second];
    // Those that were raised to 1 took it from the largest.
    while (left < 0) {
        --*std::ranges::max_element(shares);
        ++left;
    }
    return shares;
}

}  // namespace muster::dnsupdate
