#include "orchestrator/api_shift.hpp"

#include "common/config/decode.hpp"
#include "common/follow/instance_group.hpp"
#include "orchestrator/dns_gauges.hpp"
#include "tests/api/api_case.hpp"
#include "tests/api/example_cluster.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using test::ApiCase;
using test::at;
using test::request;
using testing::ElementsAre;
using testing::HasSubstr;
using znodes::ShiftPhase;

/// Fleets blue, green (priority 10) and spare (20) publish api.muster.test; alone another name.
Snapshot with_fleets(const ApiCase& api) {
    Snapshot snapshot = test::example_snapshot(api.clock.now(), api.clock.wall());
    snapshot.fleets.clear();
    for (const auto& [name, dns, priority] : {std::tuple("alone", "alone.muster.test", 10),
                                              std::tuple("blue", "api.muster.test", 10),
                                              std::tuple("green", "api.muster.test", 10),
                                              std::tuple("spare", "api.muster.test", 20)}) {
        config::FleetSpec spec{.name = FleetName(name)};
        spec.dns = {{.name = dns, .priority = priority}};
        snapshot.fleets.push_back({.spec = std::make_shared<const config::FleetSpec>(spec)});
    }
    return snapshot;
}

TEST(TrafficShiftApi, TakesAShift) {
    ApiCase api;
    api.publish(with_fleets(api));
    const auto reply = api.answer(request(
        "POST",
        "/api/v1/traffic-shift",
        {{"Muster-Author", "alice"}},
        R"({"name":"api.muster.test","percent":{"blue":90,"green":10},"over":"10m","interval":"30s",)"
        R"("patience":"2m","healthy_percent":80})"));
    EXPECT_EQ(reply.status, 202) << reply.body;
    EXPECT_THAT(api.commands.asked, ElementsAre("shift api.muster.test blue=90 green=10 by alice"));
    const auto body = boost::json::parse(reply.body);
    EXPECT_EQ(at(body, "/over_seconds"), "600");
    EXPECT_EQ(at(body, "/interval_seconds"), "30");
    EXPECT_EQ(at(body, "/patience_seconds"), "120");
    EXPECT_EQ(at(body, "/healthy_percent"), "80");
    EXPECT_EQ(at(body, "/phase"), R"("asked")");

    (void)api.answer(request("POST", "/api/v1/traffic-shift/api.muster.test/cancel?dry_run=1"));
    (void)api.answer(request("DELETE", "/api/v1/traffic-shift/api.muster.test"));
    EXPECT_THAT(api.commands.asked,
                ElementsAre("shift api.muster.test blue=90 green=10 by alice",
                            "cancel api.muster.test by loopback dry",
                            "forget api.muster.test by loopback"));
    api.commands.fails = {.code = CommandErrc::refused, .context = "a shift is under way"};
    EXPECT_EQ(api.answer(request("DELETE", "/api/v1/traffic-shift/api.muster.test")).status, 409);
}

TEST(TrafficShiftApi, RefusesWithPlaceAndReason) {
    struct Row {
        const char* body;
        const char* path;
        const char* what;
    };
    const std::string many = [] {
        std::string text = R"({"name":"api.muster.test","percent":{)";
        for (int i = 0; i < 17; ++i) text += "\"f" + std::to_string(i) + "\":1,";
        return text + R"("blue":83}})";
    }();
    const std::vector<Row> rows = {
        {"", "name", "is required"},
        {"[]", "", "must be a JSON object"},
        {"{", "", "is not JSON"},
        {R"({"name":"api.muster.test"})", "percent", "is required"},
        {R"({"percent":{"blue":100}})", "name", "is required"},
        {R"({"name":7,"percent":{"blue":100}})", "name", "must be a text"},
        {R"({"name":"API.muster.test","percent":{"blue":100}})", "name", "lower"},
        {R"({"name":"any.muster.test","percent":{"blue":100}})", "name", "any"},
        {R"({"name":"../../control","percent":{"blue":100}})", "name", ""},
        {R"({"name":"apy.muster.test","percent":{"blue":100}})", "name", "nearest is 'api.muster"},
        {R"({"name":"api.muster.test","percent":{}})", "percent", "1 to 16"},
        {R"({"name":"api.muster.test","percent":[100]})", "percent", "1 to 16"},
        {many.c_str(), "percent", "1 to 16"},
        {R"({"name":"api.muster.test","percent":{"blue":90,"green":9}})", "percent", "makes 99"},
        {R"({"name":"api.muster.test","percent":{"blue":90,"green":20}})", "percent", "makes 110"},
        {R"({"name":"api.muster.test","percent":{"blue":110,"green":-10}})",
         "percent.blue",
         "from 0 to 100"},
        {R"({"name":"api.muster.test","percent":{"blue":50.5,"green":49.5}})",
         "percent.blue",
         "whole number"},
        {R"({"name":"api.muster.test","percent":{"blue":"100"}})", "percent.blue", "whole number"},
        {R"({"name":"api.muster.test","percent":{"a/b":100}})", "percent", "no fleet"},
        {R"({"name":"api.muster.test","percent":{"":100}})", "percent", "no fleet"},
        {R"({"name":"api.muster.test","percent":{"geen":100}})",
         "percent.geen",
         "nearest is 'green'"},
        {R"({"name":"api.muster.test","percent":{"alone":100}})",
         "percent.alone",
         "no such fleet publishes the name"},
        {R"({"name":"api.muster.test","percent":{"blue":90,"spare":10}})",
         "percent.spare",
         "those that share must agree"},
        {R"({"name":"api.muster.test","by":"zone","percent":{"moon":100}})",
         "percent.moon",
         "no load balancer"},
        {R"({"name":"api.muster.test","by":"host","percent":{"blue":100}})", "by", "fleet or zone"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"over":600})", "over", "text"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"over":"soon"})", "over", "like 90s"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"over":"169h"})", "over", "168 h"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"over":"1500ms"})", "over", "whole"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"interval":"0s"})",
         "interval",
         "from 1 s"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"over":"1m","interval":"2m"})",
         "interval",
         "not be longer"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"patience":"1s"})",
         "patience",
         "from 5 s"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"healthy_percent":0})",
         "healthy_percent",
         "from 1 to 100"},
        {R"({"name":"api.muster.test","percents":{"blue":100}})", "percents", "nearest known"},
        {R"({"name":"api.muster.test","percent":{"blue":100},"now":{"blue":1}})", "now", "unknown"},
    };
    for (const Row& row : rows) {
        ApiCase api;
        api.publish(with_fleets(api));
        const auto reply =
            api.answer(request("POST", "/api/v1/traffic-shift", {}, std::string(row.body)));
        EXPECT_EQ(reply.status, 422) << row.body << reply.body;
        bool found = false;
        for (const auto& error : boost::json::parse(reply.body).at("errors").as_array()) {
            const std::string detail(error.at("detail").as_string());
            const auto* const path = error.as_object().if_contains("path");
            const std::string place = path != nullptr ? std::string(path->as_string()) : "";
            found = found || (place == row.path && detail.contains(row.what));
        }
        EXPECT_TRUE(found) << row.body << "\n" << reply.body;
        EXPECT_TRUE(api.commands.asked.empty()) << row.body;
    }
}

TEST(TrafficShiftApi, SharesByZoneOnlyWhereEachLoadBalancerHasOne) {
    ApiCase api;
    Snapshot snapshot = with_fleets(api);
    const auto ask = [&](const std::string& zone) {
        config::GroupSpec spec{.name = follow::instance_group(FleetName("blue"))};
        spec.backends = {{.id = BackendId("b1"), .zone = "z1"},
                         {.id = BackendId("b2"), .zone = zone}};
        test::put_group(snapshot,
                        {.spec = std::make_shared<const config::GroupSpec>(std::move(spec))});
        api.publish(snapshot);
        return api.answer(
            request("POST",
                    "/api/v1/traffic-shift",
                    {},
                    R"({"name":"api.muster.test","by":"zone","percent":{"z1":100}})"));
    };
    const auto refused = ask("");
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_THAT(refused.body, HasSubstr("some have none"));
    EXPECT_TRUE(api.commands.asked.empty());
    EXPECT_EQ(ask("z2").status, 202);
}

TEST(TrafficShiftApi, ShowsHowFarShiftsAre) {
    ApiCase api;
    Snapshot snapshot = with_fleets(api);
    snapshot.shifts["api.muster.test"] = {.id = "1",
                                          .from = {{"blue", 100}},
                                          .to = {{"blue", 50}, {"green", 50}},
                                          .now = {{"blue", 95}, {"green", 5}},
                                          .step = 1,
                                          .steps = 10,
                                          .phase = ShiftPhase::held,
                                          .why = "0 of 2 load balancers of green are healthy",
                                          .author = "alice"};
    dnsupdate::UpdaterStatus store{.provider = "etcd"};
    auto round = std::make_shared<dnsupdate::Round>();
    round->desired.shared[dnsupdate::DnsName("api.muster.test")] = {
        .asked = {{"blue", 95}, {"green", 5}},
        .parties = {{"green", {.known = 2, .good = 0, .failing = 1, .percent = 0}}}};
    store.round = round;
    auto row = std::make_shared<DnsRow>();
    row->stores.push_back(store);
    snapshot.dns = row;
    api.publish(snapshot);
    const auto body = api.json(request("GET", "/api/v1/traffic-shift"));
    EXPECT_EQ(at(body, "/shifts/0/phase"), R"("held")");
    EXPECT_EQ(at(body, "/shifts/0/now"), R"({"blue":95,"green":5})");
    EXPECT_EQ(at(body, "/shifts/0/why"), R"("0 of 2 load balancers of green are healthy")");
    EXPECT_EQ(at(body, "/shifts/0/parties/green"),
              R"({"known":2,"healthy":0,"failing":1,"percent":0})");

    metrics::Registry registry;
    DnsGauges gauges(registry);
    gauges.take(snapshot);
    EXPECT_THAT(registry.text(),
                HasSubstr(R"(muster_dns_shift_percent{name="api.muster.test",party="green"} 5)"));
    EXPECT_THAT(registry.text(), HasSubstr(R"(muster_dns_shift_held{name="api.muster.test"} 1)"));
    snapshot.shifts.clear();
    gauges.take(snapshot);
    EXPECT_THAT(registry.text(), HasSubstr(R"(muster_dns_shift_held{name="api.muster.test"} 0)"));
}

}  // namespace
}  // namespace muster::orchestrator
