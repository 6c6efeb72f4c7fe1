#include "tests/failover/wave.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <random>
#include <string_view>

namespace muster::test {

namespace json = boost::json;

namespace {

constexpr int steps = 2'000;

/// The text of the last field, "time=1772366400".
double time_of(std::string_view form) {
    const std::size_t at = form.rfind("time=");
    return at == std::string_view::npos ? 0 : std::stod(std::string(form.substr(at + 5)));
}

}  // namespace

Wave::Wave(std::uint64_t seed, WallTime begin, std::chrono::seconds shortest_step)
    : end_(WallTime::max().time_since_epoch().count()) {
    std::mt19937_64 engine(seed);
    WallTime from = begin;
    for (int i = 0; i < steps; ++i) {
        steps_.push_back({.from = from, .load = 150 + static_cast<int>(engine() % 450)});
        from += shortest_step * (1 + static_cast<int>(engine() % 3));
    }
}

void Wave::end(WallTime at, int load) {
    last_ = load;
    end_ = at.time_since_epoch().count();
}

int Wave::at(WallTime time) const {
    if (time.time_since_epoch().count() >= end_) return last_;
    const auto after = std::ranges::upper_bound(steps_, time, {}, &Step::from);
    return after == steps_.begin() ? steps_.front().load : std::prev(after)->load;
}

http::Response Wave::answer(const http::Request& request, const MachinePark& park) const {
    const double seconds = time_of(request.body);
    const WallTime time{std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000))};
    json::array result;
    if (!request.body.contains("timestamp")) {
        result.push_back(json::object{{"metric", json::object{}},
                                      {"value", json::array{seconds, std::to_string(at(time))}}});
    } else {
        for (const auto& [id, machine] : park.machines())
            result.push_back(json::object{
                {"metric", json::object{{"instance_id", id}, {"muster_selector", "0"}}},
                {"value", json::array{seconds, std::to_string(seconds)}}});
    }
    return http::Response::json(
        200,
        json::serialize(json::object{
            {"status", "success"},
            {"data", json::object{{"resultType", "vector"}, {"result", std::move(result)}}}}));
}

}  // namespace muster::test
