#pragma once

#include "checker/network_prober.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/real_time.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace muster::checker {

/// Probes of backends that mean ill, and beside them, all the time, those of one that is well.
class HostilityTest : public testing::Test {
 protected:
    /// Of memory, for a probe. Only glibc's heap is seen, none of a sanitizer's.
    static constexpr std::size_t usual_share = 96UZ * 1024UZ;
    static constexpr std::size_t probes = 16;  ///< side by side

    [[nodiscard]] static std::shared_ptr<const ProbeRequest> request(std::uint16_t port,
                                                                     config::ProbeSpec probe) {
        return std::make_shared<const ProbeRequest>(
            ProbeRequest{.host = "127.0.0.1",
                         .port = port,
                         .probe = std::move(probe),
                         .timeout = std::chrono::milliseconds(300) * test::slowdown()});
    }

    /// Runs so many at once: none is taken in, each ends, for one of the reasons if any are
    /// given, and with its share of the heap; the neighbour is well meanwhile.
    void endure(const std::shared_ptr<const ProbeRequest>& wanted,
                const std::string& what,
                const std::set<Reason>& reasons = {},
                std::size_t share = usual_share) {
        std::size_t ended = 0;
        const std::size_t before = mallinfo2().uordblks;
        std::size_t most = before;
        for (std::size_t i = 0; i < probes; ++i) {
            prober().start(wanted, [&](const ProbeOutcome& outcome) {
                ++ended;
                EXPECT_NE(outcome.result, Result::success) << what;
                EXPECT_NE(outcome.result, Result::degraded) << what;
                if (!reasons.empty())
                    EXPECT_TRUE(reasons.contains(outcome.reason))
                        << what << ": " << to_string(outcome.reason);
            });
        }
        const test::Stopwatch watch;
        std::chrono::nanoseconds next_time{0};
        EXPECT_TRUE(run_until(context_, [&] {
            most = std::max(most, mallinfo2().uordblks);
            if (ended < probes && !asking_ && watch.elapsed() >= next_time) {
                next_time = watch.elapsed() + std::chrono::milliseconds(10);
                ask_neighbour(what);
            }
            return ended == probes && !asking_;
        })) << what;
        EXPECT_EQ(prober().running(), 0U) << what;
        EXPECT_LE((most - before) / probes, share) << what;
        ++cases_;
    }

    NetworkProber& prober() {
        if (!prober_)
            prober_ = std::make_unique<NetworkProber>(
                context_.get_executor(),
                clock_,
                NetworkProberSettings{.tls_dir = dir_.path().string()});
        return *prober_;
    }

    asio::io_context context_;
    AsioClock clock_;
    test::TempDir dir_;  ///< of certificates
    std::size_t cases_ = 0;

 private:
    void ask_neighbour(const std::string& what) {
        asking_ = true;
        prober().start(
            std::make_shared<const ProbeRequest>(ProbeRequest{.host = "127.0.0.1",
                                                              .port = neighbour_.port(),
                                                              .timeout = std::chrono::seconds(30)}),
            [this, what](const ProbeOutcome& outcome) {
                EXPECT_EQ(outcome.result, Result::success) << "the neighbour of " << what;
                asking_ = false;
            });
    }

    std::unique_ptr<NetworkProber> prober_;
    BackendStub neighbour_{context_.get_executor(), good_script()};
    bool asking_ = false;
};

}  // namespace muster::checker
