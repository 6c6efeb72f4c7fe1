// The webhook provider: what it sends, and what statuses and silences mean.
#include "tests/scaler/providers/webhook_world.hpp"
#include "tests/support/ports.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::HasSubstr;

const FleetName edge("edge");
const InstanceId id("edge-1-1");

class WebhookProviderTest : public testing::Test {
 protected:
    WebhookProviderSettings& settings() { return settings_; }
    MachineService& service() { return service_; }
    const TempDir& directory() { return directory_; }

    template <class Act>
    auto with(Act act) {
        WebhookProvider provider(clock_, settings_);
        context_.restart();
        auto result = asio::co_spawn(context_, act(provider), asio::use_future);
        context_.run();
        return result.get();
    }
    ProviderResult<Machine> create() {
        return with([](WebhookProvider& provider) {
            return provider.create({.fleet = edge,
                                    .id = id,
                                    .token = "t1",
                                    .host = "h7",
                                    .parameters = {{"size", "2"}}},
                                   {.era = 3, .epoch = 41});
        });
    }
    ProviderResult<void> remove() {
        return with([](WebhookProvider& provider) {
            return provider.remove(edge, id, 7s, {.era = 3, .epoch = 41});
        });
    }
    ProviderResult<Machine> get() {
        return with([](WebhookProvider& provider) { return provider.get(edge, id); });
    }
    ProviderResult<Machines> list() {
        return with([](WebhookProvider& provider) { return provider.list(edge); });
    }
    ProviderResult<void> can_remove() {
        return with([](WebhookProvider& provider) { return provider.can_remove(edge, id); });
    }

 private:
    TempDir directory_;
    MachineService service_;
    WebhookProviderSettings settings_{
        .cluster = "prod", .url = service_.url() + "/", .timeout = 2s};
    asio::io_context context_{1};
    AsioClock clock_;
};

template <class T>
Trouble trouble_of(const ProviderResult<T>& result) {
    EXPECT_FALSE(result);
    return result ? Trouble::transient : result.error().trouble;
}

TEST_F(WebhookProviderTest, SendsOrderFenceKeyAndToken) {
    settings().token_file = directory().write("token", "s3cret\nnot this\n").string();
    std::filesystem::permissions(
        settings().token_file,
        std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ASSERT_TRUE(create());
    http::Request sent = service().last();
    EXPECT_EQ(sent.method, "PUT");
    EXPECT_EQ(sent.target, "/v1/machines/edge-1-1?fleet=edge&cluster=prod");
    EXPECT_EQ(sent.field("Authorization"), "Bearer s3cret");
    EXPECT_EQ(sent.field("Idempotency-Key"), "t1/edge-1-1/create");
    EXPECT_EQ(sent.field("Muster-Fence"), "3.41");
    EXPECT_EQ(sent.field("Content-Type"), "application/json");
    EXPECT_EQ(boost::json::parse(sent.body), boost::json::parse(R"({"id":"edge-1-1",
        "fleet":"edge","cluster":"prod","token":"t1","host":"h7","parameters":{"size":"2"}})"));
    ASSERT_TRUE(remove());
    sent = service().last();
    EXPECT_EQ(sent.method, "DELETE");
    EXPECT_EQ(sent.target, "/v1/machines/edge-1-1?fleet=edge&cluster=prod&grace_seconds=7");
    EXPECT_EQ(sent.field("Idempotency-Key"), "prod/edge/edge-1-1/remove");
    EXPECT_EQ(sent.field("Muster-Fence"), "3.41");
    ASSERT_TRUE(can_remove());
    EXPECT_EQ(service().last().target, "/v1/machines/edge-1-1/can-remove?fleet=edge&cluster=prod");
    ASSERT_TRUE(list());
    EXPECT_EQ(service().last().target, "/v1/machines?fleet=edge&cluster=prod");
}

TEST_F(WebhookProviderTest, ReadsStatuses) {
    struct Row {
        int status;
        Trouble of_change;
        Trouble of_read;
    };
    using enum Trouble;
    for (const Row& row : {Row{301, invalid, invalid},
                           Row{400, invalid, invalid},
                           Row{401, transient, transient},
                           Row{403, transient, transient},
                           Row{408, transient, transient},
                           Row{409, invalid, invalid},
                           Row{412, fenced, fenced},
                           Row{422, invalid, invalid},
                           Row{429, quota, quota},
                           Row{500, unknown_outcome, transient},
                           Row{502, unknown_outcome, transient},
                           Row{503, transient, transient},
                           Row{504, unknown_outcome, transient},
                           Row{507, quota, quota}}) {
        SCOPED_TRACE(row.status);
        const auto reply = http::Response::text(row.status, "so\nit \x1b[31mis");
        service().answer_next(reply);
        const auto created = create();
        EXPECT_EQ(trouble_of(created), row.of_change);
        EXPECT_EQ(created.error().detail,
                  fmt::format("PUT edge-1-1: status {}: so it ?[31mis", row.status));
        service().answer_next(reply);
        EXPECT_EQ(trouble_of(remove()), row.of_change);
        service().answer_next(reply);
        EXPECT_EQ(trouble_of(get()), row.of_read);
        service().answer_next(reply);
        EXPECT_EQ(trouble_of(list()), row.of_read);
        service().answer_next(reply);
        EXPECT_EQ(trouble_of(can_remove()), row.of_read);
    }
}

TEST_F(WebhookProviderTest, WaitsForARemovalThatHasOnlyBegun) {
    ASSERT_TRUE(create());
    service().answer_next(http::Response::text(202, ""));
    EXPECT_EQ(trouble_of(remove()), Trouble::transient);
    EXPECT_TRUE(remove());
    EXPECT_FALSE(service().has("edge", "edge-1-1"));
}

TEST_F(WebhookProviderTest, KnowsWhatWasNotSentFromWhatWasNotAnswered) {
    service().lose_next_answer();
    const auto late = create();
    EXPECT_EQ(trouble_of(late), Trouble::unknown_outcome);
    EXPECT_TRUE(service().has("edge", "edge-1-1"));
    settings().url = fmt::format("http://127.0.0.1:{}/v1", free_port());
    EXPECT_EQ(trouble_of(create()), Trouble::transient);
    EXPECT_EQ(trouble_of(remove()), Trouble::transient);
    EXPECT_EQ(trouble_of(list()), Trouble::transient);
}

TEST_F(WebhookProviderTest, SendsNothingWithoutTheTokenThatItShouldHave) {
    settings().token_file = directory().write("token", "s3cret\n").string();
    std::filesystem::permissions(settings().token_file, std::filesystem::perms::all);
    const auto refused = create();
    EXPECT_EQ(trouble_of(refused), Trouble::transient);
    EXPECT_THAT(refused.error().detail, HasSubstr("others may read it"));
    EXPECT_FALSE(service().has("edge", "edge-1-1"));
}

}  // namespace

}  // namespace muster::test
