// What the master writes of the way of one group's generation through the LBs.
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {

constexpr std::size_t max_waves = 100;
constexpr std::size_t max_fleets = 1'000;
constexpr std::size_t max_members = 10'000;  // of all waves

constexpr std::array<std::pair<WaveVerdict, std::string_view>, 4> verdicts{{
    {WaveVerdict::waiting, "waiting"},
    {WaveVerdict::watching, "watching"},
    {WaveVerdict::passed, "passed"},
    {WaveVerdict::failed, "failed"},
}};

json::object encode_wave(const RolloutWave& wave) {
    json::object members;
    for (const auto& [fleet, instances] : wave.members) {
        json::array names;
        for (const InstanceId& instance : instances) names.emplace_back(instance.str());
        members.emplace(fleet.str(), std::move(names));
    }
    const auto* const verdict =
        std::ranges::find(verdicts, wave.verdict, &std::pair<WaveVerdict, std::string_view>::first);
    return {{"members", std::move(members)},
            {"verdict", verdict->second},
            {"time", milliseconds(wave.time)},
            {"reason", wave.reason.substr(0, max_rollout_reason)}};
}

void read_members(Reader& in, RolloutWave& wave, std::size_t& members) {
    for (const auto& [fleet, names] : in.object("members", max_fleets)) {
        if (!is_path_name(fleet) || !names.is_array()) return in.refuse(Errc::malformed, "members");
        std::set<InstanceId>& instances = wave.members[FleetName(std::string_view(fleet))];
        for (const json::value& name : names.get_array()) {
            if (++members > max_members) return in.refuse(Errc::out_of_bounds, "members");
            if (!name.is_string() || !is_path_name(name.get_string()))
                return in.refuse(Errc::malformed, "members");
            instances.emplace(std::string_view(name.get_string()));
        }
    }
}

void read_verdict(Reader& in, RolloutWave& wave) {
    const std::string word = in.text("verdict", 32);
    const auto* const verdict = std::ranges::find(
        verdicts, std::string_view(word), &std::pair<WaveVerdict, std::string_view>::second);
    // A word that this build doesn't know may mean anything: what is in force stays.
    if (verdict == verdicts.end()) return in.refuse(Errc::malformed, "verdict");
    wave.verdict = verdict->first;
    wave.time = in.time("time");
    wave.reason = in.text("reason", max_rollout_reason);
}

}  // namespace

std::string encode(const Rollout& rollout) {
    json::object out = stamped(rollout.stamp);
    out.emplace("group_uid", rollout.group_uid);
    out.emplace("stable", rollout.stable);
    out.emplace("candidate", rollout.candidate);
    json::array waves;
    for (const RolloutWave& wave : rollout.waves) waves.emplace_back(encode_wave(wave));
    out.emplace("waves", std::move(waves));
    if (rollout.released) out.emplace("released", true);
    return json::serialize(out);
}

static void read(Reader& in, Rollout& rollout) {
    rollout.group_uid = in.text("group_uid");
    if (rollout.group_uid.empty()) in.refuse(Errc::out_of_bounds, "group_uid");
    rollout.stable = in.integer("stable", 1, Reader::no_limit);
    rollout.candidate = in.integer("candidate", 1, Reader::no_limit);
    if (rollout.candidate < rollout.stable) in.refuse(Errc::out_of_bounds, "candidate");
    std::size_t members = 0;
    for (const json::value& value : in.array("waves", max_waves)) {
        if (!value.is_object()) return in.refuse(Errc::malformed, "waves");
        Reader of_wave(value.get_object());
        RolloutWave& wave = rollout.waves.emplace_back();
        read_members(of_wave, wave, members);
        read_verdict(of_wave, wave);
        if (of_wave.refused())
            return in.refuse(static_cast<Errc>(of_wave.error()->code.value()),
                             "waves: " + of_wave.error()->context);
    }
    rollout.released = in.flag("released");
}

template Result<Rollout> decode<Rollout>(std::string_view, std::string_view);

}  // namespace muster::znodes
