#include "orchestrator/fleet_write.hpp"

#include "common/base/task_group.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using coordination::CheckOp;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::MultiOutcome;
using coordination::Op;
using coordination::SetOp;

class FleetWriting : public testing::Test {
 protected:
    FleetWriting() {
        EXPECT_TRUE(ensemble
                        .write({CreateOp{.path = "/epoch"},
                                CreateOp{.path = "/state"},
                                CreateOp{.path = "/record"},
                                CreateOp{.path = "/record/a"},
                                CreateOp{.path = "/record/a/b"},
                                CreateOp{.path = "/record/c"}})
                        .applied());
        tasks.spawn("store", memory.run());
    }
    ~FleetWriting() override {
        tasks.cancel();
        clock.run_for(10s, [&] { return tasks.size() == 0; });
    }
    MultiOutcome write(std::vector<Op> ops) {
        std::optional<MultiOutcome> outcome;
        asio::co_spawn(context,
                       write_fleet(memory, std::move(ops)),
                       [&](const std::exception_ptr& error, MultiOutcome value) {
                           test::rethrow(error);
                           outcome = std::move(value);
                       });
        clock.run_for(10s, [&] { return outcome.has_value(); });
        return outcome.value_or(MultiOutcome{});
    }
    [[nodiscard]] bool is_there(const std::string& path) const {
        return ensemble.tree().find(path) != nullptr;
    }

    asio::io_context context;
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    coordination::MemoryStore memory{context.get_executor(), clock, ensemble, {}};
    TaskGroup tasks{context.get_executor()};
};

TEST_F(FleetWriting, ARecordThatHasChildrenGoesWithThem) {
    EXPECT_TRUE(write({CheckOp{.path = "/epoch", .version = 0},
                       SetOp{.path = "/state", .data = "next", .version = 0},
                       DeleteOp{.path = "/record", .version = 0}})
                    .ok());
    EXPECT_FALSE(is_there("/record"));
}

TEST_F(FleetWriting, ButNotForWhoeverIsNotMasterAnyMore) {
    EXPECT_FALSE(
        write({CheckOp{.path = "/epoch", .version = 7}, DeleteOp{.path = "/record", .version = 0}})
            .ok());
    EXPECT_TRUE(is_there("/record/a/b"));
}

TEST(ListPause, DoublesUpToABound) {
    EXPECT_EQ(list_pause(1), 500ms);
    EXPECT_EQ(list_pause(2), 1s);
    EXPECT_EQ(list_pause(5), 8s);
    EXPECT_EQ(list_pause(7), 30s);
    EXPECT_EQ(list_pause(1'000'000), 30s);
}

}  // namespace
}  // namespace muster::orchestrator
