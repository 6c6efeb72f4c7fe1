#include "orchestrator/api_dns.hpp"
#include "tests/api/api_case.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using dnsupdate::Claim;
using dnsupdate::DnsName;
using dnsupdate::MemberId;
using dnsupdate::Order;
using test::ApiCase;
using test::at;
using test::request;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const DnsName name("api.example.org");

/// Writes down what it was asked, and answers as told.
class RecordedDns final : public DnsCommands {
 public:
    asio::awaitable<Result<std::vector<StoreOutcome>>> order(std::vector<StoreOrder> all,
                                                             Requester requester) override {
        for (StoreOrder& one : all) orders.push_back(std::move(one));
        by = requester.name;
        if (fails) co_return tl::unexpected(*fails);
        std::vector<StoreOutcome> all_of_them = others;
        all_of_them.push_back(outcome);
        co_return all_of_them;
    }
    asio::awaitable<Result<std::int64_t>> bump_era(EraChange change, Requester /*by*/) override {
        eras.push_back(fmt::format("{} -> {}", change.from, change.to));
        if (fails) co_return tl::unexpected(*fails);
        co_return change.to;
    }
    asio::awaitable<Result<std::vector<ServerAnswer>>> ask_servers(DnsName of) override {
        co_return std::vector<ServerAnswer>{
            {.server = "192.0.2.53:53", .by_type = {{"A", "NOERROR of " + of.str()}}}};
    }

    std::vector<StoreOrder> orders;
    std::vector<std::string> eras;
    std::string by;
    std::optional<Error> fails;
    StoreOutcome outcome{.store = "etcd"};
    std::vector<StoreOutcome> others;
};

class DnsVerbs : public testing::Test {
 protected:
    boost::json::value post(const std::string& path, std::string body, int status) {
        const http::Response response = api_.answer(
            request("POST", path, {{.name = "Content-Type", .value = "application/json"}}, body));
        EXPECT_EQ(response.status, status) << path << ' ' << body << '\n' << response.body;
        return boost::json::parse(response.body);
    }

    RecordedDns dns_;
    ApiCase api_{ApiSettings{.dns = &dns_}};
};

TEST_F(DnsVerbs, APlanIsAskedForByNamesAndComesAsAFile) {
    dns_.outcome.done.plan = {.cluster = "c-1",
                              .store = "etcd",
                              .token = {.epoch = 7},
                              .writes = {{name, {.name = name, .version = "4"}}}};
    dns_.outcome.done.differences = {{.name = name, .sentences = {"- lb-2 10.0.0.2"}}};
    const auto body = post("/api/v1/dns/plan", R"({"adopt":["api.example.org"]})", 200);
    ASSERT_EQ(dns_.orders.size(), 1U);
    EXPECT_EQ(dns_.orders[0].order.verb, Order::Verb::plan);
    EXPECT_EQ(dns_.orders[0].order.request,
              (dnsupdate::PlanRequest{.names = {name}, .adopt = {name}}))
        << "who adopts a name means that one";
    EXPECT_EQ(at(body, "/plan/plans/0/writes/0/version"), R"("4")");
    EXPECT_EQ(at(body, "/differences/etcd/0/differs/0"), R"("- lb-2 10.0.0.2")");
    // And the file is taken back as it came.
    const std::string plan = boost::json::serialize(body.at("plan"));
    dns_.outcome.done.results = {{name, dnsupdate::Outcome::done, ""}};
    const auto done =
        post("/api/v1/dns/apply", R"({"empty":["old.example.org"],"plan":)" + plan + "}", 200);
    ASSERT_EQ(dns_.orders.size(), 2U);
    EXPECT_EQ(dns_.orders[1].store, "etcd");
    EXPECT_EQ(dns_.orders[1].order.plan.cluster, "c-1");
    EXPECT_EQ(dns_.orders[1].order.plan.writes, dns_.outcome.done.plan.writes);
    EXPECT_THAT(dns_.orders[1].order.empty, ElementsAre(DnsName("old.example.org")));
    EXPECT_EQ(at(done, "/stores/0/written/0/outcome"), R"("done")");
}

TEST_F(DnsVerbs, AStoreThatHangsHidesNoPlanOfTheOthers) {
    dns_.outcome.done.plan = {.cluster = "c-1", .store = "etcd", .token = {.epoch = 7}};
    StoreOutcome hangs{.store = "rfc2136:192.0.2.53:53:example.org"};
    hangs.done.refused = {"the fence is not there yet"};
    dns_.others = {hangs};
    const auto body = post("/api/v1/dns/plan", "{}", 200);
    EXPECT_EQ(at(body, "/plan/plans/0/store"), R"("etcd")");
    EXPECT_EQ(at(body, "/problems/0"),
              R"("rfc2136:192.0.2.53:53:example.org: the fence is not there yet")");
}

TEST_F(DnsVerbs, WhatWasNotDoneIsNoSuccess) {
    dns_.outcome.done.refused = {"the fence is 1-8 now", "api: lb-3 would be published, too"};
    auto body = post("/api/v1/dns/plan", "{}", 409);
    EXPECT_EQ(at(body, "/detail"),
              R"("etcd: the fence is 1-8 now; api: lb-3 would be published, too")");
    dns_.outcome.done.refused.clear();
    dns_.outcome.done.results = {{name, dnsupdate::Outcome::unknown, "no reply"}};
    const std::string plan = dnsupdate::encode({{.cluster = "c", .store = "etcd"}});
    body = post("/api/v1/dns/apply", R"({"plan":)" + plan + "}", 504);
    EXPECT_THAT(at(body, "/detail"), HasSubstr("api.example.org: unknown no reply"));
    dns_.outcome.problem =
        Error{.code = CommandErrc::unreachable, .context = "etcd: nobody answers"};
    (void)post("/api/v1/dns/plan", "{}", 503);
    dns_.fails = Error{.code = CommandErrc::refused, .context = "not the master"};
    body = post("/api/v1/dns/plan", "{}", 409);
    EXPECT_EQ(at(body, "/api_address"), R"("127.0.0.1:9700")") << "where the master is";
}

TEST_F(DnsVerbs, BadRequestsAreRefusedWithTheirPlace) {
    struct Case {
        std::string path, body, says;
    };
    const std::string plan = dnsupdate::encode({{.cluster = "c", .store = "etcd"}});
    std::string no_store = plan;
    no_store.replace(no_store.find(R"("store":"etcd")"), 14, R"("store":"")");
    for (const Case& one : {Case{"plan", "[]", "must be a JSON object"},
                            Case{"plan", "{", "must be a JSON object"},
                            Case{"plan", R"({"names":7})", "list of at most"},
                            Case{"plan", R"({"names":[7]})", "list of names"},
                            Case{"plan", R"({"names":["UP.example.org"]})", "names"},
                            Case{"plan", R"({"names":["a..b"]})", "names"},
                            Case{"plan", R"({"adopt":["*.example.org"]})", "adopt"},
                            Case{"plan", R"({"empty":["any.example.org"]})", "empty"},
                            Case{"plan", R"({"names":["../../etc"]})", "names"},
                            Case{"plan", R"({"store":7})", "store"},
                            Case{"plan", R"({"nmaes":[]})", "is not known here"},
                            Case{"apply", "{}", "plan"},
                            Case{"apply", R"({"plan":7})", "must be an object"},
                            Case{"apply", R"({"plan":{}})", "format"},
                            Case{"apply", R"({"plan":)" + no_store + "}", "has no name"},
                            Case{"fence/bump-era", "{}", "must set"},
                            Case{"fence/bump-era", R"({"from":2,"to":2})", "larger"},
                            Case{"fence/bump-era", R"({"from":1,"to":4294967296})", "to"},
                            Case{"fence/bump-era", R"({"from":-1,"to":4})", "from"},
                            Case{"fence/repair", R"({"store":"etcd"})", "expect_version"},
                            Case{"fence/repair", R"({"expect_version":"0"})", "store"},
                            Case{"fence/bootstrap", R"({"store":"etcd"})", "another master"},
                            Case{"fence/bootstrap",
                                 R"({"store":"etcd","i_have_no_other_master":"yes"})",
                                 "must be true"}}) {
        const auto body = post("/api/v1/dns/" + one.path, one.body, 422);
        EXPECT_THAT(boost::json::serialize(body), HasSubstr(one.says)) << one.path << one.body;
    }
    EXPECT_EQ(api_.answer(request("GET", "/api/v1/dns/names/a%20b")).status, 400);
    EXPECT_EQ(api_.answer(request("GET", "/api/v1/dns/names/any.example.org")).status, 400);
    EXPECT_THAT(dns_.orders, IsEmpty());
    EXPECT_THAT(dns_.eras, IsEmpty());
}

TEST_F(DnsVerbs, FencesAreShownRaisedRepairedAndReplaced) {
    dns_.outcome.done.fence = {.text = "00000001-0000000000001000-old", .version = "17"};
    dns_.outcome.done.mine = "00000001-0000000000000007-new";
    dns_.outcome.done.judged = Claim::deposed;
    const auto body = api_.json(request("GET", "/api/v1/dns/fence"));
    EXPECT_EQ(at(body, "/fences/0/epoch"), "4096");
    EXPECT_EQ(at(body, "/fences/0/judged"), R"("deposed")");
    EXPECT_EQ(at(body, "/fences/0/version"), R"("17")");
    (void)post("/api/v1/dns/fence/bump-era", R"({"from":1,"to":2})", 200);
    EXPECT_THAT(dns_.eras, ElementsAre("1 -> 2"));
    (void)post("/api/v1/dns/fence/repair", R"({"store":"etcd","expect_version":"17"})", 200);
    EXPECT_EQ(dns_.orders.back().order.expected_version, "17");
    EXPECT_EQ(dns_.orders.back().order.verb, Order::Verb::repair_fence);
    (void)post(
        "/api/v1/dns/fence/bootstrap", R"({"store":"etcd","i_have_no_other_master":true})", 200);
    EXPECT_EQ(dns_.orders.back().order.verb, Order::Verb::bootstrap);
    dns_.fails = Error{.code = CommandErrc::conflict, .context = "the era is 3"};
    (void)post("/api/v1/dns/fence/bump-era", R"({"from":1,"to":2})", 412);
}

TEST_F(DnsVerbs, ANodeWithoutDnsSaysSo) {
    ApiCase bare;
    EXPECT_EQ(bare.answer(request("GET", "/api/v1/dns/fence")).status, 409);
    EXPECT_EQ(bare.answer(request("POST", "/api/v1/dns/plan", {}, "{}")).status, 409);
}

TEST_F(DnsVerbs, ANameIsExplainedByWhatIsKnownOfItEverywhere) {
    dnsupdate::NameNow& now = dns_.outcome.done.names[name];
    now.observed = dnsupdate::ObservedSet{
        .anchor = dnsupdate::Anchor{.token = {.epoch = 7}, .generation = 3, .transaction = "t-1"},
        .version = "17"};
    now.observed->members[MemberId("edge-lb-1")] = {.member = {.address = "192.0.2.1"}, .ttl = 30s};
    now.desired = dnsupdate::DesiredSet{.left_out = {{MemberId("edge-lb-2"), "is down"}}};
    now.lines = {{.act = dnsupdate::PlanLine::Act::hold,
                  .name = name,
                  .what = "its 1 records stay",
                  .why = "a name is never emptied"}};
    now.strays = {{.key = "/skydns/x", .version = "3", .what = "has no mark of ours"}};
    now.since = WallTime(1'767'225'600s);
    const auto body = api_.json(request("GET", "/api/v1/dns/names/api.example.org"));
    EXPECT_EQ(dns_.orders[0].order.verb, Order::Verb::look);
    EXPECT_EQ(at(body, "/stores/0/written_by/epoch"), "7");
    EXPECT_EQ(at(body, "/stores/0/written_by/transaction"), R"("t-1")");
    EXPECT_EQ(at(body, "/stores/0/written_by/seen_since"), R"("2026-01-01T00:00:00.000Z")");
    EXPECT_EQ(at(body, "/stores/0/members/0/published/address"), R"("192.0.2.1")");
    EXPECT_EQ(at(body, "/stores/0/members/0/desired"), "null");
    EXPECT_EQ(at(body, "/stores/0/members/1/left_out"), R"("is down")");
    EXPECT_EQ(at(body, "/stores/0/next/0/why"), R"("a name is never emptied")");
    EXPECT_EQ(at(body, "/stores/0/strays/0/key"), R"("/skydns/x")");
    EXPECT_EQ(at(body, "/servers/0/answers/A"), R"("NOERROR of api.example.org")");
}

}  // namespace
}  // namespace muster::orchestrator
