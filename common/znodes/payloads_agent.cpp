// What the agents beside the LBs write.
#include "common/config/endpoint.hpp"
#include "common/config/unicode.hpp"
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <optional>
#include <utility>

namespace muster::znodes {

namespace json = boost::json;

namespace {

constexpr std::size_t max_groups = 10'000;
constexpr std::size_t max_error = 500;
constexpr std::size_t max_exporters = 8;
constexpr std::size_t max_connection_fields = 8;
constexpr std::size_t max_backend_id_bytes = 512;
constexpr int max_count = 1'000'000'000;

/// Nothing where it is no number of the range.
std::optional<std::int64_t> number(const json::value& value,
                                   std::int64_t least,
                                   std::int64_t most) {
    if (!value.is_int64() || value.get_int64() < least || value.get_int64() > most) return {};
    return value.get_int64();
}

/// ["id", "sign", failed, answers, finding]
std::optional<Outlier> read_outlier(const json::value& value) {
    const json::array* const parts = value.if_array();
    if (parts == nullptr || parts->size() < 5) return {};
    const json::array& part = *parts;
    if (!part[0].is_string() || !part[1].is_string() || part[0].get_string().empty() ||
        !is_plain_text(part[0].get_string(), max_backend_id_bytes))
        return {};
    const auto sign = outlier_sign(part[1].get_string());
    const auto failed = number(part[2], 0, max_count);
    const auto answers = number(part[3], 0, max_count);
    const auto finding = number(part[4], 1, Reader::no_limit);
    if (!sign || !failed || !answers || !finding) return {};
    return Outlier{.backend = BackendId(std::string_view(part[0].get_string())),
                   .sign = *sign,
                   .failed = static_cast<int>(*failed),
                   .answers = static_cast<int>(*answers),
                   .finding = *finding};
}

}  // namespace

std::string encode(const AgentReport& report) {
    json::object out = stamped(report.stamp);
    out.emplace("fleet", report.fleet.str());
    out.emplace("instance", report.instance.str());
    out.emplace("incarnation", report.incarnation);
    out.emplace("address", report.address);
    out.emplace("build", report.build);
    out.emplace("lb", report.lb);
    out.emplace("accepting", report.accepting);
    out.emplace("time", milliseconds(report.time));
    out.emplace("fleet_generation", report.fleet_generation);
    json::object generations;
    for (const auto& [group, generation] : report.generations)
        generations.emplace(group.str(), generation);
    out.emplace("generations", std::move(generations));
    out.emplace("status_time", milliseconds(report.status_time));
    out.emplace("error", config::as_plain_text(report.error, max_error));
    if (!report.exporters.empty()) {
        json::object exporters;
        for (const auto& [name, address] : report.exporters) exporters.emplace(name, address);
        out.emplace("exporters", std::move(exporters));
    }
    if (report.connections)
        out.emplace("connections",
                    json::object{{"open", report.connections->open},
                                 {"counted", milliseconds(report.connections->counted)}});
    return json::serialize(out);
}

static void read_exporters(Reader& in, AgentReport& report) {
    if (!in.has("exporters")) return;
    for (const auto& [name, address] : in.object("exporters", max_exporters)) {
        if (!is_path_name(name) || !address.is_string() ||
            !config::parse_endpoint(address.get_string())) {
            in.refuse(Errc::malformed, "exporters");
            return;
        }
        report.exporters.emplace(std::string(name), std::string(address.get_string()));
    }
}

static void read_connections(Reader& in, AgentReport& report) {
    if (!in.has("connections")) return;
    Reader part(in.object("connections", max_connection_fields));
    OpenConnections read{.open = part.integer("open", 0, max_count)};
    read.counted = part.time("counted");
    if (part.refused()) return in.refuse(Errc::malformed, "connections");
    report.connections = read;
}

static void read(Reader& in, AgentReport& report) {
    report.fleet = FleetName(in.name("fleet"));
    report.instance = InstanceId(in.name("instance"));
    report.incarnation = in.text("incarnation");
    report.address = in.text("address");
    report.build = in.text("build");
    report.lb = in.text("lb");
    report.accepting = in.flag("accepting");
    report.time = in.time("time");
    report.fleet_generation = in.integer("fleet_generation", 0, Reader::no_limit);
    for (const auto& [group, generation] : in.object("generations", max_groups)) {
        if (!is_path_name(group) || !generation.is_int64() || generation.get_int64() < 0) {
            in.refuse(Errc::malformed, "generations");
            break;
        }
        report.generations.emplace(std::string_view(group), generation.get_int64());
    }
    report.status_time = in.time("status_time");
    report.error = in.text("error", max_error);
    read_exporters(in, report);
    read_connections(in, report);
}

std::string encode(const LbEvidence& evidence) {
    json::object out = stamped(evidence.stamp);
    out.emplace("fleet", evidence.fleet.str());
    out.emplace("instance", evidence.instance.str());
    out.emplace("incarnation", evidence.incarnation);
    out.emplace("uid", evidence.group_uid);
    out.emplace("seen", evidence.seen);
    out.emplace("found", evidence.found);
    json::array outliers;
    for (const Outlier& outlier : evidence.outliers) {
        outliers.push_back(json::array{outlier.backend.str(),
                                       to_string(outlier.sign),
                                       outlier.failed,
                                       outlier.answers,
                                       outlier.finding});
    }
    out.emplace("outliers", std::move(outliers));
    return json::serialize(out);
}

static void read(Reader& in, LbEvidence& evidence) {
    evidence.fleet = FleetName(in.name("fleet"));
    evidence.instance = InstanceId(in.name("instance"));
    evidence.incarnation = in.text("incarnation");
    evidence.group_uid = in.text("uid");
    evidence.seen = in.small("seen", 0, max_count);
    evidence.found = in.small("found", 0, max_count);
    for (const json::value& item : in.array("outliers", max_outliers)) {
        auto outlier = read_outlier(item);
        // In order, so that none is there twice.
        const bool in_order = outlier && (evidence.outliers.empty() ||
                                          evidence.outliers.back().backend < outlier->backend);
        if (!in_order) {
            in.refuse(Errc::malformed, "outliers");
            return;
        }
        evidence.outliers.push_back(std::move(*outlier));
    }
}

template Result<LbEvidence> decode<LbEvidence>(std::string_view, std::string_view);
template Result<AgentReport> decode<AgentReport>(std::string_view, std::string_view);

}  // namespace muster::znodes
