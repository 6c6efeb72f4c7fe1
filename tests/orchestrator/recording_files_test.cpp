#include "orchestrator/recording_files.hpp"

#include "common/config/decode.hpp"
#include "orchestrator/tick_recorder.hpp"
#include "scaler/decide.hpp"
#include "scaler/spec_policy.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace fs = std::filesystem;
constexpr WallTime noon{std::chrono::seconds(1'772'366'400)};  // 2026-03-01T12:00:00Z

std::shared_ptr<const config::FleetSpec> spec(int max) {
    const auto decoded = config::decode(
        "kind: Fleet\nname: edge\nspec:\n"
        "  listeners: [{name: web, bind: \":80\", group: web}]\n  provider: {name: local}\n"
        "  scaling:\n    min: 1\n    max: " +
        std::to_string(max) +
        "\n    period: 10s\n    mode: hpa\n"
        "    metrics: [{name: load, query: a, target: {total_average: 100}}]\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    return std::make_shared<const config::FleetSpec>(decoded.fleets.at(0));
}

/// A fleet's ticks, each following the one before.
class Ticks {
 public:
    explicit Ticks(FleetName fleet = FleetName("edge")) : fleet_(std::move(fleet)) {}

    TickRecord next(WallTime at, int load = 150) {
        TickRecord tick{.fleet = fleet_,
                        .spec = spec_,
                        .epoch = epoch_,
                        .at = at,
                        .history = history_,
                        .observed = {.samples = {{"load", scaler::sample_of(scaler::whole(load))}}},
                        .membership = {.size = size_, .instances = {}}};
        const auto policy = policy_at(scaler::policy_of(*spec_->scaling), tick.membership);
        tick.decision = decide(policy, tick.history, tick.observed, tick.membership, at);
        history_ = tick.decision.next;
        size_ = tick.decision.size;
        return tick;
    }

    std::shared_ptr<const config::FleetSpec> spec_ = spec(5);
    std::int64_t epoch_ = 17;

 private:
    FleetName fleet_;
    scaler::History history_;
    int size_ = 0;
};

class Recordings : public testing::Test {
 protected:
    RecordingFiles files(RecordingLimits limits = {}) const {
        return {folder_ / "recordings", NodeId("n1"), limits};
    }
    [[nodiscard]] std::vector<std::string> names(const std::string& fleet = "edge") const {
        std::vector<std::string> all;
        for (const RecordingFile& file : recording_files(folder_ / "recordings", FleetName(fleet)))
            all.push_back(to_string(file));
        return all;
    }
    [[nodiscard]] fs::path path(const std::string& name) const {
        return folder_ / "recordings" / "edge" / name;
    }
    [[nodiscard]] scaler::Recording read(const std::string& name) const {
        auto recording = scaler::read_recording(test::read_file(path(name)), name);
        EXPECT_TRUE(recording) << recording.error();
        return recording ? *std::move(recording) : scaler::Recording{};
    }
    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "recordings"))
            if (entry.is_regular_file()) sum += entry.file_size();
        return sum;
    }

    test::TempDir folder_;
};

TEST_F(Recordings, HoldWhatWasDecidedWithAHeaderForEachTermAndPolicy) {
    RecordingFiles files = this->files();
    Ticks ticks;
    ASSERT_TRUE(files.write(ticks.next(noon)));
    ASSERT_TRUE(files.write(ticks.next(noon + 10s, 420)));
    ticks.epoch_ = 19;
    ASSERT_TRUE(files.write(ticks.next(noon + 20s)));
    ticks.spec_ = spec(4);
    ASSERT_TRUE(files.write(ticks.next(noon + 30s)));
    ticks.spec_ = spec(4);  // the same, read again
    ASSERT_TRUE(files.write(ticks.next(noon + 40s)));
    ASSERT_THAT(names(), ElementsAre("20260301T120000Z-17.rec"));
    const scaler::Recording recording = read(names()[0]);
    ASSERT_THAT(recording.parts, SizeIs(3));
    const std::vector<std::size_t> counts = {2, 1, 2};
    const std::vector<std::int64_t> epochs = {17, 19, 19};
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const scaler::RecordedPart& part = recording.parts[i];
        EXPECT_EQ(part.ticks.size(), counts[i]) << i;
        EXPECT_EQ(part.header.node, "n1");
        EXPECT_EQ(part.header.epoch, epochs[i]);
        EXPECT_EQ(part.header.period, 10s);
        const auto document = config::decode(part.header.policy);
        ASSERT_THAT(document.fleets, SizeIs(1));
        const auto replayed = replay(part, scaler::policy_of(*document.fleets[0].scaling));
        EXPECT_EQ(replayed.differences, 0U) << replayed.first->where;
    }
    EXPECT_EQ(files.bytes(), bytes());
}

TEST_F(Recordings, BeginAnewAfterARestartAndOnEachDay) {
    Ticks ticks;
    {
        RecordingFiles files = this->files();
        ASSERT_TRUE(files.write(ticks.next(noon)));
        ASSERT_TRUE(files.write(ticks.next(noon + 12h)));
    }
    RecordingFiles files = this->files();
    ASSERT_TRUE(files.write(ticks.next(noon + 12h)));
    EXPECT_THAT(
        names(),
        ElementsAre(
            "20260301T120000Z-17.rec", "20260302T000000Z-17.rec", "20260302T000000Z-17-2.rec"));
    fs::remove(path(names()[2]));
    ASSERT_TRUE(files.write(ticks.next(noon + 13h)));
    EXPECT_EQ(read(names().back()).parts.at(0).ticks.at(0).at, noon + 13h);
}

TEST_F(Recordings, StayWithinTheirLimits) {
    constexpr std::uint64_t most = 1U << 20U;
    RecordingFiles files = this->files({.keep = 48h, .bytes = most});
    Ticks edge;
    Ticks inner{FleetName("inner")};
    std::size_t written = 0;
    for (int i = 0; i < 4'000; ++i) {
        ASSERT_TRUE(files.write(edge.next(noon + i * 10s, i % 400)));
        if (i == 0) {
            ASSERT_TRUE(files.write(inner.next(noon - 10s)));
        }
        if (i % 50 == 0) written = std::max<std::size_t>(written, bytes());
        ASSERT_LE(written, most);
    }
    EXPECT_GT(written, most / 2);
    EXPECT_EQ(files.bytes(), bytes());
    EXPECT_THAT(names("inner"), IsEmpty()) << "the oldest";
    EXPECT_FALSE(fs::exists(folder_ / "recordings" / "inner"));
    EXPECT_EQ(read(names().back()).parts.back().ticks.back().at, noon + 3'999 * 10s);
    ASSERT_TRUE(files.write(edge.next(noon + 5 * 24h)));
    EXPECT_THAT(names(), ElementsAre("20260306T120000Z-17.rec"));
}

TEST_F(Recordings, LeaveAloneWhatIsNotTheirs) {
    const fs::path edge = folder_ / "recordings" / "edge";
    fs::create_directories(edge / "20200101T000000Z-1.rec");  // a directory
    const fs::path secret = folder_.write("secret", "secret");
    fs::create_symlink(secret, edge / "20200102T000000Z-1.rec");
    fs::create_symlink(secret, edge / "20260301T120000Z-17.rec");
    fs::create_directory_symlink(folder_.path(), folder_ / "recordings" / "linked");
    folder_.write("recordings/edge/notes.txt", std::string(2U << 20U, 'x'));
    folder_.write("recordings/edge/29990101T000000Z-1.rec", std::string(2U << 20U, 'x'));
    folder_.write("recordings/edge/20260301T115000Z-1.rec", "{\"format\":\"garb\0age");
    RecordingFiles files = this->files({.bytes = 1U << 20U});
    Ticks ticks;
    ASSERT_TRUE(files.write(ticks.next(noon)));
    ASSERT_TRUE(files.write(ticks.next(noon + 10s)));
    EXPECT_EQ(test::read_file(secret), "secret");
    EXPECT_TRUE(fs::exists(edge / "notes.txt"));
    EXPECT_TRUE(fs::is_symlink(edge / "20200102T000000Z-1.rec"));
    EXPECT_TRUE(fs::is_directory(edge / "20200101T000000Z-1.rec"));
    // Of a time to come, and too large: it goes before those of today.
    EXPECT_THAT(names(), ElementsAre("20260301T115000Z-1.rec", "20260301T120000Z-17-2.rec"));
    EXPECT_THAT(read(names()[1]).parts.at(0).ticks, SizeIs(2));
    EXPECT_FALSE(files.write(Ticks(FleetName("linked")).next(noon)));
    EXPECT_FALSE(files.write(Ticks(FleetName("../out")).next(noon)));
    EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Recordings, GoOnInAnotherFileAfterALineThatDidNotFit) {
    RecordingFiles files = this->files();
    Ticks ticks;
    ASSERT_TRUE(files.write(ticks.next(noon)));
    const auto whole = bytes();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{.rlim_cur = whole + 20, .rlim_max = before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto refused = files.write(ticks.next(noon + 10s));
    const auto again = files.write(ticks.next(noon + 20s));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("File too large"));
    EXPECT_FALSE(again);
    ASSERT_TRUE(files.write(ticks.next(noon + 30s)));
    ASSERT_THAT(names(), ElementsAre("20260301T120000Z-17.rec", "20260301T120030Z-17.rec"));
    for (const std::string& name : names()) {
        const scaler::Recording recording = read(name);
        EXPECT_THAT(recording.torn, IsEmpty());
        EXPECT_THAT(recording.parts.at(0).ticks, SizeIs(1));
    }
}

TEST_F(Recordings, LeaveTheFileSystemRoom) {
    RecordingFiles files = this->files({.bytes_left_free = ~0ULL});
    const auto refused = files.write(Ticks().next(noon));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("No space left on device"));
}

TEST(RecordingFile, IsKnownByItsName) {
    const RecordingFile file{.begin = noon, .epoch = 17};
    EXPECT_EQ(to_string(file), "20260301T120000Z-17.rec");
    EXPECT_EQ(recording_file("20260301T120000Z-17.rec"), file);
    EXPECT_EQ(recording_file("20260301T120000Z-17-3.rec"),
              (RecordingFile{.begin = noon, .epoch = 17, .number = 3}));
    for (const char* other : {"",
                              ".rec",
                              "20260301T120000Z-.rec",
                              "20260301T120000Z-17",
                              "20260301T120000Z-017.rec",
                              "20260301T120000Z-17-1.rec",
                              "20260301T120000Z-17-.rec",
                              "20260301T120000Z--7.rec",
                              "20260301T120000Z-17-3-4.rec",
                              "20261301T120000Z-17.rec",
                              "20260301x120000Z-17.rec",
                              "20260301T120000Z-99999999999999999999.rec",
                              "20260301T120000Z-17.rec.gz"})
        EXPECT_EQ(recording_file(other), std::nullopt) << other;
}

TEST_F(Recordings, AreWrittenByAThread) {
    metrics::Registry registry;
    Ticks ticks;
    {
        TickRecorder recorder(folder_ / "recordings", NodeId("n1"), {}, registry);
        for (int i = 0; i < 100; ++i) recorder.record(ticks.next(noon + i * 10s));
    }
    EXPECT_THAT(read(names().at(0)).parts.at(0).ticks, SizeIs(100));
    EXPECT_THAT(registry.text(), HasSubstr("muster_scaling_ticks_recorded_total 100\n"));
    EXPECT_THAT(registry.text(), HasSubstr("muster_scaling_recording_failing 0\n"));
}

TEST_F(Recordings, ThatCannotBeWrittenAreCounted) {
    const fs::path file = folder_.write("file", "");
    metrics::Registry registry;
    Ticks ticks;
    TickRecorder recorder(file / "recordings", NodeId("n1"), {}, registry);
    recorder.record(ticks.next(noon));
    recorder.record(ticks.next(noon + 10s));
    EXPECT_TRUE(test::eventually(10s, [&] {
        return registry.text().contains("muster_scaling_ticks_unrecorded_total 2\n");
    }));
    EXPECT_THAT(registry.text(), HasSubstr("muster_scaling_recording_failing 1\n"));
    fs::remove(file);
    fs::create_directory(file);
    recorder.record(ticks.next(noon + 20s));
    EXPECT_TRUE(test::eventually(
        10s, [&] { return registry.text().contains("muster_scaling_recording_failing 0\n"); }));
}

}  // namespace
}  // namespace muster::orchestrator
