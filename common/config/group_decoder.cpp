#include "common/config/group_decoder.hpp"

#include "common/config/check_codec.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/outlier_codec.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

namespace muster::config {
namespace {

void read_sticky(const Value& value, LbSettings& lb) {
    const Fields fields(value, {"cookie", "source"});
    const auto cookie = fields.find("cookie");
    const auto source = fields.find("source");
    if (cookie && source)
        source->refuse("stands beside cookie; sticky is one of cookie and source");
    if (value.node().kind == Node::Kind::map && value.node().items.empty())
        value.refuse("is an empty map; must be {cookie: NAME} or {source: true}");
    read_text(fields, "cookie", lb.sticky_cookie, rules::cookie_name);
    if (source) lb.sticky_source = read_bool(*source).value_or(false);
}

LbSettings decode_lb(const Value& value) {
    LbSettings lb;
    const Fields fields(value, {"algorithm", "sticky", "retries", "timeouts", "slow_start"});
    read_enum(fields, "algorithm", lb.algorithm);
    if (const auto sticky = fields.find("sticky")) read_sticky(*sticky, lb);
    read_int(fields, "retries", lb.retries, bounds::retries);
    if (const auto timeouts = fields.find("timeouts")) {
        const Fields spans(*timeouts, {"connect", "server"});
        read_duration(spans, "connect", lb.connect_timeout, bounds::lb_timeout);
        read_duration(spans, "server", lb.server_timeout, bounds::lb_timeout);
    }
    read_duration(fields, "slow_start", lb.slow_start, bounds::slow_start);
    return lb;
}

void read_panic(const Value& value, GroupSpec& group) {
    const Fields fields(value, {"enter", "exit"});
    read_int(fields, "enter", group.panic_enter_percent, bounds::percent);
    read_int(fields, "exit", group.panic_exit_percent, bounds::percent);
    if (group.panic_exit_percent >= group.panic_enter_percent) return;
    const auto exit = fields.find("exit");
    (exit ? *exit : value)
        .refuse(fmt::format("panic ends at {} % but begins below {} %; exit must be at least enter",
                            group.panic_exit_percent,
                            group.panic_enter_percent));
}

}  // namespace

GroupSpec decode_group_spec(const Value& spec, std::size_t max_backends) {
    GroupSpec group;
    const Fields fields(
        spec, {"backends", "check", "lb", "max_eject_percent", "panic", "shard_size", "outlier"});
    if (const auto list = fields.require("backends", "a list of backends, [] for none yet"))
        group.backends =
            decode_backends(*list, BackendForm::address_or_map, fields.find("check"), max_backends);
    if (const auto check = fields.find("check")) group.check = decode_check(*check);
    if (const auto lb = fields.find("lb")) group.lb = decode_lb(*lb);
    read_int(fields, "max_eject_percent", group.max_eject_percent, bounds::percent);
    if (const auto panic = fields.find("panic")) read_panic(*panic, group);
    if (const auto shard_size = fields.find("shard_size")) {
        if (const auto number = read_int(*shard_size, bounds::shard_size))
            group.shard_size = static_cast<int>(*number);
    }
    if (const auto outlier = fields.find("outlier")) group.outlier = decode_outlier(*outlier);
    return group;
}

}  // namespace muster::config
