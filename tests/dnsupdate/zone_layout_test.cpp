#include "dnsupdate/zone_layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;

const ZoneLayout layout{.zone = DnsName("muster.test"), .owner = "muster/c-1"};
const DnsName api("api.muster.test");
const Fence fence{.token = {.era = 1, .epoch = 42}, .nonce = "n"};
const RecordSet both{
    .ttl = 60s,
    .members = {{MemberId("lb-1"), {.address = "10.0.0.1", .port = 80}},
                {MemberId("lb-2"), {.address = "fd00::2", .priority = 20, .weight = 7}}}};

ZoneRecord soa() {
    return {.owner = "muster.test", .type = "SOA", .ttl = 300, .data = {"ns", "h", "1"}};
}
ZoneRecord address(const std::string& owner, const std::string& address, std::uint32_t ttl = 60) {
    return {.owner = owner, .type = "A", .ttl = ttl, .data = {address}};
}

SetWrite whole(const RecordSet& set, const std::string& version = "") {
    SetWrite write{.name = api, .version = version, .after = set};
    for (const auto& [id, member] : set.members) write.puts.insert(id);
    return write;
}

/// What a server makes of an update.
std::vector<ZoneRecord> applied(std::vector<ZoneRecord> zone, const Update& update) {
    for (const Replacement& one : update.replacements) {
        std::erase_if(zone, [&](const ZoneRecord& record) {
            return record.owner == one.owner && record.type == one.type;
        });
        zone.insert(zone.end(), one.records.begin(), one.records.end());
    }
    return zone;
}

std::vector<ZoneRecord> published(const RecordSet& set) {
    return applied({soa()}, set_update(layout, fence, {}, whole(set), "n-1").value());
}

TEST(ZoneLayout, ReadsWhatItHasWritten) {
    const ZoneReading reading = read_zone(layout, published(both));
    EXPECT_TRUE(reading.observed.strays.empty());
    const ObservedSet& set = reading.observed.sets.at(api);
    EXPECT_EQ(set.anchor, (Anchor{.token = fence.token, .generation = 1, .transaction = "n-1"}));
    EXPECT_TRUE(set.anchor_as_written);
    ASSERT_EQ(set.members.size(), 2U);
    for (const auto& [id, member] : set.members)
        EXPECT_EQ(member, (ObservedMember{.member = both.members.at(id), .ttl = 60s})) << id.str();
}

TEST(ZoneLayout, KnowsAfterAWriteWhatAReadingWouldTell) {
    const SetWrite write = whole(both);
    const Update update = set_update(layout, fence, {}, write, "n-1").value();
    EXPECT_EQ(known_after(update, write), read_zone(layout, published(both)).known.at(api));
}

TEST(ZoneLayout, ComparesTheFenceTheMarkAndThatNothingElseIsThere) {
    const Update first = set_update(layout, fence, {}, whole(both), "n-1").value();
    const auto has =
        [](const Update& update, Prerequisite::Kind kind, const char* owner, const char* type) {
            return std::ranges::any_of(update.prerequisites, [&](const Prerequisite& one) {
                return one.kind == kind && one.owner == owner && one.type == type;
            });
        };
    using Kind = Prerequisite::Kind;
    EXPECT_EQ(first.prerequisites[0], fence_is(layout.zone, encode(fence)));
    EXPECT_TRUE(has(first, Kind::absent, "_muster.api.muster.test", "TXT"));
    for (const char* const type : {"A", "AAAA", "SRV", "CNAME"})
        EXPECT_TRUE(has(first, Kind::absent, "api.muster.test", type)) << type;
    EXPECT_TRUE(has(first, Kind::not_used, "lb-1.api.muster.test", ""));
    const auto zone = published(both);
    const KnownSet known = read_zone(layout, zone).known.at(api);
    const Update next = set_update(layout, fence, known, whole(both, known.version), "n-2").value();
    EXPECT_EQ(next.prerequisites[0], fence_is(layout.zone, encode(fence)));
    EXPECT_EQ(next.prerequisites[1].kind, Kind::is);
    EXPECT_EQ(next.prerequisites[1].records, known.anchor);
    EXPECT_FALSE(has(next, Kind::not_used, "lb-1.api.muster.test", ""));
}

TEST(ZoneLayout, LeavesNothingBehindOfANameThatGoes) {
    const auto zone = published(both);
    const KnownSet known = read_zone(layout, zone).known.at(api);
    const SetWrite gone{.name = api,
                        .version = known.version,
                        .before = both,
                        .removals = {MemberId("lb-1"), MemberId("lb-2")}};
    EXPECT_EQ(applied(zone, set_update(layout, fence, known, gone, "n-2").value()),
              std::vector{soa()});
}

TEST(ZoneLayout, SeesWhatIsNotAsItWasWritten) {
    const auto changed = [](auto&& change) {
        std::vector<ZoneRecord> zone = published(both);
        change(zone);
        return read_zone(layout, zone).observed.sets.at(api);
    };
    const auto without = [&](const char* owner, const char* type) {
        return changed([&](std::vector<ZoneRecord>& zone) {
            std::erase_if(zone, [&](const ZoneRecord& one) {
                return one.owner == owner && one.type == type;
            });
        });
    };
    const MemberId first("lb-1");
    EXPECT_FALSE(without("api.muster.test", "A").members.at(first).as_written);
    EXPECT_FALSE(without("api.muster.test", "SRV").members.at(first).as_written);
    EXPECT_FALSE(without("lb-1.api.muster.test", "A").members.at(first).as_written);
    EXPECT_TRUE(without("lb-2.api.muster.test", "AAAA").members.at(first).as_written);
    const ObservedSet more = changed([](std::vector<ZoneRecord>& zone) {
        zone.push_back(address("api.muster.test", "10.0.0.9"));
    });
    EXPECT_EQ(more.members.at(MemberId("?10.0.0.9")).member.address, "10.0.0.9");
    const ObservedSet other_ttl = changed([](std::vector<ZoneRecord>& zone) {
        for (ZoneRecord& one : zone)
            if (one.owner == "api.muster.test" && one.type == "A") one.ttl = 5;
    });
    EXPECT_EQ(other_ttl.members.at(first).ttl, 5s);
    const ObservedSet broken = changed([](std::vector<ZoneRecord>& zone) {
        for (ZoneRecord& one : zone)
            if (one.type == "TXT") one.data.resize(2);
    });
    EXPECT_FALSE(broken.anchor);
    EXPECT_FALSE(broken.version.empty());
    const ObservedSet service = changed([](std::vector<ZoneRecord>& zone) {
        zone.push_back({.owner = "api.muster.test",
                        .type = "SRV",
                        .ttl = 60,
                        .data = {"1", "1", "1", "x.test"}});
    });
    EXPECT_FALSE(service.anchor_as_written);
}

TEST(ZoneLayout, LeavesTheRecordsOfOthersToThem) {
    std::vector<ZoneRecord> zone = published(both);
    zone.push_back(address("x.api.muster.test", "10.0.0.1"));
    zone.push_back({.owner = "api.muster.test", .type = "MX", .data = {"10", "mx"}});
    zone.push_back({.owner = "_muster.shop.muster.test", .type = "TXT", .data = {"owner=x"}});
    const Observed observed = read_zone(layout, zone).observed;
    EXPECT_EQ(observed.sets.size(), 1U);
    EXPECT_EQ(observed.sets.at(api).members.size(), 2U);
    ASSERT_EQ(observed.strays.size(), 3U);
    EXPECT_EQ(observed.strays[0].at, DnsName("shop.muster.test"));
    EXPECT_EQ(observed.strays[1].at, std::nullopt) << "an MX is in nobody's way";
    EXPECT_EQ(observed.strays[2].at, DnsName("x.api.muster.test"));
    std::vector<ZoneRecord> changed = published(both);
    changed.push_back(address("x.api.muster.test", "10.0.0.9"));
    EXPECT_NE(read_zone(layout, changed).observed.strays.at(0).version, observed.strays[2].version)
        << "who has seen the one has not seen the other";
}

TEST(ZoneLayout, FitsIntoAMessageWithHundredsOfInstances) {
    const TsigKey key = make_tsig_key("k", "bXVzdGVyLXRlc3RzLW11c3Rlci10ZXN0cy1tdXN0ZXI=").value();
    // The first time, and when all of it changes at once.
    const auto fits = [&](int count, std::uint16_t port) {
        RecordSet set;
        for (int i = 0; i < count; ++i)
            set.members.emplace(
                MemberId("web-lb-" + std::to_string(i)),
                Member{.address = fmt::format("192.168.{}.{}", 100 + i / 200, i % 200 + 50),
                       .port = port});
        const Update first = set_update(layout, fence, {}, whole(set), "n-1").value();
        const KnownSet known = known_after(first, whole(set));
        const Update change =
            set_update(layout, fence, known, whole(set, known.version), "n-2").value();
        return encode_update(first, key, 7) && encode_update(change, key, 7);
    };
    EXPECT_TRUE(fits(280, 80));
    EXPECT_TRUE(fits(360, 0));
    EXPECT_FALSE(fits(1'000, 0));
}

TEST(ZoneLayout, RefusesWhatCantBeWritten) {
    const auto wrong = [](const DnsName& name, const char* id, Member member) {
        SetWrite write{.name = name, .after = {.members = {{MemberId(id), std::move(member)}}}};
        write.puts.insert(MemberId(id));
        const auto update = set_update(layout, fence, {}, write, "n-1");
        return update ? "" : update.error().context;
    };
    EXPECT_EQ(wrong(api, "lb-1", {.address = "10.0.0.1"}), "");
    EXPECT_THAT(wrong(DnsName("api.xmuster.test"), "lb-1", {}), testing::HasSubstr("is not in"));
    EXPECT_THAT(wrong(api, "a.b", {}), testing::HasSubstr("no label"));
    EXPECT_THAT(wrong(api, "_x", {}), testing::HasSubstr("no label"));
    EXPECT_THAT(wrong(api, "lb-1", {.weight = 70'000}), testing::HasSubstr("0..65535"));
}

TEST(ZoneLayout, ReadsAnyTextOfAnAnchor) {
    const std::vector<ZoneRecord> zone = published(both);
    std::mt19937 random(1);
    for (int i = 0; i < 5'000; ++i) {
        std::vector<ZoneRecord> changed = zone;
        for (ZoneRecord& one : changed) {
            if (one.type != "TXT") continue;
            for (int change = 0; change < 3; ++change) {
                std::string& text = one.data[random() % one.data.size()];
                if (!text.empty()) text[random() % text.size()] = static_cast<char>(random());
                if (random() % 4 == 0) text.resize(text.size() / 2);
            }
        }
        const ZoneReading reading = read_zone(layout, changed);
        for (const auto& [name, set] : reading.observed.sets) EXPECT_FALSE(set.version.empty());
    }
}

}  // namespace
}  // namespace muster::dnsupdate
