#include "checker/due_line.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

/// Beside a set, which is what it stands for.
class Both {
 public:
    void add(SteadyTime when, std::uint64_t id) {
        line_.add(when, CheckId{id});
        set_.emplace(when, CheckId{id});
    }
    void remove(const DueLine::Entry& entry) {
        line_.remove(entry.first, entry.second);
        set_.erase(entry);
    }
    [[nodiscard]] bool agree() {
        if (line_.empty() || set_.empty()) return line_.empty() == set_.empty();
        return line_.front() == *set_.begin();
    }
    [[nodiscard]] const std::set<DueLine::Entry>& all() const { return set_; }

 private:
    DueLine line_;
    std::set<DueLine::Entry> set_;
};

TEST(DueLine, IsInTheOrderOfTimeAndThenOfId) {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937_64 random(seed);
        Both both;
        SteadyTime now{std::chrono::hours(seed)};
        std::uint64_t last = 0;
        const std::chrono::nanoseconds spread = seed % 3 == 0 ? 20ms : seed % 3 == 1 ? 3s : 2h;
        for (int i = 0; i < 3'000; ++i) {
            ASSERT_TRUE(both.agree()) << "seed " << seed << ", step " << i;
            switch (random() % 4) {
                case 0:
                case 1:  // now and then at the very same time, or in the past
                    now += random() % 2 == 0 ? 0ns : std::chrono::nanoseconds(random() % 5'000'000);
                    both.add(now - 5ms +
                                 std::chrono::nanoseconds(
                                     random() % static_cast<std::uint64_t>(spread.count())),
                             ++last);
                    if (random() % 8 == 0) both.add(now, ++last);
                    break;
                case 2:
                    if (!both.all().empty()) both.remove(*both.all().begin());
                    break;
                default:
                    if (!both.all().empty())
                        both.remove(
                            *std::next(both.all().begin(),
                                       static_cast<std::ptrdiff_t>(random() % both.all().size())));
            }
        }
        while (!both.all().empty()) {
            ASSERT_TRUE(both.agree()) << "seed " << seed;
            both.remove(*both.all().begin());
        }
        EXPECT_TRUE(both.agree());
    }
}

}  // namespace
}  // namespace muster::checker
