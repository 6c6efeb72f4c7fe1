#include "tests/guardian/guarded.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/program.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <csignal>

namespace muster::test {

namespace {

std::vector<std::string> command(std::vector<std::string> arguments,
                                 std::chrono::milliseconds hang_after) {
    arguments.insert(arguments.begin(),
                     {built_program("tests/guardian/guarded_program").string(),
                      std::to_string(hang_after.count())});
    return arguments;
}

}  // namespace

Guarded::Guarded(const std::vector<std::string>& arguments, std::chrono::milliseconds hang_after)
    : process_(
          {.argv = command(arguments, hang_after), .env = {}, .cwd = {}, .output = dir_ / "out"}) {}

bool Guarded::says(const std::string& text) const {
    return eventually(std::chrono::seconds(10), [&] { return process_.output().contains(text); });
}

std::string Guarded::word_after(const std::string& word) const {
    EXPECT_TRUE(says(word + " ")) << process_.output();
    const std::string text = process_.output();
    const std::size_t at = text.find(word + " ") + word.size() + 1;
    return text.substr(at, text.find('\n', at) - at);
}

pid_t Guarded::pid_after(const std::string& word) const {
    pid_t number = -1;
    const std::string text = word_after(word);
    std::from_chars(text.data(), text.data() + text.size(), number);
    EXPECT_GT(number, 1) << text;
    return number;
}

pid_t Guarded::ready_child() const {
    EXPECT_TRUE(says("ready\n")) << process_.output();
    return pid_after("child");
}

void kill_checked(pid_t pid, int signal) {
    ASSERT_GT(pid, 1);
    ASSERT_EQ(::kill(pid, signal), 0);
}

}  // namespace muster::test
