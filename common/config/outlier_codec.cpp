#include "common/config/outlier_codec.hpp"

#include "common/config/enum_words.hpp"
#include "common/config/group_limits.hpp"

namespace muster::config {
namespace {

SuccessRateOutlier decode_success_rate(const Value& value) {
    SuccessRateOutlier rate;
    const Fields fields(value, {"minimum_hosts", "request_volume", "stdev_factor"});
    read_int(fields, "minimum_hosts", rate.minimum_hosts, bounds::minimum_hosts);
    read_int(fields, "request_volume", rate.request_volume, bounds::request_volume);
    read_int(fields, "stdev_factor", rate.stdev_factor, bounds::stdev_factor);
    return rate;
}

FailurePercentageOutlier decode_failure_percentage(const Value& value) {
    FailurePercentageOutlier share;
    const Fields fields(value, {"threshold", "minimum_hosts", "request_volume"});
    read_int(fields, "threshold", share.threshold, bounds::failure_threshold);
    read_int(fields, "minimum_hosts", share.minimum_hosts, bounds::minimum_hosts);
    read_int(fields, "request_volume", share.request_volume, bounds::request_volume);
    return share;
}

json::object encode(const SuccessRateOutlier& rate, Verbosity verbosity) {
    const SuccessRateOutlier standard;
    FieldWriter writer(verbosity);
    writer.field("minimum_hosts", rate.minimum_hosts, standard.minimum_hosts);
    writer.field("request_volume", rate.request_volume, standard.request_volume);
    writer.field("stdev_factor", rate.stdev_factor, standard.stdev_factor);
    return writer.take();
}

json::object encode(const FailurePercentageOutlier& share, Verbosity verbosity) {
    const FailurePercentageOutlier standard;
    FieldWriter writer(verbosity);
    writer.field("threshold", share.threshold, standard.threshold);
    writer.field("minimum_hosts", share.minimum_hosts, standard.minimum_hosts);
    writer.field("request_volume", share.request_volume, standard.request_volume);
    return writer.take();
}

/// Rules between fields.
void check_together(const Value& value, const Fields& fields, const OutlierSpec& outlier) {
    if (outlier.max_ejection_time < outlier.base_ejection_time) {
        const auto most = fields.find("max_ejection_time");
        (most ? *most : value)
            .refuse(fmt::format("an ejection lasts {} at most but begins with {}; "
                                "max_ejection_time must be at least base_ejection_time",
                                to_string(outlier.max_ejection_time),
                                to_string(outlier.base_ejection_time)));
    }
    const bool counts = outlier.consecutive_5xx > 0 || outlier.consecutive_gateway_failure > 0;
    if (!counts && !outlier.success_rate && !outlier.failure_percentage)
        value.refuse(
            "nothing is counted; one of consecutive_5xx, consecutive_gateway_failure, "
            "success_rate and failure_percentage must be there, and not 0");
}

}  // namespace

OutlierSpec decode_outlier(const Value& value) {
    OutlierSpec outlier;
    const Fields fields(value,
                        {"action",
                         "consecutive_5xx",
                         "consecutive_gateway_failure",
                         "interval",
                         "success_rate",
                         "failure_percentage",
                         "base_ejection_time",
                         "max_ejection_time",
                         "max_ejection_percent"});
    read_enum(fields, "action", outlier.action);
    read_int(fields, "consecutive_5xx", outlier.consecutive_5xx, bounds::consecutive);
    read_int(fields,
             "consecutive_gateway_failure",
             outlier.consecutive_gateway_failure,
             bounds::consecutive);
    read_duration(fields, "interval", outlier.interval, bounds::outlier_interval);
    if (const auto rate = fields.find("success_rate"))
        outlier.success_rate = decode_success_rate(*rate);
    if (const auto share = fields.find("failure_percentage"))
        outlier.failure_percentage = decode_failure_percentage(*share);
    read_duration(fields, "base_ejection_time", outlier.base_ejection_time, bounds::ejection_time);
    read_duration(fields, "max_ejection_time", outlier.max_ejection_time, bounds::ejection_time);
    read_int(fields, "max_ejection_percent", outlier.max_ejection_percent, bounds::percent);
    if (value.node().kind == Node::Kind::map) check_together(value, fields, outlier);
    return outlier;
}

json::object encode(const OutlierSpec& outlier, Verbosity verbosity) {
    const OutlierSpec standard;
    FieldWriter writer(verbosity);
    writer.field("action", outlier.action, standard.action);
    writer.field("consecutive_5xx", outlier.consecutive_5xx, standard.consecutive_5xx);
    writer.field("consecutive_gateway_failure",
                 outlier.consecutive_gateway_failure,
                 standard.consecutive_gateway_failure);
    writer.field("interval", outlier.interval, standard.interval);
    if (outlier.success_rate) writer.put("success_rate", encode(*outlier.success_rate, verbosity));
    if (outlier.failure_percentage)
        writer.put("failure_percentage", encode(*outlier.failure_percentage, verbosity));
    writer.field("base_ejection_time", outlier.base_ejection_time, standard.base_ejection_time);
    writer.field("max_ejection_time", outlier.max_ejection_time, standard.max_ejection_time);
    writer.field(
        "max_ejection_percent", outlier.max_ejection_percent, standard.max_ejection_percent);
    return writer.take();
}

}  // namespace muster::config
