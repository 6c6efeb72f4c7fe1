// What we write to a real etcd, and what a real CoreDNS answers to that: one table, and what
// doesn't fit into it. Each case has names of its own.
#include "common/config/text_rules.hpp"
#include "dnsupdate/desired.hpp"
#include "tests/dnsupdate/coredns_fixture.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Member at(const char* address, std::uint16_t port = 0, int priority = 10, int weight = 100) {
    return {.address = address, .port = port, .priority = priority, .weight = weight};
}

RecordSet set(std::vector<Member> members, Ttl ttl = 30s) {
    RecordSet made{.ttl = ttl};
    for (std::size_t i = 0; i < members.size(); ++i)
        made.members.emplace(MemberId("lb-" + std::to_string(i + 1)), members[i]);
    return made;
}

RecordSet many(int count) {
    std::vector<Member> members;
    for (int i = 0; i < count; ++i)
        members.push_back(
            {.address = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1)});
    return set(std::move(members));
}

std::string repeated(const char* label, int times) {
    std::string name;
    for (int i = 0; i < times; ++i) name += std::string(label) + ".";
    return name;
}

struct Case {
    const char* title;
    std::string name;
    RecordSet records;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"one address", "c1.muster.test", set({at("10.0.0.1")})},
        {"two addresses", "c2.muster.test", set({at("10.0.0.1"), at("10.0.0.2")})},
        {"IPv6", "c3.muster.test", set({at("2001:db8::1")})},
        {"both families", "c4.muster.test", set({at("10.0.0.1"), at("2001:db8::1")})},
        {"IPv6 with zeros in the middle", "c5.muster.test", set({at("2001:db8::1:0:0:1")})},
        {"IPv6 of a private network", "c6.muster.test", set({at("fd00::1"), at("fd00::2")})},
        {"a service", "c7.muster.test", set({at("10.0.0.1", 443)})},
        {"a service on the lowest port", "c8.muster.test", set({at("10.0.0.1", 1)})},
        {"a service on the highest port", "c9.muster.test", set({at("10.0.0.1", 65'535)})},
        {"a service on two ports",
         "c10.muster.test",
         set({at("10.0.0.1", 80), at("10.0.0.2", 81)})},
        {"a service of both families",
         "c11.muster.test",
         set({at("10.0.0.1", 80), at("fd00::1", 80)})},
        {"a service of two priorities",
         "c12.muster.test",
         set({at("10.0.0.1", 80, 1), at("10.0.0.2", 80, 2)})},
        {"the lowest priority", "c13.muster.test", set({at("10.0.0.1", 80, 1)})},
        {"the highest priority", "c14.muster.test", set({at("10.0.0.1", 80, 65'535)})},
        {"a service beside an address without port",
         "c15.muster.test",
         set({at("10.0.0.1", 80), at("10.0.0.2")})},
        {"the shortest TTL", "c16.muster.test", set({at("10.0.0.1")}, 5s)},
        {"a TTL of a minute", "c17.muster.test", set({at("10.0.0.1")}, 60s)},
        {"the longest TTL", "c18.muster.test", set({at("10.0.0.1", 80)}, 3'600s)},
        {"a name of the protocol's", "_http._tcp.c19.muster.test", set({at("10.0.0.1", 80)})},
        {"a label of 63 bytes", std::string(63, 'x') + ".muster.test", set({at("10.0.0.1", 80)})},
        {"a label of one byte", "x.muster.test", set({at("10.0.0.1")})},
        {"a label of digits", "123.muster.test", set({at("10.0.0.1", 80)})},
        {"a label with dashes", "a--b.muster.test", set({at("10.0.0.1")})},
        {"a label with an underscore", "a_b.muster.test", set({at("10.0.0.1")})},
        {"a label like an address", "10-0-0-1.muster.test", set({at("10.0.0.1")})},
        {"twenty labels", repeated("d", 18) + "muster.test", set({at("10.0.0.1", 80)})},
        {"a name of 190 bytes",
         repeated(std::string(59, 'y').c_str(), 3) + "muster.test",
         set({at("10.0.0.1", 80)})},
        {"a name that begins like another", "c1x.muster.test", set({at("10.0.0.9")})},
        {"a name below another's", "eu.c1.muster.test", set({at("10.0.0.8")})},
        {"a name two below another's", "a.eu.c2.muster.test", set({at("10.0.0.8", 80)})},
        {"a name above another's", "c30.muster.test", set({at("10.0.0.7")})},
        {"and that other", "deep.c30.muster.test", set({at("fd00::7")})},
        {"the zone's own name", "muster.test", set({at("10.0.0.1"), at("fd00::1")})},
        {"a name of the zone's services", "_https._tcp.muster.test", set({at("10.0.0.1", 443)})},
        {"an address that another name has, too", "c35.muster.test", set({at("10.0.0.1")})},
        {"30 addresses", "c36.muster.test", many(30)},
        {"60 addresses, more than 512 bytes", "c37.muster.test", many(60)},
        {"120 addresses, in two transactions", "c38.muster.test", many(120)},
        {"500 addresses, over TCP", "c39.muster.test", many(500)},
        {"a name with any within a label", "many.muster.test", set({at("10.0.0.1")})},
        {"a name with dns within a label", "dns1.muster.test", set({at("10.0.0.1")})},
        {"a member with a long id",
         "c42.muster.test",
         {.members = {{MemberId(std::string(63, 'm')), at("10.0.0.1", 80)}}}},
    };
    return all;
}

class CoreDnsTest : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        if (test::CoreDnsServer::missing().empty()) world = std::make_unique<CoreDnsWorld>();
    }
    static void TearDownTestSuite() { world.reset(); }
    void SetUp() override {
        if (!world) GTEST_SKIP() << test::CoreDnsServer::missing();
    }
    /// Names that exist and have no record of this type.
    static void expect_nothing(const DnsName& name, RecordType type) {
        const DnsAnswer answer = world->asked(name, type);
        EXPECT_EQ(answer.code, "NOERROR") << name.str() << " " << to_string(type);
        EXPECT_THAT(answer.records, IsEmpty());
    }

    static std::unique_ptr<CoreDnsWorld> world;
};
std::unique_ptr<CoreDnsWorld> CoreDnsTest::world;

TEST_F(CoreDnsTest, AnswersWhatWasPublished) {
    ASSERT_GE(cases().size(), 40U);
    std::map<DnsName, DesiredSet> sets;
    for (const Case& one : cases()) {
        EXPECT_EQ(config::rules::published_name(one.name), "") << one.title;
        sets[DnsName(one.name)].records = one.records;
    }
    // All at once, so that each could spoil each.
    world->publish(std::move(sets));
    for (const Case& one : cases()) {
        SCOPED_TRACE(one.title);
        world->expect_answers(DnsName(one.name), one.records);
        for (const RecordType type :
             {RecordType::a, RecordType::aaaa, RecordType::cname, RecordType::txt}) {
            if (!std::ranges::count(types_of(one.records), type))
                expect_nothing(DnsName(one.name), type);
        }
    }
}

TEST_F(CoreDnsTest, AnswersWithTheTtlOfTheSet) {
    const DnsName name("t1.muster.test");
    world->publish({{name, {.records = set({at("10.0.0.1"), at("10.0.0.2")}, 77s)}}});
    for (const DnsRecord& record : world->asked(name, RecordType::a).records)
        EXPECT_EQ(record.ttl, 77U);
}

TEST_F(CoreDnsTest, AnswersWeightsAsPercentsOfOurs) {
    for (const std::vector<int>& weights :
         {std::vector{1, 1, 1}, {10, 20, 30}, {90, 10}, {1, 999}, {7}, {33, 33, 34}}) {
        const std::vector<int> shares = percents(weights);
        std::string title = "w";
        std::vector<Member> members;
        std::vector<std::string> wanted;
        for (std::size_t i = 0; i < shares.size(); ++i) {
            title += "-" + std::to_string(weights[i]);
            const std::string address = "10.0.0." + std::to_string(i + 1);
            members.push_back(at(address.c_str(), 80, 10, shares[i]));
        }
        const DnsName name(title + ".muster.test");
        for (std::size_t i = 0; i < shares.size(); ++i)
            wanted.push_back("10 " + std::to_string(shares[i]) + " 80 lb-" + std::to_string(i + 1) +
                             "." + name.str() + ".");
        world->publish({{name, {.records = set(members)}}});
        std::vector<std::string> got;
        for (const DnsRecord& record : world->asked(name, RecordType::srv).records)
            got.push_back(record.data);
        EXPECT_THAT(got, testing::UnorderedElementsAreArray(wanted)) << name.str();
    }
}

TEST_F(CoreDnsTest, FailsANameWithAValueThatIsNoRecordUntilItIsMovedAside) {
    const DnsName name("p1.muster.test");
    const RecordSet records = set({at("10.0.0.1")});
    world->publish({{name, {.records = records}}});
    world->etcd().ctl({"put", "/skydns/test/muster/p1/poison", "not json"});
    EXPECT_EQ(world->asked(name, RecordType::a).code, "SERVFAIL");
    world->publish({{name, {.records = records}}});
    world->expect_answers(name, records);
}

}  // namespace
}  // namespace muster::dnsupdate
