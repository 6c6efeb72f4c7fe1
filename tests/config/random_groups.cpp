#include "tests/config/random_groups.hpp"

#include "common/config/endpoint.hpp"
#include "tests/config/dice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace muster::config {
namespace {

std::string random_text(Dice& dice) {
    constexpr std::array<std::string_view, 24> odd = {
        "",   " ",  "a: b", "a #b", "#",    "- x", "[",  "{a}",       "\"", "'",   "\\", "~",
        "*a", "&a", "!tag", "|",    "a\tb", "%x",  "@x", "日本 é 😀", "<<", "---", "a:", "1:30"};
    if (dice.chance()) return std::string(dice.one_of(odd));
    return dice.word("abc \"'\\:#{}[],&*!|>%@`~-", 0, 12);
}

Backend random_backend(Dice& dice, int number) {
    Backend backend;
    switch (dice.number(0, 2)) {
        case 0:
            backend.address = fmt::format("10.0.{}.{}", number, dice.number(0, 255));
            break;
        case 1:
            backend.address = fmt::format("2001:db8::{:x}", number + 1);
            break;
        default:
            backend.address = fmt::format("web-{}.example.org", number);
    }
    backend.port = static_cast<std::uint16_t>(dice.number(1, 65535));
    const std::string address = to_string(Endpoint{.host = backend.address, .port = backend.port});
    backend.id =
        BackendId(dice.chance() ? address : fmt::format("{}{}", number, random_name(dice)));
    if (dice.chance()) backend.weight = dice.number(0, 1000);
    if (dice.chance()) backend.zone = random_name(dice);
    for (int labels = dice.number(0, 3); labels > 0; --labels)
        backend.labels[random_name(dice)] = random_text(dice);
    constexpr std::array states = {Admin::active, Admin::drain, Admin::maintenance};
    backend.admin = dice.one_of(states);
    if (dice.chance()) backend.slow_start = dice.duration(0s, 1h);
    return backend;
}

TextMatch random_match(Dice& dice) {
    if (dice.chance()) return {.text = random_text(dice) + "x\ny", .negate = dice.chance()};
    return {.text = "^" + dice.word("ab.", 1, 5) + "+[0-9]{2,3}|x$",
            .regex = true,
            .negate = dice.chance()};
}

HttpCheck random_http(Dice& dice) {
    HttpCheck http;
    if (dice.chance()) http.method = dice.word("ABC", 1, 16);
    if (dice.chance()) http.path = "/" + dice.word("abc/?&=%:;\"'<>{}[]\\~", 0, 30);
    if (dice.chance()) http.host = dice.chance() ? "example.org:8080" : "[::1]";
    for (int headers = dice.number(0, 3); headers > 0; --headers)
        http.headers.push_back(
            {.name = fmt::format("X-{}-{}", headers, dice.word("ab!#$%&'*+.^_`|~", 0, 5)),
             .value = dice.chance() ? "" : "v" + dice.word("a \t\"\\:#", 0, 9) + "~"});
    if (dice.chance()) {
        http.expect_status.clear();
        for (int ranges = dice.number(1, 4); ranges > 0; --ranges) {
            const int first = dice.number(100, 599);
            const int last = dice.chance() ? first : dice.number(first, 599);
            http.expect_status.push_back({.first = first, .last = last});
        }
    }
    if (dice.chance()) http.version = HttpVersion::http2;
    if (dice.chance()) http.body = random_text(dice) + "x";
    for (int matches = dice.chance() ? dice.number(1, 3) : 0; matches > 0; --matches)
        http.expect_body.push_back(random_match(dice));
    for (int matches = dice.number(0, 2); matches > 0; --matches) {
        HeaderMatch match{.name = fmt::format("X-{}-{}", matches, dice.word("ab!", 0, 5))};
        if (dice.chance()) {
            match.value = random_match(dice);
        } else {
            match.absent = dice.chance();
        }
        http.expect_headers.push_back(std::move(match));
    }
    if (http.version == HttpVersion::http1) http.redirects = dice.number(0, 10);
    if (dice.number(0, 3) == 0) {
        http.expect_status.clear();
        http.expect_status_regex = "^[23]" + dice.word("0123.", 2, 2) + "$";
    } else if (dice.number(0, 3) == 0) {
        http.expect_not_status.swap(http.expect_status);
    }
    for (int matches = dice.number(0, 2); matches > 0; --matches) {
        JsonMatch match{.pointer = dice.chance() ? "" : "/a~0b/" + dice.word("xyz01", 0, 4)};
        static const std::array<std::pair<JsonMatch::Compare, std::string>, 9> forms{
            {{JsonMatch::Compare::exists, ""},
             {JsonMatch::Compare::absent, ""},
             {JsonMatch::Compare::equals, "\"017\""},
             {JsonMatch::Compare::equals, "null"},
             {JsonMatch::Compare::differs, "true"},
             {JsonMatch::Compare::less, "-3"},
             {JsonMatch::Compare::at_most, "2.5E0"},
             {JsonMatch::Compare::more, "0"},
             {JsonMatch::Compare::at_least, "18446744073709551615"}}};
        std::tie(match.compare, match.value) = dice.one_of(forms);
        http.expect_json.push_back(std::move(match));
    }
    return http;
}

TlsSettings random_tls(Dice& dice) {
    TlsSettings tls;
    if (dice.chance()) tls.sni = dice.chance() ? "web.example.org" : "10.0.0.1";
    tls.verify = dice.chance();
    if (dice.chance()) tls.ca = random_name(dice);
    if (dice.chance()) tls.certificate = random_name(dice);
    if (dice.chance()) tls.min_version = TlsVersion::tls13;
    for (int names = dice.number(0, 2); names > 0; --names)
        tls.alpn.push_back("h" + dice.word("12/.", 1, 5));
    tls.expires_degraded_days = dice.number(0, 3650);
    if (tls.expires_degraded_days > 0)
        tls.expires_failed_days = dice.number(0, tls.expires_degraded_days - 1);
    tls.resume = dice.chance();
    return tls;
}

/// A kind over a stream, or not: what may be put around it depends on that.
ProbeKind random_service(Dice& dice, bool& is_stream) {
    const auto user = [&dice] { return "u" + dice.word("abc019_-.\"'#:", 0, 9); };
    is_stream = true;
    switch (dice.number(0, 12)) {
        case 10: {
            is_stream = false;
            CommandCheck command{.name = random_name(dice)};
            for (int n = dice.number(0, 3); n > 0; --n)
                command.arguments.emplace("a" + std::to_string(n),
                                          dice.word("ab ={}'\"", 0, 9) + "é");
            return command;
        }
        case 11: {
            is_stream = false;
            PluginCheck plugin{.name = random_name(dice)};
            if (dice.chance()) plugin.settings = R"({"a":[1,true,null,"x y"],"b":{"c":"1"}})";
            return plugin;
        }
        case 12: {
            is_stream = false;
            CompositeCheck composite;
            for (int n = dice.number(1, 4); n > 0; --n) {
                CompositePart& part = composite.parts.emplace_back();
                part.name = "p" + std::to_string(n);
                if (dice.chance()) part.probe.kind = TcpCheck{};
                if (dice.chance()) part.probe.tls.emplace();
                if (dice.chance()) part.port = static_cast<std::uint16_t>(dice.number(1, 65535));
            }
            const int parts = static_cast<int>(composite.parts.size());
            if (parts > 1) composite.need = dice.number(0, parts - 1);
            return composite;
        }
        case 9:
            return GrpcCheck{.service = dice.chance() ? "shop.v1." + dice.word("abc", 1, 9) : "",
                             .authority = dice.chance() ? "cart.example.org:443" : ""};
        case 0: {
            WebSocketCheck websocket{.path = "/" + dice.word("abc?=", 0, 9)};
            if (dice.chance()) websocket.headers = {{.name = "Origin", .value = "a: b"}};
            if (dice.chance()) websocket.subprotocol = "chat." + dice.word("ab", 0, 3);
            return websocket;
        }
        case 1: {
            is_stream = false;
            UdpCheck udp{.send = random_text(dice) + "x"};
            if (dice.chance()) udp.send += std::string("\0\xff", 2);
            if (dice.chance()) udp.expect = random_match(dice);
            return udp;
        }
        case 2: {
            DnsCheck dns{.name = dice.chance() ? "." : "a." + dice.word("ab_-9", 1, 9) + ".org."};
            if (dice.chance()) dns.type = "AAAA";
            if (dice.chance()) dns.rcodes = {"REFUSED", "NXDOMAIN"};
            for (int texts = dice.number(0, 2); texts > 0; --texts)
                dns.answers.push_back(random_match(dice));
            dns.tcp = is_stream = dice.chance();
            dns.recursion = dice.chance();
            return dns;
        }
        case 3:
            is_stream = false;
            return PingCheck{.size = dice.number(16, 1400)};
        case 4: {
            RedisCheck redis{.secret = dice.chance() ? random_name(dice) : ""};
            if (!redis.secret.empty() && dice.chance()) redis.user = user();
            if (dice.chance()) redis.role = dice.chance() ? "master" : "replica";
            return redis;
        }
        case 5:
            return PostgresCheck{.user = user(), .database = dice.chance() ? user() : ""};
        case 6:
            return MysqlCheck{.user = dice.chance() ? user() : ""};
        case 7:
            return SmtpCheck{.start_tls = dice.chance()};
        default: {
            LdapCheck ldap{.start_tls = dice.chance()};
            if (dice.chance()) {
                ldap.dn = "cn=" + random_text(dice) + "é";
                std::erase_if(ldap.dn, [](char c) { return c == '\t'; });
                ldap.secret = random_name(dice);
            }
            return ldap;
        }
    }
}

CheckSpec random_check(Dice& dice) {
    CheckSpec check;
    bool is_stream = true;
    if (dice.chance()) {
        check.probe.kind = random_service(dice, is_stream);
    } else if (dice.chance()) {
        TcpCheck tcp;
        for (int steps = dice.number(0, 3); steps > 0; --steps) {
            ScriptStep step{.bytes = random_text(dice) + "\r\n"};
            if (dice.chance()) step.bytes += std::string("\0\xff", 2);
            if (dice.chance()) {
                step.kind = ScriptStep::Kind::expect;
                step.regex = dice.chance();
            }
            if (step.regex) step.bytes = "^" + dice.word("ab.", 1, 5) + "$";
            tcp.script.push_back(std::move(step));
        }
        if (dice.chance())
            tcp.script.insert(
                tcp.script.begin() + dice.number(0, static_cast<int>(tcp.script.size())),
                {.kind = ScriptStep::Kind::start_tls});
        check.probe = std::move(tcp);
    } else {
        check.probe = random_http(dice);
    }
    if (is_stream && dice.chance()) check.probe.tls = random_tls(dice);
    if (is_stream && dice.chance())
        check.probe.proxy = dice.chance() ? ProxyProtocol::v1 : ProxyProtocol::v2;
    if (dice.chance()) {
        check.interval = dice.duration(10ms, 1h);
        check.timeout = dice.duration(1ms, check.interval);
    }
    if (dice.chance()) check.timeouts.resolve = dice.duration(1ms, check.timeout);
    if (dice.chance()) check.timeouts.reply = dice.duration(1ms, check.timeout);
    if (dice.chance()) check.timeouts.connect = dice.duration(1ms, check.timeout);
    if (dice.chance()) check.timeouts.first_byte = dice.duration(1ms, check.timeout);
    if (dice.chance()) check.jitter = dice.duration(1ms, check.interval);
    if (dice.chance()) check.initial = dice.chance() ? InitialState::up : InitialState::down;
    if (dice.chance()) check.min_down = dice.duration(1ms, 24h);
    if (dice.chance())
        check.flap_damping = FlapDamping{.half_life = dice.duration(1s, 24h),
                                         .suppress = dice.number(2, 100),
                                         .reuse = 1,
                                         .max_hold = dice.duration(1s, 24h)};
    if (dice.chance()) {
        IntentSource intent{.ttl = dice.duration(100ms, 24h)};
        if (std::holds_alternative<HttpCheck>(check.probe.kind)) {
            if (dice.chance()) intent.header = "X-State";
            intent.json = dice.chance();
            if (intent.json && dice.chance()) intent.json_pointer = "/a~0b";
        }
        if (dice.chance() || (intent.header.empty() && !intent.json)) {
            intent.agent_port = static_cast<std::uint16_t>(dice.number(1, 65535));
            if (dice.chance()) intent.agent_send = "hi\n";
            if (dice.chance()) intent.agent_interval = dice.duration(10ms, 1h);
        }
        check.intent = intent;
    }
    if (dice.chance()) check.confirm = dice.number(0, 16);
    if (const auto* const http = std::get_if<HttpCheck>(&check.probe.kind))
        check.probe.reuse = http->version == HttpVersion::http1 && dice.chance();
    if (is_stream) check.probe.all_addresses = dice.chance();
    if (is_stream) check.probe.close = static_cast<CloseMode>(dice.number(0, 2));
    if (dice.chance()) check.fast_interval = dice.duration(10ms, check.interval);
    if (dice.chance()) check.down_interval = dice.duration(10ms, 1h);
    if (dice.chance()) check.rise = dice.number(1, 100);
    if (dice.chance()) check.fall = dice.number(1, 100);
    if (dice.chance()) check.port = static_cast<std::uint16_t>(dice.number(1, 65535));
    return check;
}

LbSettings random_lb(Dice& dice) {
    LbSettings lb;
    lb.algorithm = static_cast<Algorithm>(dice.number(0, 7));
    if (dice.chance()) {
        lb.sticky_cookie = "C" + dice.word("ab!#$%&'*+.^_`|~", 0, 9);
    } else {
        lb.sticky_source = dice.chance();
    }
    if (dice.chance()) lb.retries = dice.number(0, 10);
    if (dice.chance()) lb.connect_timeout = dice.duration(1ms, 24h);
    if (dice.chance()) lb.server_timeout = dice.duration(1ms, 24h);
    if (dice.chance()) lb.slow_start = dice.duration(0s, 1h);
    return lb;
}

OutlierSpec random_outlier(Dice& dice) {
    OutlierSpec outlier;
    if (dice.chance()) outlier.action = OutlierAction::eject;
    if (dice.chance()) outlier.consecutive_5xx = dice.number(1, 10'000);
    if (dice.chance()) outlier.consecutive_gateway_failure = dice.number(0, 10'000);
    if (dice.chance()) outlier.interval = dice.duration(1s, 1h);
    if (dice.chance())
        outlier.success_rate = SuccessRateOutlier{.minimum_hosts = dice.number(2, 10'000),
                                                  .request_volume = dice.number(1, 1'000'000),
                                                  .stdev_factor = dice.number(100, 100'000)};
    if (dice.chance())
        outlier.failure_percentage =
            FailurePercentageOutlier{.threshold = dice.number(1, 100),
                                     .minimum_hosts = dice.number(2, 10'000),
                                     .request_volume = dice.number(1, 1'000'000)};
    if (dice.chance()) {
        outlier.base_ejection_time = dice.duration(1s, 24h);
        outlier.max_ejection_time = 24h;
    }
    if (dice.chance()) outlier.max_ejection_percent = dice.number(0, 100);
    return outlier;
}

}  // namespace

GroupSpec random_group(std::mt19937_64& random) {
    Dice dice(random);
    GroupSpec group;
    group.name = GroupName(random_name(dice));
    for (int i = dice.number(0, 12); i > 0; --i) group.backends.push_back(random_backend(dice, i));
    std::ranges::sort(group.backends, {}, &Backend::id);
    if (dice.chance()) group.check = random_check(dice);
    for (Backend& backend : group.backends) {
        if (!dice.chance()) continue;
        BackendCheck own{.check = group.check};
        own.check.rise = dice.number(1, 100);
        own.check.port = static_cast<std::uint16_t>(dice.number(1, 65535));
        own.fields = fmt::format(R"({{"rise":{},"port":{}}})", own.check.rise, *own.check.port);
        backend.check = std::move(own);
    }
    if (dice.chance()) group.lb = random_lb(dice);
    if (dice.chance()) group.max_eject_percent = dice.number(0, 100);
    if (dice.chance()) {
        group.panic_enter_percent = dice.number(0, 100);
        group.panic_exit_percent = dice.number(group.panic_enter_percent, 100);
    }
    if (dice.chance()) group.shard_size = dice.number(1, 1024);
    if (dice.chance()) group.outlier = random_outlier(dice);
    return group;
}

}  // namespace muster::config
