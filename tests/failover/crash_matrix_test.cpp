// The crash matrix of reference/autoscaling.md, 4.4, on real nodes, a real ZooKeeper and a real
// etcd: the master is killed at exactly that point, and the next one goes on. Machines are
// stand-ins (machine_park.hpp); scaling_test has real HAProxies.
#include "common/base/base64.hpp"
#include "tests/failover/world.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using znodes::InstancePhase;
using Verb = MachinePark::Verb;
using When = MachinePark::When;

class RealCrashMatrix : public testing::Test {
 protected:
    using Trap = Wire::Trap;

    /// A transaction that changes the fleet and this record of it.
    static std::vector<std::string> write_of(const std::string& fleet,
                                             const std::string& id,
                                             const std::string& phase) {
        std::vector<std::string> needles{
            fmt::format("/fleets/{}/state", fleet),
            fmt::format("/fleets/{0}/instances/{1}", fleet, id.empty() ? fleet : id)};
        if (!phase.empty()) needles.push_back(fmt::format("\"phase\":\"{}\"", phase));
        return needles;
    }

    /// What is asked for leads to this transaction: the master dies before or after it is applied.
    void dies_at(std::vector<std::string> needles,
                 Wire::When when,
                 const std::function<void()>& ask,
                 std::string lacks = {}) {
        const std::int64_t was = world_.epoch();
        world_.zookeeper_wire->set(
            {.needles = std::move(needles),
             .lacks = std::move(lacks),
             .when = when,
             .act = [this](const std::string& request) { world_.kill_writer(request); }});
        ask();
        ASSERT_TRUE(eventually(60s, [&] { return world_.zookeeper_wire->sprung(); }))
            << world_.logs();
        goes_on(was);
    }
    void dies_now() {
        const std::int64_t was = world_.epoch();
        world_.kill_master();
        goes_on(was);
    }
    void goes_on(std::int64_t than) {
        ASSERT_TRUE(world_.new_master(than)) << world_.logs();
        world_.start_again();
    }

    [[nodiscard]] bool settles(const std::string& fleet, std::size_t size) {
        return eventually(60s, [&] { return world_.settled(fleet, size); });
    }
    [[nodiscard]] bool published(const std::string& fleet, std::size_t count) {
        return eventually(30s, [&] { return names_of(fleet) == count; });
    }
    [[nodiscard]] std::size_t names_of(const std::string& fleet) const {
        return world_.names.count(name_of(fleet) + fleet + "-");
    }
    static std::string name_of(const std::string& fleet) {
        return fmt::format("/skydns/test/muster/{}/", fleet);
    }
    [[nodiscard]] InstancePhase phase(const std::string& id) {
        const auto phases = world_.phases(id.substr(0, id.find('-')));
        return phases.contains(id) ? phases.at(id) : InstancePhase::gone;
    }
    /// What was written comes to the observer a little later.
    [[nodiscard]] bool is_in(const std::string& id, InstancePhase wanted) {
        return eventually(5s, [&] { return phase(id) == wanted; });
    }
    [[nodiscard]] bool leaves_from(const std::string& fleet, InstancePhase wanted) {
        return eventually(5s, [&] {
            const std::string id = leaving(fleet);
            return !id.empty() && phase(id) == wanted;
        });
    }
    [[nodiscard]] std::string leaving(const std::string& fleet) const {
        const auto state = world_.state(fleet);
        if (!state || !state->intent || state->intent->leaving.empty()) return "";
        return state->intent->leaving.front().str();
    }
    [[nodiscard]] bool drains(const std::string& fleet) {
        return eventually(30s, [&] {
            const std::string id = leaving(fleet);
            return !id.empty() && phase(id) == InstancePhase::draining && names_of(fleet) == 1;
        });
    }

    void begin() {
        for (const char* const out : {"o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "p0", "p2"})
            fleets_[out] = {.name = out, .size = 1};
        for (const char* const in : {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "p1"})
            fleets_[in] = {.name = in, .size = 2};
        fleets_["o4"].warm_up = 3s;
        fleets_["o7"].create_timeout = 10s;
        fleets_["p2"].create_timeout = 10s;
        // Out of DNS, caches included, takes 15 s, and with each master anew.
        for (const char* const in : {"i4", "p1"}) {
            fleets_[in].dns = false;
            fleets_[in].drain_timeout = 2s;
        }
        for (const auto& [name, fleet] : fleets_) world_.apply(fleet);
        for (const auto& [name, fleet] : fleets_) {
            const auto size = static_cast<std::size_t>(fleet.size);
            ASSERT_TRUE(settles(name, size)) << name << world_.logs();
            if (fleet.dns) ASSERT_TRUE(published(name, size)) << name << world_.logs();
        }
    }

    void while_it_grows() {
        {
            SCOPED_TRACE("decision computed, nothing written");
            dies_at(write_of("o0", "o0-2-1", "creating"), Wire::When::before, [&] {
                world_.resize("o0", 2);
            });
        }
        {
            SCOPED_TRACE("intent written, no machine");
            dies_at(write_of("o1", "o1-2-1", "creating"), Wire::When::after, [&] {
                world_.resize("o1", 2);
            });
        }
        {
            SCOPED_TRACE("machine up, not in DNS");
            dies_at(write_of("o4", "o4-2-1", "warming"), Wire::When::after, [&] {
                world_.resize("o4", 2);
            });
        }
        {
            SCOPED_TRACE("serving written, DNS not");
            dies_at(write_of("o5", "o5-2-1", "serving"), Wire::When::after, [&] {
                world_.resize("o5", 2);
            });
        }
        {
            SCOPED_TRACE("DNS written, its reply lost");
            const std::int64_t was = world_.epoch();
            // In base64, which has three bytes in four letters.
            std::string key = name_of("o6") + "o6-o6-2-1";
            key.resize(key.size() / 3 * 3);
            world_.etcd_wire.set({.needles = {"/v3/kv/txn", to_base64(key)},
                                  .when = Wire::When::after,
                                  .act = [&](const std::string&) { world_.kill_master(); }});
            world_.resize("o6", 2);
            ASSERT_TRUE(eventually(30s, [&] { return world_.etcd_wire.sprung(); }))
                << world_.logs();
            goes_on(was);
        }
    }

    void while_calls_are_under_way() {
        SCOPED_TRACE("calls under way");
        world_.park.hold(Verb::create, "o2", When::after);
        world_.park.hold(Verb::create, "o3", When::before);
        world_.park.hold(Verb::can_remove, "i0", When::before);
        world_.park.hold(Verb::can_remove, "i1", When::before);
        world_.park.refuse_creates("o7", true);
        for (const char* const out : {"o2", "o3", "o7"}) world_.resize(out, 2);
        for (const char* const in : {"i0", "i1"}) world_.resize(in, 1);
        ASSERT_TRUE(eventually(30s, [&] {
            return world_.park.holds(Verb::create, "o2") && world_.park.holds(Verb::create, "o3") &&
                   world_.park.holds(Verb::can_remove, "i0") &&
                   world_.park.holds(Verb::can_remove, "i1") &&
                   world_.park.calls(Verb::create, "o7-2-1") > 0;
        })) << world_.logs();
        // Created, and the reply lost; and the order lost.
        EXPECT_EQ(world_.park.machines_of("o2").size(), 2U);
        EXPECT_EQ(world_.park.machines_of("o3").size(), 1U);
        for (const char* const id : {"o2-2-1", "o3-2-1", "o7-2-1"})
            EXPECT_TRUE(is_in(id, InstancePhase::creating));
        // The intent is written, and they are in DNS still.
        for (const char* const in : {"i0", "i1"}) {
            EXPECT_TRUE(leaves_from(in, InstancePhase::serving));
            EXPECT_EQ(names_of(in), 2U);
        }
        const std::int64_t was = world_.epoch();
        world_.kill_master();
        world_.resize("i1", 2);
        goes_on(was);
    }

    void while_it_drains() {
        SCOPED_TRACE("out of DNS");
        for (const char* const in : {"i2", "i3"}) world_.resize(in, 1);
        for (const char* const in : {"i2", "i3"}) ASSERT_TRUE(drains(in)) << in << world_.logs();
        const std::int64_t was = world_.epoch();
        world_.kill_master();
        world_.resize("i3", 2);
        goes_on(was);
    }

    /// It stands still, with orders and a removal on their way, for longer than its
    /// session, and then goes on.
    void while_it_is_paused() {
        SCOPED_TRACE("paused");
        world_.park.hold(Verb::create, "p0", When::before);
        world_.park.hold(Verb::remove, "p1", When::before);
        world_.park.hold(Verb::create, "p2", When::before);
        for (const char* const out : {"p0", "p2"}) world_.resize(out, 2);
        world_.resize("p1", 1);
        ASSERT_TRUE(eventually(30s, [&] {
            return world_.park.holds(Verb::create, "p0") && world_.park.holds(Verb::remove, "p1") &&
                   world_.park.holds(Verb::create, "p2");
        })) << world_.logs();
        world_.park.refuse_creates("p2", true);
        const std::int64_t was = world_.epoch();
        const std::size_t old = world_.cluster->master().value();
        world_.cluster->pause(old);
        ASSERT_TRUE(world_.new_master(was)) << world_.logs();
        ASSERT_TRUE(eventually(30s, [&] { return world_.park.machines_of("p0").size() == 2; }))
            << world_.logs();
        // What was on its way arrives: it finds what it was to make.
        EXPECT_TRUE(world_.park.carry_out_late("p0"));
        ASSERT_TRUE(eventually(30s, [&] { return world_.park.machines_of("p1").size() == 1; }))
            << world_.logs();
        EXPECT_FALSE(world_.park.carry_out_late("p1"));
        world_.cluster->resume(old);
    }

    void while_it_removes() {
        SCOPED_TRACE("removing");
        world_.park.hold(Verb::get, "i5", When::before);
        world_.park.hold(Verb::remove, "i6", When::after);
        for (const char* const in : {"i5", "i6", "i7"}) world_.resize(in, 1);
        ASSERT_TRUE(eventually(30s, [&] { return !leaving("i7").empty(); })) << world_.logs();
        {
            SCOPED_TRACE("the last instance is gone, the intent is not cleared");
            const auto at_the_others = [&] {
                ASSERT_TRUE(eventually(60s, [&] {
                    return world_.park.holds(Verb::get, "i5") &&
                           world_.park.holds(Verb::remove, "i6");
                })) << world_.logs();
                // Else it has died before they were there.
                ASSERT_FALSE(world_.zookeeper_wire->sprung());
                // Written as deleting, and nothing is sent.
                EXPECT_TRUE(leaves_from("i5", InstancePhase::deleting));
                EXPECT_EQ(world_.park.machines_of("i5").size(), 2U);
                // Sent, and the reply lost.
                EXPECT_TRUE(leaves_from("i6", InstancePhase::deleting));
                EXPECT_EQ(world_.park.machines_of("i6").size(), 1U);
            };
            dies_at(write_of("i7", leaving("i7"), ""),
                    Wire::When::before,
                    at_the_others,
                    "\"intent\":");
        }
        SCOPED_TRACE("drained, and not written as deleting");
        dies_at(
            write_of("i4", "", "deleting"), Wire::When::before, [&] { world_.resize("i4", 1); });
    }

    FailoverWorld world_{{.machines = 64}};
    std::map<std::string, FailoverWorld::Fleet> fleets_;
};

TEST_F(RealCrashMatrix, EachRowIsFinishedByTheNextMaster) {
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(while_it_grows());
    ASSERT_NO_FATAL_FAILURE(while_calls_are_under_way());
    ASSERT_NO_FATAL_FAILURE(while_it_drains());
    ASSERT_NO_FATAL_FAILURE(while_it_is_paused());
    ASSERT_NO_FATAL_FAILURE(while_it_removes());

    const std::map<std::string, std::size_t> sizes{{"o0", 2},
                                                   {"o1", 2},
                                                   {"o2", 2},
                                                   {"o3", 2},
                                                   {"o4", 2},
                                                   {"o5", 2},
                                                   {"o6", 2},
                                                   {"o7", 1},
                                                   {"i0", 1},
                                                   {"i1", 2},
                                                   {"i2", 1},
                                                   {"i3", 2},
                                                   {"i4", 1},
                                                   {"i5", 1},
                                                   {"i6", 1},
                                                   {"i7", 1},
                                                   {"p0", 2},
                                                   {"p1", 1},
                                                   {"p2", 1}};
    for (const auto& [fleet, size] : sizes) {
        EXPECT_TRUE(settles(fleet, size)) << fleet << "\n" << world_.logs();
        if (fleets_.at(fleet).dns) EXPECT_TRUE(published(fleet, size)) << fleet;
    }
    MachinePark& park = world_.park;
    EXPECT_EQ(park.calls(Verb::create, "o2-2-1"), 1) << "adopted";
    EXPECT_EQ(park.calls(Verb::create, "o3-2-1"), 2) << "ordered again, by the same name";
    EXPECT_GE(park.calls(Verb::remove, "o7-2-1"), 1);
    EXPECT_EQ(world_.state("o7")->back_off.failures, 1);
    for (const char* const stays : {"i1", "i3"}) {
        EXPECT_EQ(park.done_to(Verb::create, stays), 2);
        EXPECT_EQ(park.done_to(Verb::remove, stays), 0);
    }
    // The order that comes after its machine was given up.
    park.refuse_creates("p2", false);
    park.fences(true);
    EXPECT_FALSE(park.carry_out_late("p2"));
    EXPECT_EQ(park.machines_of("p2").size(), 1U);
    const std::vector<std::string> wrong = world_.judge({.count = 5, .window = 2s});
    EXPECT_TRUE(wrong.empty()) << fmt::format("{}", fmt::join(wrong, "\n")) << world_.logs();
    EXPECT_GE(world_.epoch(), 10);
}

}  // namespace
}  // namespace muster::test
