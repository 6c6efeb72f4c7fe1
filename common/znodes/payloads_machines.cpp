// What the nodes say of the LBs on their hosts.
#include "common/znodes/payloads_machines.hpp"

#include "common/config/unicode.hpp"
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {
constexpr std::size_t max_token = 128;
constexpr std::size_t max_address = 255;

std::optional<std::string> text_of(const json::value& value, std::size_t most) {
    if (!value.is_string() || value.get_string().size() > most) return std::nullopt;
    return std::string(value.get_string());
}

/// ["id", "token", "state", "address", started]
std::optional<HostMachine> machine_of(const json::value& value) {
    const json::array* const parts = value.if_array();
    if (parts == nullptr || parts->size() < 5) return std::nullopt;
    const json::array& part = *parts;
    const auto state = text_of(part[2], 16);
    const auto known = state ? reported_state(*state) : std::nullopt;
    const auto id = text_of(part[0], max_address);
    const bool timed =
        part[4].is_int64() && part[4].get_int64() >= 0 && part[4].get_int64() <= latest_time;
    const auto token = text_of(part[1], max_token);
    const auto address = text_of(part[3], max_address);
    if (!id || !is_path_name(*id) || !known || !timed || !token ||
        !is_plain_text(*token, max_token) || !address || !is_plain_text(*address, max_address))
        return std::nullopt;
    return HostMachine{.id = InstanceId(*id),
                       .token = *token,
                       .state = *known,
                       .address = *address,
                       .started = WallTime(std::chrono::milliseconds(part[4].get_int64()))};
}
}  // namespace

std::string encode(const HostMachines& host) {
    json::object out = stamped(host.stamp);
    out.emplace("provider", host.provider);
    out.emplace("time", milliseconds(host.time));
    out.emplace("error", config::as_plain_text(host.error, max_fleet_reason));
    json::array machines;
    for (const HostMachine& machine : host.machines) {
        machines.push_back(json::array{machine.id.str(),
                                       machine.token,
                                       to_string(machine.state),
                                       machine.address,
                                       milliseconds(machine.started)});
    }
    out.emplace("machines", std::move(machines));
    json::object refusals;
    for (const auto& [id, why] : host.refusals)
        refusals.emplace(id.str(), config::as_plain_text(why, max_fleet_reason));
    out.emplace("refusals", std::move(refusals));
    if (host.lost) {
        out.emplace("lost", milliseconds(*host.lost));
        out.emplace("lost_by", config::as_plain_text(host.lost_by, max_fleet_reason));
    }
    return json::serialize(out);
}

static void read(Reader& in, HostMachines& host) {
    host.provider = in.text("provider");
    host.time = in.time("time");
    host.error = in.text("error", max_fleet_reason);
    for (const json::value& item : in.array("machines", max_host_machines)) {
        auto machine = machine_of(item);
        if (!machine || (!host.machines.empty() && machine->id <= host.machines.back().id))
            return in.refuse(Errc::malformed, "machines");
        host.machines.push_back(*std::move(machine));
    }
    for (const auto& [id, why] : in.object("refusals", max_host_machines)) {
        if (!is_path_name(id) || !why.is_string() || why.get_string().size() > max_fleet_reason)
            return in.refuse(Errc::malformed, "refusals");
        host.refusals.emplace(std::string_view(id), std::string(why.get_string()));
    }
    if (!in.has("lost")) return;
    host.lost = in.time("lost");
    host.lost_by = in.text("lost_by", max_fleet_reason);
}

template Result<HostMachines> decode<HostMachines>(std::string_view, std::string_view);

}  // namespace muster::znodes
