#include "scaler/prometheus_reply.hpp"

#include "scaler/sample_ages.hpp"
#include "scaler/samples.hpp"
#include "scaler/series_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace muster::scaler::prometheus {
namespace {

/// Values of each instance; the key "" has those that name none.
struct ByInstance {
    std::map<std::string, std::vector<Number>> values;
    int unlabelled = 0;
};

ByInstance by_instance(const std::vector<Series>& all, const std::string& label) {
    ByInstance sorted;
    for (const Series& series : all) {
        const auto instance = instance_of(series, label);
        sorted.unlabelled += instance ? 0 : 1;
        sorted.values[instance.value_or(std::string())].push_back(
            read_number(series.points.front().value));
    }
    return sorted;
}

/// All of them, or the first flaw.
tl::expected<std::vector<Micros>, Flaw> usable(const std::vector<Number>& numbers) {
    std::vector<Micros> values;
    for (const Number& number : numbers) {
        if (!number) return tl::unexpected(number.error());
        values.push_back(*number);
    }
    return values;
}

std::optional<Defect> unusable(const Read& answer, WallTime asked, const std::string& of) {
    if (!answer) return defect(answer.error().flaw, of + answer.error().detail);
    if (answer->type == ResultType::matrix)
        return defect(Flaw::wrong_type, of + "the query gives a range of times, not one");
    if (answer->type == ResultType::string)
        return defect(Flaw::wrong_type, of + "the query gives a text");
    if (answer->series.empty()) return defect(Flaw::empty, of + "no series");
    for (const Series& series : answer->series)
        if (series.points.size() != 1 || series.points.front().at != asked)
            return defect(Flaw::wrong_time, of + "a value of another time than was asked for");
    return std::nullopt;
}

struct Capacities {
    std::map<std::string, Number> instances;
    std::optional<Micros> all = whole(100);

    [[nodiscard]] Number of(const std::string& instance) const {
        if (all) return *all;
        const auto found = instances.find(instance);
        return found == instances.end() ? tl::unexpected(Flaw::no_capacity) : found->second;
    }
};

/// `answer` is usable.
tl::expected<Capacities, Defect> read_capacities(const std::optional<Read>& answer,
                                                 const std::string& label) {
    Capacities capacities;
    if (!answer) return capacities;
    const ByInstance all = by_instance((*answer)->series, label);
    if (all.unlabelled > 1 || (all.unlabelled == 1 && all.values.size() > 1))
        return tl::unexpected(
            defect(Flaw::no_instance, fmt::format("capacities without the label {}", label)));
    capacities.all.reset();
    for (const auto& [instance, numbers] : all.values) {
        Number number = numbers.size() == 1 ? numbers.front() : tl::unexpected(Flaw::many_series);
        if (number && number->count == 0) number = tl::unexpected(Flaw::no_capacity);
        if (all.unlabelled == 1) {
            if (!number) return tl::unexpected(defect(number.error(), "the capacity"));
            capacities.all = *number;
        } else {
            capacities.instances.emplace(instance, number);
        }
    }
    return capacities;
}

class Reader {
 public:
    Reader(const MetricQuery& query, const Roster& roster, WallTime asked, const Answers& answers)
        : query_(query),
          roster_(roster),
          asked_(asked),
          answers_(answers),
          ages_(read_ages(query, asked, answers.age)) {
        note(answers.value);
        note(answers.age);
        if (answers.capacity) note(*answers.capacity);
    }

    [[nodiscard]] MetricSample read() {
        read_all();
        finish();
        return std::move(out_);
    }

 private:
    void read_all() {
        if (auto wrong = unusable(answers_.value, asked_, "")) return stop(*wrong);
        if (answers_.capacity)
            if (auto wrong = unusable(*answers_.capacity, asked_, "the capacity: "))
                return stop(*wrong);
        if (ages_.defect) return stop(*ages_.defect);
        if (ages_.others && ages_.others->flaw != Flaw::none)
            return stop(defect(ages_.others->flaw, "series that name no instance"));
        if (query_.scope == Scope::instances) return read_instances();
        read_fleet();
    }

    void stop(const Defect& why) {
        stopped_ = true;
        out_.sample.quality = why.flaw == Flaw::empty ? Quality::absent : Quality::bad;
        out_.sample.flaw = why.flaw;
        out_.sample.value = {};
        out_.sample.readings.clear();
        out_.detail = why.detail;
    }

    void note(const Read& answer) {
        if (!answer) return;
        std::ranges::copy(answer->warnings, std::back_inserter(out_.warnings));
        std::ranges::copy(answer->infos, std::back_inserter(out_.infos));
    }

    void leave_out(const std::string& instance, Flaw flaw) {
        out_.left_out.emplace(instance, flaw);
    }

    /// Of one of our instances; nothing: it is left out.
    std::optional<Micros> value_of(const std::string& instance,
                                   const std::vector<Number>& numbers) {
        const auto values = usable(numbers);
        if (!values) return leave_out(instance, values.error()), std::nullopt;
        if (const Flaw flaw = ages_.flaw_of(instance); flaw != Flaw::none)
            return leave_out(instance, flaw), std::nullopt;
        const Number value = reduced(query_.reducer, *values);
        if (!value) return leave_out(instance, value.error()), std::nullopt;
        return *value;
    }

    void read_instances() {
        const ByInstance all = by_instance(answers_.value->series, query_.instance_label);
        if (all.unlabelled > 0)
            return stop(defect(
                Flaw::no_instance,
                fmt::format(
                    "{} series without the label {}", all.unlabelled, query_.instance_label)));
        const auto capacities = read_capacities(answers_.capacity, query_.instance_label);
        if (!capacities) return stop(capacities.error());
        for (const auto& [instance, numbers] : all.values) {
            if (!roster_.members.contains(instance)) {
                out_.strangers += static_cast<int>(numbers.size());
                continue;
            }
            const auto value = value_of(instance, numbers);
            if (!value) continue;
            const Number capacity = capacities->of(instance);
            if (!capacity) {
                leave_out(instance, capacity.error());
                continue;
            }
            out_.sample.readings.push_back(
                {.instance = instance, .value = *value, .capacity = *capacity});
            seen_.insert(instance);
            grow_older(instance);
        }
        if (out_.sample.readings.empty()) stop_without_any(all.values.size());
    }

    /// The values that count; nothing: it has stopped.
    std::optional<std::vector<Micros>> fleet_values(const ByInstance& all, bool named) {
        std::vector<Micros> values;
        for (const auto& [instance, numbers] : all.values) {
            if (named && !roster_.members.contains(instance)) {
                out_.strangers += static_cast<int>(numbers.size());
                continue;
            }
            const auto usable_ones = usable(numbers);
            Flaw flaw = usable_ones ? Flaw::none : usable_ones.error();
            // Without names nobody knows how much is missing.
            if (flaw != Flaw::none && !named)
                return stop(defect(flaw, "a series that names no instance")), std::nullopt;
            if (flaw == Flaw::none && named) flaw = ages_.flaw_of(instance);
            if (flaw != Flaw::none) {
                leave_out(instance, flaw);
                continue;
            }
            std::ranges::copy(*usable_ones, std::back_inserter(values));
            if (named) seen_.insert(instance);
        }
        if (values.empty()) return stop_without_any(all.values.size()), std::nullopt;
        return values;
    }

    void read_fleet() {
        const std::size_t series = answers_.value->series.size();
        const ByInstance all = by_instance(answers_.value->series, query_.instance_label);
        const bool named = all.unlabelled == 0;
        if (!named && all.values.size() > 1)
            return stop(defect(Flaw::no_instance,
                               fmt::format("{} of {} series without the label {}",
                                           all.unlabelled,
                                           series,
                                           query_.instance_label)));
        if (query_.reducer == config::Reducer::none && series > 1)
            return stop(
                defect(Flaw::many_series, fmt::format("{} series, and no reducer", series)));
        const auto values = fleet_values(all, named);
        if (!values) return;
        const Number value = reduced(query_.reducer, *values);
        if (!value) return stop(defect(value.error(), "the reduced value"));
        out_.sample.value = *value;
        if (ages_.others) older(ages_.others->age);
        if (!query_.instance_label.empty()) count_by_ages(named);
    }

    /// Where the query has aggregated, the ages tell what there was to aggregate.
    void count_by_ages(bool named) {
        if (!named)
            for (const auto& [instance, age] : ages_.instances)
                out_.strangers += roster_.members.contains(instance) ? 0 : 1;
        for (const std::string& instance : roster_.members) {
            if (named && !seen_.contains(instance)) continue;
            if (ages_.is_fresh(instance)) {
                seen_.insert(instance);
                grow_older(instance);
            } else if (ages_.instances.contains(instance)) {
                leave_out(instance, ages_.flaw_of(instance));
            }
        }
        if (!seen_.empty() || roster_.expected.empty()) return;
        if (out_.left_out.empty())
            return stop(defect(
                Flaw::strangers,
                fmt::format("none of our instances in the label {}", query_.instance_label)));
        stop(defect(out_.left_out.begin()->second, "all of our instances"));
    }

    void grow_older(const std::string& instance) {
        if (const auto found = ages_.instances.find(instance); found != ages_.instances.end())
            older(found->second.age);
    }
    void older(std::chrono::milliseconds age) {
        out_.sample.age = std::max(out_.sample.age, std::chrono::ceil<seconds>(age));
    }

    /// Series there are, and none that counts.
    void stop_without_any(std::size_t instances) {
        if (out_.left_out.empty())
            return stop(defect(Flaw::strangers,
                               fmt::format("{} instances, of which none is ours", instances)));
        stop(defect(out_.left_out.begin()->second,
                    fmt::format("of {} and all others", out_.left_out.begin()->first)));
    }

    void finish() {
        Sample& sample = out_.sample;
        if (!query_.instance_label.empty()) {
            Coverage coverage{.seen = 0, .expected = static_cast<int>(roster_.expected.size())};
            for (const std::string& instance : roster_.expected) {
                const bool is_seen = seen_.contains(instance);
                coverage.seen += is_seen ? 1 : 0;
                if (!is_seen && !out_.left_out.contains(instance)) out_.missing.push_back(instance);
            }
            sample.coverage = coverage;
        }
        if (stopped_) return;
        sample.quality = Quality::value;
        sample.flaw = Flaw::none;
        if (!out_.warnings.empty()) {
            sample.flaw = Flaw::partial;
            out_.detail = out_.warnings.front();
        } else if (!out_.left_out.empty()) {
            const auto& [instance, flaw] = *out_.left_out.begin();
            sample.flaw = flaw;
            out_.detail = fmt::format("{}: {}", instance, name_of(flaw));
        }
    }

    const MetricQuery& query_;
    const Roster& roster_;
    WallTime asked_;
    const Answers& answers_;
    Ages ages_;
    bool stopped_ = false;
    std::set<std::string> seen_;
    MetricSample out_;
};

}  // namespace

Roster roster_of(const Membership& membership) {
    Roster roster;
    for (const Instance& instance : membership.instances) {
        switch (instance.phase) {
            case Phase::serving:
                roster.expected.insert(instance.id);
                [[fallthrough]];
            case Phase::creating:
            case Phase::booting:
            case Phase::warming:
            case Phase::draining:
                roster.members.insert(instance.id);
                break;
            // It carries nothing any more, and its last samples grow stale: no flaw of the others.
            case Phase::deleting:
            case Phase::planned:
            case Phase::gone:
            case Phase::failed:
                break;
        }
    }
    return roster;
}

MetricSample sample_of_answers(const MetricQuery& query,
                               const Roster& roster,
                               WallTime asked,
                               const Answers& answers) {
    return Reader(query, roster, asked, answers).read();
}

tl::expected<std::vector<std::string>, std::string> selectors_of(const MetricQuery& query) {
    if (!query.instance_label.empty() && !is_label_name(query.instance_label))
        return tl::unexpected(std::string("instance_label is not the name of a label"));
    return selectors_of(query.freshness.empty() ? std::string_view(query.query)
                                                : std::string_view(query.freshness));
}

}  // namespace muster::scaler::prometheus
