#include "common/config/decode.hpp"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::config {
namespace {

using testing::IsEmpty;

constexpr std::string_view every_field = R"(
kind: Group
name: web
spec:
  backends:
    - 10.0.0.2:80            # the address alone
    - address: "[2001:db8::1]:8080"
      name: web-1
      weight: 50
      zone: a
      labels: {rack: r1, app.example.org/tier: "1"}
      state: drain
    - {address: web-3.example.org:80, state: maintenance}
  check:
    http:
      method: HEAD
      path: /health?deep=1
      host: example.org
      headers: {X-A: b, X-Empty: ""}
      expect: {status: [200-299, 301], body: ok}
    interval: 2s
    fast_interval: 500ms
    down_interval: 1m5s
    timeout: 1500ms
    rise: 1
    fall: 5
    port: 8081
  lb:
    algorithm: maglev
    sticky: {cookie: SRV}
    retries: 0
    timeouts: {connect: 1s, server: 1h}
    slow_start: 30s
  max_eject_percent: 50
  panic: {enter: 20, exit: 30}
  shard_size: 16
)";

GroupSpec every_field_set() {
    return {.name = GroupName("web"),
            .backends = {{.id = BackendId("10.0.0.2:80"), .address = "10.0.0.2", .port = 80},
                         {.id = BackendId("web-1"),
                          .address = "2001:db8::1",
                          .port = 8080,
                          .weight = 50,
                          .zone = "a",
                          .labels = {{"app.example.org/tier", "1"}, {"rack", "r1"}},
                          .admin = Admin::drain},
                         {.id = BackendId("web-3.example.org:80"),
                          .address = "web-3.example.org",
                          .port = 80,
                          .admin = Admin::maintenance}},
            .check = {.probe = HttpCheck{.method = "HEAD",
                                         .path = "/health?deep=1",
                                         .host = "example.org",
                                         .headers = {{.name = "X-A", .value = "b"},
                                                     {.name = "X-Empty", .value = ""}},
                                         .expect_status = {{.first = 200, .last = 299},
                                                           {.first = 301, .last = 301}},
                                         .expect_body = {{.text = "ok"}}},
                      .interval = 2s,
                      .fast_interval = 500ms,
                      .down_interval = 65s,
                      .timeout = 1500ms,
                      .rise = 1,
                      .fall = 5,
                      .port = std::uint16_t{8081}},
            .lb = {.algorithm = Algorithm::maglev,
                   .sticky_cookie = "SRV",
                   .retries = 0,
                   .connect_timeout = 1s,
                   .server_timeout = 1h,
                   .slow_start = 30s},
            .max_eject_percent = 50,
            .panic_enter_percent = 20,
            .panic_exit_percent = 30,
            .shard_size = 16};
}

TEST(Decode, ReadsEveryFieldOfAGroup) {
    const Decoded decoded = decode(every_field);
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_EQ(decoded.groups.size(), 1U);
    EXPECT_EQ(decoded.groups[0], every_field_set());
}

TEST(Decode, GivesAbsentFieldsTheirDefaults) {
    const Decoded decoded = decode("{kind: Group, name: web, spec: {backends: []}}");
    EXPECT_EQ(decoded.problems.size(), 1U) << "a text that begins with { is JSON";
    const Decoded yaml = decode("kind: Group\nname: web\nspec: {backends: []}\n");
    EXPECT_THAT(yaml.problems, IsEmpty());
    ASSERT_EQ(yaml.groups.size(), 1U);
    EXPECT_EQ(yaml.groups[0], GroupSpec{.name = GroupName("web")});
}

TEST(Decode, ReadsJson) {
    const Decoded decoded = decode(
        R"({"kind":"Group","name":"web","spec":{"backends":["10.0.0.1:80"],"check":{"tcp":{}}}})");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_EQ(decoded.groups.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<TcpCheck>(decoded.groups[0].check.probe.kind));
    EXPECT_EQ(decoded.groups[0].backends[0].id, BackendId("10.0.0.1:80"));
}

TEST(Decode, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
    const Decoded decoded = decode(
        "---\n---\nkind: Group\nname: a\nspec: {backends: []}\n"
        "---\nkind: Group\nname: b\nspec: {backends: []}\n---\n# nothing\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_EQ(decoded.groups.size(), 2U);
    EXPECT_EQ(decoded.groups[1].name, GroupName("b"));
}

TEST(Decode, ReadsTheLegacyBlob) {
    const Decoded decoded = decode(R"({"lb-group-1": {
        "backend_servers": ["10.0.0.2:80", "10.0.0.1:80"],
        "health_endpoint": "/health",
        "health_endpoint_expected_code": 204,
        "health_check_frequency_seconds": 10,
        "algorithm": "WEIGHTED_ROUND_ROBIN"},
      "lb-group-2": {"backend_servers": []}})");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_EQ(decoded.groups.size(), 2U);
    const GroupSpec expected{
        .name = GroupName("lb-group-1"),
        .backends = {{.id = BackendId("10.0.0.1:80"), .address = "10.0.0.1", .port = 80},
                     {.id = BackendId("10.0.0.2:80"), .address = "10.0.0.2", .port = 80}},
        .check = {.probe =
                      HttpCheck{.path = "/health", .expect_status = {{.first = 204, .last = 204}}},
                  .interval = 10s},
        .lb = {.algorithm = Algorithm::weighted_round_robin}};
    EXPECT_EQ(decoded.groups[0], expected);
}

TEST(Decode, GivesABackendAGroupsCheckWithFieldsOfItsOwn) {
    const Decoded decoded = decode(
        "kind: Group\n"
        "name: web\n"
        "spec:\n"
        "  backends:\n"
        "    - 10.0.0.1:80\n"
        "    - {address: 10.0.0.2:80, check: {interval: 5s, port: 81}}\n"
        "    - {address: 10.0.0.3:80, check: {tcp: {}}}\n"
        "    - {address: 10.0.0.4:80, check: {http: {}}}\n"
        "    - {address: 10.0.0.5:80, check: {}}\n"
        "  check: {http: {path: /health}, tls: true, proxy_protocol: v1, interval: 3s, rise: 4}\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_EQ(decoded.groups.size(), 1U);
    const GroupSpec& group = decoded.groups[0];
    EXPECT_EQ(check_of(group, group.backends[0]), group.check);
    CheckSpec slower = group.check;
    slower.interval = 5s;
    slower.port = 81;
    EXPECT_EQ(check_of(group, group.backends[1]), slower);
    EXPECT_EQ(group.backends[1].check->fields, R"({"interval":"5s","port":81})");
    CheckSpec other_kind = group.check;
    other_kind.probe = TcpCheck{};
    EXPECT_EQ(check_of(group, group.backends[2]), other_kind);
    CheckSpec plain = group.check;
    plain.probe = HttpCheck{};
    EXPECT_EQ(check_of(group, group.backends[3]), plain);
    EXPECT_EQ(group.backends[3].check->fields,
              R"({"http":{"method":"GET","path":"/","version":"1.1",)"
              R"("redirects":0,"expect":{"status":["200-399"]}}})");
    EXPECT_FALSE(group.backends[4].check);
    EXPECT_EQ(decode(encode_yaml(group)).groups.at(0), group);

    const Decoded edited = decode(
        "kind: Group\n"
        "name: web\n"
        "spec:\n"
        "  backends:\n"
        "    - {address: 10.0.0.2:80, check: {timeout: 4s, rsie: 1}}\n"
        "  check: {interval: 3s}\n");
    ASSERT_EQ(edited.problems.size(), 2U);
    EXPECT_EQ(
        to_string(edited.problems[0]),
        "line 5, column 47: spec.backends[0].check.timeout: is 4s, longer than the interval of "
        "3s; must be at most that");
    EXPECT_EQ(edited.problems[1].what, "is not a field here; did you mean rise?");
}

TEST(Decode, ReportsAllProblemsAtOnceEachWithItsPlace) {
    const Decoded decoded = decode(
        "kind: Group\n"
        "name: web\n"
        "spec:\n"
        "  backends:\n"
        "    - 10.0.0.1:80\n"
        "    - address: 10.0.0.2:80\n"
        "      wieght: 3\n"
        "  check:\n"
        "    rise: 0\n");
    const std::vector<Problem> expected = {
        {.path = "spec.backends[1].wieght",
         .line = 7,
         .column = 7,
         .what = "is not a field here; did you mean weight?"},
        {.path = "spec.check.rise",
         .line = 9,
         .column = 11,
         .what = "is 0; must be a whole number from 1 to 100"},
    };
    EXPECT_EQ(decoded.problems, expected);
    EXPECT_EQ(to_string(decoded.problems.at(1)),
              "line 9, column 11: spec.check.rise: is 0; must be a whole number from 1 to 100");
}

TEST(Encode, GivesTheSameValueBackFromJsonAndYaml) {
    const GroupSpec group = every_field_set();
    for (const std::string& text : {boost::json::serialize(encode(group)),
                                    boost::json::serialize(encode(group, Verbosity::full)),
                                    encode_yaml(group)}) {
        const Decoded decoded = decode(text);
        EXPECT_THAT(decoded.problems, IsEmpty()) << text;
        ASSERT_EQ(decoded.groups.size(), 1U) << text;
        EXPECT_EQ(decoded.groups[0], group) << text;
    }
}

TEST(Encode, LeavesDefaultsOutUnlessAllIsWanted) {
    const GroupSpec group{
        .name = GroupName("web"),
        .backends = {{.id = BackendId("10.0.0.1:80"), .address = "10.0.0.1", .port = 80}}};
    EXPECT_EQ(boost::json::serialize(encode(group)),
              R"({"kind":"Group","name":"web","spec":{"backends":["10.0.0.1:80"]}})");
    EXPECT_EQ(encode_yaml(group),
              "kind: Group\nname: web\nspec:\n  backends:\n    - 10.0.0.1:80\n");
    EXPECT_EQ(boost::json::serialize(encode(group, Verbosity::full)),
              R"({"kind":"Group","name":"web","spec":{)"
              R"("backends":[{"address":"10.0.0.1:80","weight":100,"state":"active"}],)"
              R"("check":{"http":{"method":"GET","path":"/","version":"1.1","redirects":0,)"
              R"("expect":{"status":["200-399"]}},)"
              R"("interval":"2s","timeout":"1s","jitter":"0s","rise":2,"fall":3,)"
              R"("initial":"first_result","min_down":"0s"},)"
              R"("lb":{"algorithm":"round_robin","retries":2,)"
              R"("timeouts":{"connect":"5s","server":"30s"},"slow_start":"0s"},)"
              R"("max_eject_percent":100,"panic":{"enter":50,"exit":60}}})");
}

TEST(Parts, MakeTheGroupAgain) {
    const GroupSpec group = every_field_set();
    const std::vector<Backend> first(group.backends.begin(), group.backends.begin() + 1);
    const std::vector<Backend> rest(group.backends.begin() + 1, group.backends.end());
    const DecodedParts parts = decode_parts(group.name,
                                            encode_spec_without_backends(group),
                                            {encode_backends(rest), encode_backends(first)});
    EXPECT_THAT(parts.problems, IsEmpty());
    EXPECT_EQ(parts.group, group);
}

TEST(Parts, FindBackendsThatAreInTwoLists) {
    const boost::json::value list = encode_backends(every_field_set().backends);
    const DecodedParts parts = decode_parts(GroupName("web"), boost::json::object(), {list, list});
    EXPECT_EQ(parts.problems.size(), 3U);
}

}  // namespace
}  // namespace muster::config
