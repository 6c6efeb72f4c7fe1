// What Store promises about requests as such: order, limits, validation, deadlines, cancellation.

#include "tests/coordination/store_world.hpp"

#include <vector>

namespace muster::coordination {

using namespace std::chrono_literals;

class Requests : public StoreTest {};

TEST_P(Requests, AreAppliedInTheOrderOfTheCalls) {
    const auto a = client();
    make(a->store(), "n");
    std::vector<Call<Result<Stat>>> calls;
    for (int i = 0; i < 300; ++i) {
        calls.push_back(
            start(set(a->store(), {.path = at("n"), .data = std::to_string(i), .version = i})));
    }
    for (auto& call : calls) EXPECT_TRUE(call.wait());
    EXPECT_EQ(read(a->store(), "n").data, "299");
}

TEST_P(Requests, OfOneClientSeeItsEarlierOnesWithoutWaiting) {
    const auto a = client();
    make(a->store(), "n");
    auto writing = start(set(a->store(), {.path = at("n"), .data = "new"}));
    auto reading = start(a->store().get(at("n"), Watch::none));
    EXPECT_EQ(reading.wait()->data, "new");
    EXPECT_TRUE(writing.ended());
}

TEST_P(Requests, AreAnsweredInOrder) {
    const auto a = client();
    make(a->store(), "n");
    std::vector<Call<Result<Node>>> calls;
    for (int i = 0; i < 50; ++i) calls.push_back(start(a->store().get(at("n"), Watch::none)));
    EXPECT_TRUE(until([&] { return calls.back().ended(); }));
    for (auto& call : calls) EXPECT_TRUE(call.ended());
}

TEST_P(Requests, InFlightAreLimitedAndTheOthersWait) {
    const auto a =
        client(ClientOptions{.session_timeout = 10s, .limits = {.request_deadline = 60s}});
    make(a->store(), "n", "x");
    std::vector<Call<Result<Node>>> calls;
    for (int i = 0; i < 5'000; ++i) {
        calls.push_back(start(a->store().get(at("n"), Watch::none)));
    }
    std::size_t most = 0;
    EXPECT_TRUE(until([&] {
        most = std::max(most, a->primary().in_flight());
        return calls.back().ended();
    }));
    // One more: a heartbeat does not queue.
    EXPECT_LE(most, 201U);
    for (auto& call : calls) EXPECT_TRUE(call.wait());
}

TEST_P(Requests, BeyondTheQueueAreRefused) {
    const auto a = client(ClientOptions{.limits = {.max_queued = 10}, .reachable = false});
    std::vector<Call<Result<Node>>> calls;
    for (int i = 0; i < 11; ++i) calls.push_back(start(a->store().get(at("n"), Watch::none)));
    EXPECT_EQ(code_of(calls.back().wait()), Errc::too_many);
    EXPECT_FALSE(calls.front().ended());
    await(a->close());
    EXPECT_EQ(code_of(calls.front().wait()), Errc::closed);
}

TEST_P(Requests, MadeBeforeTheConnectionWaitForIt) {
    const auto a = world().start(ClientOptions{});
    EXPECT_FALSE(is_connected(a->store()));
    EXPECT_TRUE(await(create(a->store(), {.path = at("n")})));
}

TEST_P(Requests, WithoutAConnectionEndAtTheirDeadline) {
    const auto a = client(ClientOptions{.limits = {.request_deadline = 500ms}, .reachable = false});
    const SteadyTime begin = world().clock().now();
    const auto reading = await(a->store().get(at("n"), Watch::none));
    const auto writing = await(create(a->store(), {.path = at("n")}));
    EXPECT_EQ(code_of(reading), Errc::not_connected);
    EXPECT_EQ(code_of(writing), Errc::not_connected);
    EXPECT_GE(world().clock().now() - begin, 1s);
}

TEST_P(Requests, OverTheSizeLimitAreRefusedUnsent) {
    const auto a = client();
    make(a->store(), "n");
    const auto refused =
        await(set(a->store(), {.path = at("n"), .data = std::string(256 * 1024, 'x')}));
    EXPECT_EQ(code_of(refused), Errc::too_large);
    EXPECT_TRUE(is_connected(a->store()));
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
}

TEST_P(Requests, OfManyOpsCountTogetherForTheSizeLimit) {
    const auto a = client();
    std::vector<Op> ops;
    for (int i = 0; i < 10; ++i)
        ops.emplace_back(
            CreateOp{.path = at("n" + std::to_string(i)), .data = std::string(30'000, 'x')});
    EXPECT_EQ(await(a->store().multi(std::move(ops))).error, Errc::too_large);
}

TEST_P(Requests, WithABadPathAreRefusedUnsent) {
    const auto a = client();
    for (const char* path :
         {"", "n", "/n/", "//n", "/n//m", "/./n", "/n/..", "/n\x01", "/n\xff", "/\x7f", "/a\nb"}) {
        const Errc expected = Errc::invalid_argument;
        EXPECT_EQ(code_of(await(a->store().get(path, Watch::none))), expected) << path;
        EXPECT_EQ(code_of(await(a->store().exists(path, Watch::none))), expected) << path;
        EXPECT_EQ(code_of(await(a->store().children(path, Watch::set))), expected) << path;
        EXPECT_EQ(code_of(await(a->store().sync(path))), expected) << path;
        EXPECT_EQ(code_of(await(create(a->store(), {.path = path}))), expected) << path;
        EXPECT_EQ(code_of(await(set(a->store(), {.path = path}))), expected) << path;
        EXPECT_EQ(code_of(await(remove(a->store(), {.path = path}))), expected) << path;
    }
    EXPECT_TRUE(is_connected(a->store()));
}

TEST_P(Requests, WithABadPathInALaterOpAreRefusedUnsent) {
    const auto a = client();
    std::vector<Op> ops;
    ops.emplace_back(CreateOp{.path = at("n")});
    ops.emplace_back(CreateOp{.path = "bad"});
    ops.emplace_back(SetOp{.path = at("n"), .data = "x"});
    EXPECT_EQ(await(a->store().multi(std::move(ops))).error, Errc::invalid_argument);
    EXPECT_FALSE(there(a->store(), "n"));
}

TEST_P(Requests, WithoutOpsAreRefused) {
    const auto a = client();
    EXPECT_EQ(await(a->store().multi({})).error, Errc::invalid_argument);
}

TEST_P(Requests, BeyondTheWatchLimitAreRefused) {
    const auto a = client(ClientOptions{.limits = {.max_watches = 3}});
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(await(a->store().exists(at("n" + std::to_string(i)), Watch::set)));
    EXPECT_EQ(code_of(await(a->store().exists(at("more"), Watch::set))), Errc::too_many);
    EXPECT_TRUE(await(a->store().exists(at("more"), Watch::none)));
    EXPECT_TRUE(await(a->store().exists(at("n0"), Watch::set))) << "this one is armed already";
    make(a->store(), "n0");
    settle(a->store());
    EXPECT_TRUE(await(a->store().exists(at("more"), Watch::set))) << "one has fired";
}

TEST_P(Requests, OnTheirWayCountForTheWatchLimit) {
    const auto a = client(ClientOptions{.limits = {.max_watches = 3}});
    std::vector<Call<Result<std::optional<Stat>>>> calls;
    for (int i = 0; i < 4; ++i)
        calls.push_back(start(a->store().exists(at("n" + std::to_string(i)), Watch::set)));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(calls[static_cast<std::size_t>(i)].wait());
    EXPECT_EQ(code_of(calls.back().wait()), Errc::too_many);
}

TEST_P(Requests, CancelledInTheQueueAreNeverSent) {
    const auto a = world().start(ClientOptions{});
    auto writing = start(create(a->store(), {.path = at("n")}));
    auto other = start(create(a->store(), {.path = at("other")}));
    // The calls begin with the first turn of the loop, long before there is a connection.
    ASSERT_TRUE(until([&] { return a->primary().queued() == 2; }));
    writing.cancel();
    EXPECT_EQ(code_of(writing.wait()), std::errc::operation_canceled);
    EXPECT_TRUE(other.wait());
    EXPECT_FALSE(there(a->store(), "n"));
}

TEST_P(Requests, CancelledUnderWayHaveAnUnknownOutcome) {
    const auto a = client();
    // A quick server has answered before we cancel: then there is another one to try.
    std::string last;
    std::error_code code;
    for (int tries = 0; tries < 100 && !code; ++tries) {
        last = "n" + std::to_string(tries);
        auto writing = start(create(a->store(), {.path = at(last)}));
        ASSERT_TRUE(until([&] { return a->primary().in_flight() > 0; }));
        writing.cancel();
        code = code_of(writing.wait());
    }
    EXPECT_EQ(code, Errc::unknown_outcome);
    // Nothing is wrong with the connection, and what follows is answered as usual.
    EXPECT_TRUE(there(a->store(), last));
    EXPECT_EQ(a->primary().in_flight(), 0U);
}

TEST_P(Requests, ThatOnlyReadHaveNoUnknownOutcome) {
    const auto a = client();
    make(a->store(), "n");
    std::error_code code;
    for (int tries = 0; tries < 100 && !code; ++tries) {
        auto reading = start(a->store().get(at("n"), Watch::none));
        ASSERT_TRUE(until([&] { return a->primary().in_flight() > 0; }));
        reading.cancel();
        code = code_of(reading.wait());
    }
    EXPECT_EQ(code, std::errc::operation_canceled);
}

TEST_P(Requests, ToSyncAreAnswered) {
    const auto a = client();
    EXPECT_TRUE(await(a->store().sync("/")));
    EXPECT_TRUE(await(a->store().sync(root())));
}

INSTANTIATE_TEST_SUITE_P(On, Requests, testing::ValuesIn(services()), service_name);

}  // namespace muster::coordination
