#include "common/observe/log.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <vector>

namespace muster::log {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines(const std::string& path) {
    std::istringstream in(contents(path));
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

class LogFile : public testing::Test {
 protected:
    ~LogFile() override {
        stop();
        set_level(Level::info);
    }
    void begin(Format format, Level level = Level::info) {
        ASSERT_EQ(start({.level = level, .format = format, .file = path_}), "");
    }

    test::TempDir dir_;
    std::string path_ = (dir_.path() / "muster.log").string();
};

TEST(LogLine, IsKeyAndValueForPeople) {
    EXPECT_EQ(render(Format::human,
                     Level::info,
                     "health_changed",
                     {{"backend", "b7"}, {"reason", "3 failures"}, {"empty", ""}, {"eq", "a=b"}}),
              "info event=health_changed backend=b7 reason=\"3 failures\" empty=\"\" eq=\"a=b\"");
}

TEST(LogLine, CannotBeForgedByItsFields) {
    EXPECT_EQ(render(Format::human, Level::warn, "e", {{"x", "1\nerror event=fake"}}),
              "warn event=e x=\"1\\nerror event=fake\"");
    EXPECT_EQ(render(Format::human, Level::warn, "e", {{"a b\n\"", "1"}}), "warn event=e a_b__=1");
    EXPECT_EQ(render(Format::json, Level::warn, "e", {{"a\":1,\"b", "\",\"c\":\""}}),
              R"({"level":"warn","event":"e","a__1__b":"\",\"c\":\""})");
}

TEST(LogLine, BoundsEachField) {
    const std::string line =
        render(Format::human, Level::info, "e", {{"x", std::string(9000, 'y')}});
    EXPECT_LT(line.size(), 4200U);
    EXPECT_THAT(line, HasSubstr("... (4904 bytes cut)"));
}

TEST_F(LogFile, HoldsLinesWithUtcTimes) {
    begin(Format::human);
    info("started", {{"node", "n1"}});
    debug("hidden");
    warn("odd");
    stop();
    const auto written = lines(path_);
    ASSERT_EQ(written.size(), 2U);
    EXPECT_THAT(written[0],
                MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z "
                             "info event=started node=n1"));
    EXPECT_THAT(written[1], HasSubstr(" warn event=odd"));
}

TEST_F(LogFile, HoldsJsonThatParsesWhateverComesIn) {
    begin(Format::json, Level::debug);
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    debug("all_bytes", {{"bytes", all}});
    error("quotes", {{"text", "\"}{%v %n\\"}});
    stop();
    const auto written = lines(path_);
    ASSERT_EQ(written.size(), 2U);
    for (const std::string& line : written) {
        boost::system::error_code failed;
        const auto value = boost::json::parse(line, failed);
        ASSERT_FALSE(failed) << line;
        EXPECT_TRUE(value.as_object().contains("time"));
    }
    EXPECT_EQ(boost::json::parse(written[1]).at("text").as_string(), "\"}{%v %n\\");
}

TEST_F(LogFile, FollowsItsLevel) {
    begin(Format::human, Level::error);
    EXPECT_FALSE(enabled(Level::warn));
    warn("hidden");
    set_level(Level::debug);
    EXPECT_TRUE(enabled(Level::debug));
    debug("shown");
    stop();
    EXPECT_EQ(lines(path_).size(), 1U);
}

TEST_F(LogFile, IsOpenedAgainAfterItsRotation) {
    begin(Format::human);
    info("before");
    ASSERT_TRUE(
        test::eventually(std::chrono::seconds(5), [&] { return lines(path_).size() == 1; }));
    std::filesystem::rename(path_, path_ + ".1");
    info("still_old");
    ASSERT_TRUE(
        test::eventually(std::chrono::seconds(5), [&] { return lines(path_ + ".1").size() == 2; }));
    reopen();
    info("new");
    stop();
    EXPECT_EQ(lines(path_ + ".1").size(), 2U);
    ASSERT_EQ(lines(path_).size(), 1U);
    EXPECT_THAT(lines(path_)[0], HasSubstr("event=new"));
}

TEST_F(LogFile, StaysOpenWhenItCannotBeOpenedAgain) {
    begin(Format::human);
    const std::string moved = path_ + ".1";
    std::filesystem::rename(path_, moved);
    std::filesystem::create_directory(path_);
    reopen();
    info("kept");
    stop();
    EXPECT_THAT(contents(moved), HasSubstr("event=kept"));
}

TEST_F(LogFile, SaysWhyItCannotBeOpened) {
    const std::string path = (dir_.path() / "none" / "muster.log").string();
    EXPECT_THAT(start({.file = path}), HasSubstr("No such file or directory"));
}

TEST_F(LogFile, TakesLinesFromManyThreads) {
    begin(Format::human);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < 500; ++i) info("line", {{"text", "some words"}});
        });
    }
    for (std::thread& thread : threads) thread.join();
    const auto lost = dropped();
    stop();
    EXPECT_EQ(lost, 0U);
    const auto written = lines(path_);
    EXPECT_EQ(written.size(), 2000U);
    for (const std::string& line : written) {
        EXPECT_THAT(line, testing::EndsWith("event=line text=\"some words\""));
    }
}

TEST_F(LogFile, CountsLinesThatNobodyReadsAndDoesNotWait) {
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    begin(Format::human);
    const auto before = dropped();
    const test::Stopwatch watch;
    const std::string text(1000, 'x');
    for (int i = 0; i < 20'000; ++i) info("flood", {{"text", text}});
    // 20 MB into a pipe of 64 KiB: the caller is not held up by it.
    EXPECT_LT(watch.elapsed(), std::chrono::seconds(30) * test::slowdown());
    stop();
    EXPECT_LT(watch.elapsed(), std::chrono::seconds(40) * test::slowdown());
    EXPECT_GT(dropped() - before, 19'000U);
    ::close(reader);
}

}  // namespace
}  // namespace muster::log
