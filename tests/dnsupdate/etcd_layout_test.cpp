#include "dnsupdate/etcd_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const DnsName api("api.muster.test");
const MemberId lb("lb-1");
const EtcdLayout layout{.owner = "muster/c-1", .zones = {DnsName("muster.test")}};
const Member member{.address = "10.0.0.1", .port = 80, .priority = 10, .weight = 100};
const Anchor anchor{.token = {.era = 1, .epoch = 42}, .generation = 7, .transaction = "n1-9"};

EtcdEntry entry(std::string key, std::string value, std::int64_t lease = 0) {
    return {.key = std::move(key), .value = std::move(value), .mod_revision = 5, .lease = lease};
}

TEST(EtcdLayout, ReversesTheLabels) {
    EXPECT_EQ(anchor_key(layout, api), "/skydns/test/muster/api");
    EXPECT_EQ(member_key(layout, api, lb), "/skydns/test/muster/api/lb-1");
    EXPECT_EQ(member_key(layout, DnsName("_http._tcp.muster.test"), lb),
              "/skydns/test/muster/_tcp/_http/lb-1");
}

TEST(EtcdLayout, HasMembersOfAnApexWhereCoreDnsLooks) {
    const DnsName zone("muster.test");
    EXPECT_EQ(anchor_key(layout, zone), "/skydns/test/muster");
    EXPECT_EQ(member_key(layout, zone, lb), "/skydns/test/muster/dns/apex/lb-1");
    const Observed read =
        read_entries(layout,
                     {entry(anchor_key(layout, zone), anchor_value(layout, anchor)),
                      entry(member_key(layout, zone, lb), member_value(layout, zone, member, 30s)),
                      entry("/skydns/test/muster/dns/apex/x", "{")});
    ASSERT_EQ(read.sets.size(), 1U);
    EXPECT_EQ(read.sets.at(zone).members.at(lb).member, member);
    ASSERT_EQ(read.strays.size(), 1U);
    EXPECT_EQ(read.strays[0].touches.front(), zone);
}

TEST(EtcdLayout, ReadsWhatItWrites) {
    const Observed read =
        read_entries(layout,
                     {entry(anchor_key(layout, api), anchor_value(layout, anchor)),
                      entry(member_key(layout, api, lb), member_value(layout, api, member, 30s))});
    EXPECT_THAT(read.strays, IsEmpty());
    const ObservedSet wanted{
        .anchor = anchor, .version = "5", .members = {{lb, {.member = member, .ttl = 30s}}}};
    EXPECT_EQ(read.sets, (std::map<DnsName, ObservedSet>{{api, wanted}}));
}

TEST(EtcdLayout, HasTextsThatAreNoAddresses) {
    const Member text{.text = "muster/c-1"};
    const std::string value = member_value(layout, api, text, 5s);
    EXPECT_EQ(value.find("host"), std::string::npos) << "or CoreDNS would answer no TXT";
    const Observed read = read_entries(layout, {entry(member_key(layout, api, lb), value)});
    EXPECT_EQ(read.sets.at(api).members.at(lb),
              (ObservedMember{.member = text, .ttl = 5s, .as_written = true}));
}

TEST(EtcdLayout, SaysOfItsOwnWhatSomebodyChanged) {
    const std::string key = member_key(layout, api, lb);
    const std::string good = member_value(layout, api, member, 30s);
    const auto as_written = [&](std::string value, std::int64_t lease = 0) {
        return read_entries(layout, {entry(key, std::move(value), lease)})
            .sets.at(api)
            .members.at(lb)
            .as_written;
    };
    EXPECT_TRUE(as_written(good));
    EXPECT_FALSE(as_written(good, 77)) << "a lease";
    EXPECT_FALSE(as_written(good + " "));
    EXPECT_FALSE(as_written(R"({"host":"10.0.0.1","owner":"muster/c-1"})"));
    EXPECT_FALSE(as_written(R"({"host":"x","port":70000,"ttl":-0,"owner":"muster/c-1"})"));

    const auto mark = [&](std::string value, std::int64_t lease = 0) {
        return read_entries(layout, {entry(anchor_key(layout, api), std::move(value), lease)})
            .sets.at(api);
    };
    EXPECT_FALSE(mark(anchor_value(layout, anchor), 77).anchor_as_written);
    for (const char* broken : {R"({"owner":"muster/c-1"})",
                               R"({"owner":"muster/c-1","token":"1","generation":1})",
                               R"({"owner":"muster/c-1","token":"1-x","generation":1})",
                               R"({"owner":"muster/c-1","token":"1--2","generation":1})",
                               R"({"owner":"muster/c-1","token":"1-2","generation":0})"}) {
        EXPECT_FALSE(mark(broken).anchor) << broken;
        EXPECT_FALSE(mark(broken).anchor_as_written) << broken;
        EXPECT_EQ(mark(broken).version, "5") << broken;
    }
}

TEST(EtcdLayout, TellsStraysApart) {
    const std::string good = member_value(layout, api, member, 30s);
    struct Row {
        const char* key;
        std::string value;
        Stray::Kind kind;
        std::vector<DnsName> touches;
    };
    const DnsName x("x.api.muster.test");
    const DnsName test("test");
    using enum Stray::Kind;
    for (const Row& row : std::vector<Row>{
             {"/skydns/test/muster/api/x", R"({"host":"1.2.3.4"})", foreign, {x, api, test}},
             {"/skydns/test/muster/api/x",
              R"({"host":"1.2.3.4","owner":"muster/c-2"})",
              foreign,
              {x, api, test}},
             {"/skydns/test/muster/api/x", "null", foreign, {x, api, test}},
             {"/skydns/test/muster/api/x", "", malformed, {x, api, test}},
             {"/skydns/test/muster/api/x", "lock", malformed, {x, api, test}},
             {"/skydns/test/muster/api", "[]", malformed, {api, test}},
             {"/skydns/test/muster/api/X", good, misplaced, {api, test}},
             {"/skydns/test/muster/api//x", good, misplaced, {api, test}},
             {"/skydns/test/muster/api/x/", good, misplaced, {x, api, test}},
             {"/skydns/test/muster/api/a.b", "{", misplaced, {api, test}},
             {"/skydns/test/muster/api/*", good, misplaced, {api, test}},
             {"/skydns/test/muster/API/lb-1", good, misplaced, {test}},
             {"/skydns/any", good, misplaced, {}},
             {"/skydns/", good, misplaced, {}},
             {"/skydns", good, misplaced, {}},
             {"/skydns/test", good, misplaced, {test}}}) {
        const Observed read = read_entries(layout, {entry(row.key, row.value)});
        EXPECT_TRUE(read.sets.empty()) << row.key;
        ASSERT_EQ(read.strays.size(), 1U) << row.key;
        EXPECT_EQ(read.strays[0].kind, row.kind) << row.key << " " << row.value;
        EXPECT_EQ(read.strays[0].touches, row.touches) << row.key;
        EXPECT_FALSE(read.strays[0].what.empty());
    }
}

// Each was tried with CoreDNS (1.10.1 and 1.14.7), which answered SERVFAIL, or did not.
TEST(EtcdLayout, KnowsWhatCoreDnsCanNotRead) {
    for (const char* bad : {"",
                            "[]",
                            "\"x\"",
                            "7",
                            "{} x",
                            "{",
                            R"({"port":"80"})",
                            R"({"ttl":-1})",
                            R"({"ttl":30.5})",
                            R"({"ttl":1e2})",
                            R"({"ttl":4294967296})",
                            R"({"weight":1.0})",
                            R"({"mail":"yes"})",
                            R"({"host":["10.0.0.1"]})",
                            R"({"HOST":7})",
                            R"({"port":99999999999999999999})"}) {
        EXPECT_TRUE(what_is_malformed(bad)) << bad;
    }
    for (const char* good : {"{}",
                             "null",
                             " {} ",
                             R"({"host":"10.0.0.1","unknown":[1,{"a":1.5}]})",
                             R"({"host":null,"port":null})",
                             R"({"port":70000})",
                             R"({"port":-1,"weight":-1})",
                             R"({"host":"1","host":"10.0.0.1"})",
                             "{\"text\":\"\xff\"}",
                             R"({"ttl":4294967295})"}) {
        EXPECT_FALSE(what_is_malformed(good)) << good;
    }
}

}  // namespace
}  // namespace muster::dnsupdate
