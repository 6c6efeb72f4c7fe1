#include "common/znodes/chunks.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace muster::znodes {
namespace {

std::vector<config::Backend> make_backends(int count) {
    std::vector<config::Backend> backends;
    for (int i = 0; i < count; ++i) {
        backends.push_back({.id = BackendId("backend-" + std::to_string(i)),
                            .address = "10." + std::to_string(i / 65'536) + "." +
                                       std::to_string(i / 256 % 256) + "." +
                                       std::to_string(i % 256),
                            .port = 8'080,
                            .weight = 1 + i % 100,
                            .zone = i % 2 == 0 ? "zone-a" : "zone-b",
                            .labels = {{"rack", std::to_string(i % 40)}}});
    }
    std::ranges::sort(backends, {}, &config::Backend::id);
    return backends;
}

std::set<std::string> hashes(const std::vector<Chunk>& chunks) {
    std::set<std::string> hashes;
    for (const Chunk& chunk : chunks) hashes.insert(chunk.hash);
    return hashes;
}

/// How many of `after` aren't in `before`, or the other way round, whichever is more.
std::size_t count_changed(const std::vector<Chunk>& before, const std::vector<Chunk>& after) {
    const auto old_ones = hashes(before);
    const auto new_ones = hashes(after);
    std::vector<std::string> common;
    std::ranges::set_intersection(old_ones, new_ones, std::back_inserter(common));
    return std::max(old_ones.size(), new_ones.size()) - common.size();
}

config::DecodedParts rejoin(const config::GroupSpec& group, const std::vector<Chunk>& chunks) {
    const auto spec = boost::json::serialize(config::encode_spec_without_backends(group));
    return join(group.name, spec, chunks);
}

TEST(Chunks, ContentHashIsSha256) {
    EXPECT_EQ(content_hash("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Chunks, AreWithinTheLimitAndHoldEachBackendOnce) {
    for (const int count : {0, 1, 100, 10'000}) {
        config::GroupSpec group{.name = GroupName("web"), .backends = make_backends(count)};
        const auto chunks = split(group.backends);
        for (const Chunk& chunk : chunks) {
            EXPECT_LE(chunk.data.size(), max_chunk_bytes);
            EXPECT_EQ(chunk.hash, content_hash(chunk.data));
        }
        if (count <= 100) EXPECT_EQ(chunks.size(), count == 0 ? 0U : 1U);
        if (count == 0) continue;  // a group without backends is refused by its decoder
        const auto parts = rejoin(group, chunks);
        ASSERT_TRUE(parts.problems.empty()) << to_string(parts.problems.front());
        EXPECT_EQ(parts.group, group);
    }
}

TEST(Chunks, OneChangedBackendChangesOneChunk) {
    const auto backends = make_backends(12'000);
    const auto before = split(backends);
    ASSERT_GT(before.size(), 8U);
    std::mt19937 random(1);
    for (int i = 0; i < 8; ++i) {
        auto changed = backends;
        const auto at = std::uniform_int_distribution<std::size_t>(0, backends.size() - 1)(random);
        changed[at].weight = 777;
        EXPECT_EQ(count_changed(before, split(changed)), 1U);
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_LE(count_changed(before, split(changed)), 2U);
    }
}

TEST(Chunks, GrowingAlwaysChangesFewChunks) {
    auto backends = make_backends(6'000);
    std::ranges::shuffle(backends, std::mt19937(2));
    std::vector<config::Backend> grown(backends.begin(), backends.begin() + 4'500);
    auto before = split(grown);
    for (std::size_t i = 4'500; i < backends.size(); i += 60) {
        grown.push_back(backends[i]);
        const auto after = split(grown);
        // One, or the two that one became when it crossed the limit.
        EXPECT_LE(count_changed(before, after), 2U);
        before = after;
    }
}

TEST(Chunks, TheOrderOfTheBackendsDecidesNothing) {
    auto backends = make_backends(5'000);
    const auto chunks = split(backends);
    std::ranges::shuffle(backends, std::mt19937(3));
    EXPECT_EQ(split(backends), chunks);
}

TEST(Chunks, ComeTogetherInAnyOrder) {
    const config::GroupSpec group{.name = GroupName("web"), .backends = make_backends(8'000)};
    auto chunks = split(group.backends);
    std::ranges::reverse(chunks);
    EXPECT_EQ(rejoin(group, chunks).group, group);
}

TEST(Chunks, ABackendLargerThanTheLimitStaysWhole) {
    auto backends = make_backends(3);
    backends[1].labels["note"] = std::string(200'000, 'x');
    const auto chunks = split(backends);
    const auto large = std::ranges::find_if(
        chunks, [](const Chunk& chunk) { return chunk.data.size() > max_chunk_bytes; });
    ASSERT_NE(large, chunks.end());
    EXPECT_EQ(large->data, boost::json::serialize(config::encode_backends({backends[1]})));
}

TEST(Chunks, ContentThatIsNotWhatItsHashSaysIsAProblem) {
    const config::GroupSpec group{.name = GroupName("web"), .backends = make_backends(10)};
    auto chunks = split(group.backends);
    chunks[0].data.insert(1, " ");
    EXPECT_EQ(rejoin(group, chunks).problems.size(), 1U);
}

TEST(Chunks, GarbageIsAProblem) {
    const config::GroupSpec group{.name = GroupName("web"), .backends = make_backends(1)};
    for (const std::string& data : {std::string(),
                                    std::string("["),
                                    std::string("{}"),
                                    std::string("7"),
                                    std::string("[7]"),
                                    std::string("\xff"),
                                    std::string("[[[]]]"),
                                    std::string(10'000, '[')}) {
        const Chunk chunk{.hash = content_hash(data), .data = data};
        EXPECT_FALSE(rejoin(group, {chunk}).problems.empty()) << data;
    }
    EXPECT_FALSE(join(GroupName("web"), "{", split(group.backends)).problems.empty());
    EXPECT_FALSE(join(GroupName("web"), "[]", split(group.backends)).problems.empty());
}

TEST(Chunks, ABackendInTwoChunksIsAProblem) {
    const config::GroupSpec group{.name = GroupName("web"), .backends = make_backends(3)};
    const auto whole = split(group.backends);
    const auto part = split({group.backends[0]});
    EXPECT_FALSE(rejoin(group, {whole[0], part[0]}).problems.empty());
}

}  // namespace
}  // namespace muster::znodes
