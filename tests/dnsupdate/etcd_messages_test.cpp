#include "dnsupdate/etcd_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::dnsupdate::etcd {
namespace {

using testing::HasSubstr;

constexpr const char* head = R"("header":{"cluster_id":"14841639068965178418","revision":"9",)"
                             R"("raft_term":"2"})";

std::string with_header(const std::string& rest) {
    return std::string("{") + head + rest + "}";
}

TEST(EtcdMessages, EndOfAPrefixIsTheNextKeyBehindIt) {
    EXPECT_EQ(range_end("/gw/"), "/gw0");
    EXPECT_EQ(range_end("a\xff\xff"), "b");
    EXPECT_EQ(range_end("\xff"), std::string(1, '\0')) << "all keys";
}

TEST(EtcdMessages, RangeIsWrittenAsTheGatewayReadsIt) {
    EXPECT_EQ(encode(Range{.key = "a"}), R"({"key":"YQ=="})");
    EXPECT_EQ(encode(Range{.key = "a", .end = "b", .limit = 2, .revision = 7}),
              R"({"key":"YQ==","range_end":"Yg==","limit":"2","revision":"7"})");
}

TEST(EtcdMessages, TransactionComparesRevisionsAndValues) {
    EXPECT_EQ(encode(Txn{.compares = {{.key = "a", .mod_revision = 3, .value = "x"}},
                         .ops = {Put{.key = "b", .value = ""}, Delete{.key = "c"}},
                         .otherwise = {{.key = "a"}}}),
              R"({"compare":[{"key":"YQ==","target":"MOD","result":"EQUAL","mod_revision":"3"},)"
              R"({"key":"YQ==","target":"VALUE","result":"EQUAL","value":"eA=="}],)"
              R"("success":[{"request_put":{"key":"Yg==","value":""}},)"
              R"({"request_delete_range":{"key":"Yw=="}}],)"
              R"("failure":[{"request_range":{"key":"YQ=="}}]})");
}

TEST(EtcdMessages, RangeIsReadWithWhatIsLeftOut) {
    const auto empty = decode_range(with_header(""));
    ASSERT_TRUE(empty) << empty.error().message();
    EXPECT_EQ(empty->header,
              (Header{.cluster_id = "14841639068965178418", .revision = 9, .raft_term = 2}));
    EXPECT_TRUE(empty->entries.empty());
    const auto one = decode_range(with_header(
        R"(,"kvs":[{"key":"YQ==","create_revision":"1","mod_revision":"3","version":"2",)"
        R"("value":"eHk=","lease":"77"}],"more":true,"count":"9")"));
    ASSERT_TRUE(one) << one.error().message();
    EXPECT_TRUE(one->more);
    EXPECT_EQ(one->entries,
              (std::vector<KeyValue>{
                  {.key = "a", .value = "xy", .mod_revision = 3, .version = 2, .lease = 77}}));
}

TEST(EtcdMessages, TransactionIsReadInBothBranches) {
    const auto done = decode_txn(
        with_header(R"(,"succeeded":true,"responses":[{"response_put":{"header":{}}}])"));
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->succeeded);
    const auto failed = decode_txn(
        with_header(R"(,"responses":[{"response_range":{"kvs":[{"key":"YQ==","value":"eA==",)"
                    R"("mod_revision":"3","version":"1"}],"count":"1"}},{"response_range":{}}])"));
    ASSERT_TRUE(failed);
    EXPECT_FALSE(failed->succeeded);
    ASSERT_EQ(failed->ranges.size(), 2U);
    EXPECT_EQ(failed->ranges[0].front().value, "x");
    EXPECT_TRUE(failed->ranges[1].empty());
}

TEST(EtcdMessages, WhatIsNoReplyOfEtcdIsRefused) {
    for (const std::string& body :
         {std::string(),
          std::string("<html>"),
          std::string("[]"),
          std::string("{}"),
          std::string(R"({"header":7})"),
          std::string(R"({"header":{"cluster_id":"1"}})"),
          std::string(R"({"header":{"cluster_id":"1","revision":"-1"}})"),
          std::string(R"({"header":{"cluster_id":"1","revision":"1.5"}})"),
          std::string(R"({"header":{"cluster_id":"1","revision":"99999999999999999999"}})"),
          with_header(R"(,"kvs":{})"),
          with_header(R"(,"kvs":[7])"),
          with_header(R"(,"kvs":[{}])"),
          with_header(R"(,"kvs":[{"key":"YQ==","mod_revision":"0"}])"),
          with_header(R"(,"kvs":[{"key":"Y","mod_revision":"1"}])"),
          with_header(R"(,"kvs":[{"key":"!!!!","mod_revision":"1"}])"),
          with_header(R"(,"kvs":[{"key":"YQ==","value":7.5,"mod_revision":"1"}])"),
          with_header(R"(,"more":"yes")"),
          std::string(100'000, '[')}) {
        const auto range = decode_range(body);
        EXPECT_FALSE(range) << body.substr(0, 200);
        if (!range) EXPECT_EQ(range.error().code, make_error_code(Errc::bad_reply));
    }
    EXPECT_FALSE(decode_txn(with_header(R"(,"succeeded":"true")")));
    EXPECT_FALSE(decode_txn(with_header(R"(,"responses":[7])")));
    EXPECT_FALSE(decode_txn(with_header(R"(,"responses":[{"response_range":7}])")));
    EXPECT_FALSE(decode_login("{}"));
}

TEST(EtcdMessages, ErrorsAreToldApart) {
    const auto code = [](int status, const char* body) { return decode_error(status, body).code; };
    EXPECT_EQ(code(400, R"({"error":"x","message":"x","code":3})"), make_error_code(Errc::refused));
    EXPECT_EQ(code(401, R"({"code":16,"message":"x"})"), make_error_code(Errc::unauthenticated));
    EXPECT_EQ(code(403, R"({"code":7})"), make_error_code(Errc::refused));
    EXPECT_EQ(code(500, R"({"code":2})"), make_error_code(Errc::outcome_unknown));
    EXPECT_EQ(code(503, R"({"code":14})"), make_error_code(Errc::outcome_unknown));
    EXPECT_EQ(code(502, "<html>bad gateway"), make_error_code(Errc::outcome_unknown));
    EXPECT_THAT(decode_error(403, R"({"code":7,"message":"permission\ndenied"})").context,
                HasSubstr("403 permission denied"));
    EXPECT_LE(decode_error(400, std::string(10'000, 'x')).context.size(), 210U);
}

}  // namespace
}  // namespace muster::dnsupdate::etcd
