#include "ctl/dns.hpp"
#include "tests/ctl/command_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/json/parse.hpp>

#include <fstream>
#include <sstream>

namespace muster::ctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* plan_json = R"({
  "differences":{"etcd":[{"name":"api.example.org","differs":["- edge-lb-2 192.0.2.2"]}]},
  "plan":{"format":"muster-dns-plan","version":1,"cluster":"c","plans":[{"store":"etcd","era":1,
    "epoch":7,"revision":9,"writes":[{"name":"api.example.org"}],
    "lines":[{"act":"remove","name":"api.example.org","what":"edge-lb-2 192.0.2.2",
              "why":"is down"}]}]}})";
constexpr const char* done_json = R"({"stores":[{"store":"etcd","refused":[],"written":[
    {"name":"api.example.org","outcome":"done","detail":""}]}]})";

class DnsVerbs : public CommandFixture {
 protected:
    Exit plan(DnsPlanOptions options) {
        return run([options](Context& context) { return dns_plan(context, options); });
    }
    Exit apply(DnsApplyOptions options) {
        return run([options](Context& context) { return dns_apply(context, options); });
    }
    [[nodiscard]] boost::json::value sent() {
        return boost::json::parse(node().requests.back().body);
    }
    test::TempDir directory_;
};

TEST_F(DnsVerbs, APlanIsShownAndKept) {
    node().on("POST /api/v1/dns/plan", plan_json);
    const std::string file = (directory_.path() / "plan").string();
    EXPECT_EQ(plan({.names = {"api.example.org"}, .file = file}), Exit::ok) << err();
    EXPECT_EQ(sent(), boost::json::parse(R"({"names":["api.example.org"],"empty":[]})"));
    EXPECT_THAT(out(),
                AllOf(HasSubstr("etcd: fence 1-7, revision 9"),
                      HasSubstr("remove  api.example.org  edge-lb-2 192.0.2.2  is down"),
                      HasSubstr("musterctl dns apply " + file)));
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_EQ(boost::json::parse(text.str()), boost::json::parse(plan_json).at("plan"));
    // And it is applied as it was kept.
    node().on("POST /api/v1/dns/apply", done_json);
    EXPECT_EQ(apply({.text = text.str(), .empty = {"old.example.org"}}), Exit::ok);
    EXPECT_EQ(sent().at("plan"), boost::json::parse(plan_json).at("plan"));
    EXPECT_EQ(sent().at("empty"), boost::json::parse(R"(["old.example.org"])"));
    EXPECT_EQ(out(), "etcd: api.example.org done\n");
}

TEST_F(DnsVerbs, AFileThatCantBeWrittenIsAnError) {
    node().on("POST /api/v1/dns/plan", plan_json);
    EXPECT_EQ(plan({.file = "/nowhere/at/all"}), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("can't be written"));
}

TEST_F(DnsVerbs, WhatIsNoPlanIsNotSent) {
    EXPECT_EQ(apply({.text = "garbage"}), Exit::failed);
    EXPECT_EQ(apply({.text = "[]"}), Exit::failed);
    EXPECT_THAT(node().requests, IsEmpty());
}

TEST_F(DnsVerbs, ARefusedPlanIsAConflict) {
    node().on("POST /api/v1/dns/apply",
              R"({"title":"Conflict","detail":"etcd: the fence is 1-8 now"})",
              409);
    EXPECT_EQ(apply({.text = "{}"}), Exit::conflict);
    EXPECT_THAT(err(), HasSubstr("the fence is 1-8 now"));
}

TEST_F(DnsVerbs, TheMasterIsAskedWhereverItIs) {
    node().on("POST /api/v1/dns/plan",
              R"({"title":"Conflict","api_address":")" + urls_[1].substr(7) + R"("})",
              409);
    nodes_[1].on("POST /api/v1/dns/plan", plan_json);
    EXPECT_EQ(plan({}), Exit::ok) << err();
    EXPECT_EQ(nodes_[1].requests.size(), 1U);
}

TEST_F(DnsVerbs, DiffIsShortAndEndsLikeDiff) {
    const auto diff = [](Context& context) { return dns_diff(context, {}); };
    node().on("POST /api/v1/dns/plan", plan_json);
    EXPECT_EQ(run(diff), Exit::failed);
    EXPECT_EQ(out(), "etcd api.example.org\n  - edge-lb-2 192.0.2.2\n");
    node().on("POST /api/v1/dns/plan", R"({"differences":{"etcd":[]},"plan":{}})");
    EXPECT_EQ(run(diff), Exit::ok);
    EXPECT_EQ(out(), "");
    node().on("POST /api/v1/dns/plan", R"({"title":"no"})", 503);
    EXPECT_EQ(run(diff), Exit::usage) << "can't tell";
}

TEST_F(DnsVerbs, AdoptionIsShownAndDoneOnlyWhenSaid) {
    node().on("POST /api/v1/dns/plan", plan_json);
    node().on("POST /api/v1/dns/apply", done_json);
    DnsAdoptOptions options{.names = {"api.example.org"}};
    const auto adopt = [&options](Context& context) { return dns_adopt(context, options); };
    EXPECT_EQ(run(adopt), Exit::ok);
    EXPECT_EQ(sent(), boost::json::parse(R"({"adopt":["api.example.org"]})"));
    EXPECT_THAT(err(), HasSubstr("--yes does it"));
    EXPECT_EQ(node().requests.size(), 1U);
    options.yes = true;
    EXPECT_EQ(run(adopt), Exit::ok);
    EXPECT_EQ(sent().at("plan"), boost::json::parse(plan_json).at("plan")) << "what was shown";
    EXPECT_THAT(out(), HasSubstr("api.example.org done"));
}

TEST_F(DnsVerbs, AnExplanationHasMembersWriterServersAndNoControlCharacters) {
    node().on("GET /api/v1/dns/names/api.example.org",
              R"({"name":"api.example.org","stores":[{"store":"etcd","stage":"publishing",
                  "problem":"","trouble":"","paused":true,"is_ours":true,
                  "written_by":{"era":1,"epoch":7,"this_office":true,"generation":12,
                                "transaction":"n-9","seen_since":"2025-12-31T23:59:46Z"},
                  "members":[{"member":"edge-lb-1","left_out":"","desired":{"address":"192.0.2.1"},
                              "published":{"address":"192.0.2.1"},
                              "lb":{"rotation":"in rotation","health":"UP"}},
                             {"member":"edge-lb-2","left_out":"is down","desired":null,
                              "published":{"address":"192.0.2.2"},"lb":null}],
                  "next":[{"act":"hold","what":"edge-lb-2","why":"enough is removed"}],
                  "strays":[{"key":"/skydns/\u001b[31mx","what":"has no mark of ours"}]}],
                  "servers":[{"server":"192.0.2.53:53","answers":{"A":"NOERROR 192.0.2.1"}}]})");
    EXPECT_EQ(run([](Context& context) { return dns_explain(context, "api.example.org"); }),
              Exit::ok);
    EXPECT_THAT(
        out(),
        AllOf(HasSubstr("etcd (publishing, paused)"),
              HasSubstr("era 1, epoch 7 (this office); generation 12, transaction n-9; seen so "
                        "for 14 s"),
              HasSubstr("answered         -      in rotation; UP"),
              HasSubstr("answered, to go"),
              HasSubstr("is down"),
              HasSubstr("hold edge-lb-2: enough is removed"),
              HasSubstr("192.0.2.53:53  A     NOERROR 192.0.2.1"),
              Not(HasSubstr("\x1b"))));
}

TEST_F(DnsVerbs, TheNextEraIsLargerThanAllThereAre) {
    node().on("GET /api/v1/cluster", R"({"cluster":{"era":2}})");
    node().on("GET /api/v1/dns/fence",
              R"({"era":2,"fences":[{"store":"etcd","era":5,"judged":"deposed"}]})");
    node().on("POST /api/v1/dns/fence/bump-era", R"({"era":6,"previous":2})");
    const auto bump = [](Context& context) { return dns_bump_era(context, {}); };
    EXPECT_EQ(run(bump), Exit::ok) << err();
    EXPECT_EQ(sent(), boost::json::parse(R"({"from":2,"to":6})"));
    EXPECT_EQ(out(), "the era is 6, was 2\n");
    EXPECT_EQ(run(dns_fence_show), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("dns fence bump-era"));
    node().on("GET /api/v1/dns/fence", R"({"title":"no"})", 504);
    EXPECT_EQ(run(bump), Exit::failed);
    EXPECT_EQ(run([](Context& context) { return dns_bump_era(context, {.to = 9}); }), Exit::ok);
    EXPECT_EQ(sent(), boost::json::parse(R"({"from":2,"to":9})"));
}

TEST_F(DnsVerbs, ABootstrapWantsTheWords) {
    node().on("POST /api/v1/dns/fence/bootstrap", R"({"fences":[{"store":"etcd","mine":"m"}]})");
    EXPECT_EQ(run([](Context& context) { return dns_bootstrap(context, {}); }), Exit::usage);
    EXPECT_THAT(node().requests, IsEmpty());
    EXPECT_EQ(
        run([](Context& context) { return dns_bootstrap(context, {.no_other_master = true}); }),
        Exit::ok);
    EXPECT_THAT(out(), HasSubstr("etcd: the fence is now m"));
    node().on("POST /api/v1/dns/fence/repair", R"({"fences":[{"store":"etcd","mine":"m"}]})");
    EXPECT_EQ(
        run([](Context& context) { return dns_repair_fence(context, {.expected_version = "7"}); }),
        Exit::ok);
    EXPECT_EQ(sent(), boost::json::parse(R"({"store":"etcd","expect_version":"7"})"));
}

}  // namespace
}  // namespace muster::ctl
