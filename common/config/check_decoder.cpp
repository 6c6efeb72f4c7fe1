#include "common/config/group_decoder.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/probe_codec.hpp"

#include <fmt/format.h>

namespace muster::config {
namespace {

/// A span that must not be longer than the interval, which may be the default one.
void refuse_longer_than_interval(const Fields& fields,
                                 std::string_view name,
                                 Duration span,
                                 Duration interval) {
    if (span <= interval) return;
    const std::string what = fmt::format(
        "is {}, longer than the interval of {}; must be at most "
        "that",
        to_string(span),
        to_string(interval));
    // With a short interval and the default timeout the interval is what the user wrote.
    if (const auto value = fields.find(name)) {
        value->refuse(what);
    } else if (const auto value_of_interval = fields.find("interval")) {
        value_of_interval->refuse(
            fmt::format("is {}, shorter than the default {} of {}; set {} too",
                        to_string(interval),
                        name,
                        to_string(span),
                        name));
    }
}

}  // namespace

CheckSpec decode_check(const Value& value) {
    CheckSpec check;
    const Fields fields(
        value,
        with_probe_fields(
            {"interval", "fast_interval", "down_interval", "timeout", "rise", "fall", "port"}));
    check.probe = decode_probe(fields);
    read_duration(fields, "interval", check.interval, bounds::interval);
    if (const auto fast = fields.find("fast_interval")) {
        check.fast_interval = read_duration(*fast, bounds::interval);
        if (check.fast_interval)
            refuse_longer_than_interval(
                fields, "fast_interval", *check.fast_interval, check.interval);
    }
    if (const auto down = fields.find("down_interval"))
        check.down_interval = read_duration(*down, bounds::interval);
    read_duration(fields, "timeout", check.timeout, bounds::timeout);
    refuse_longer_than_interval(fields, "timeout", check.timeout, check.interval);
    read_int(fields, "rise", check.rise, bounds::threshold);
    read_int(fields, "fall", check.fall, bounds::threshold);
    if (const auto port = fields.find("port")) {
        if (const auto number = read_int(*port, bounds::port))
            check.port = static_cast<std::uint16_t>(*number);
    }
    return check;
}

}  // namespace muster::config
