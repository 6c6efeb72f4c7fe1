#include "orchestrator/api_access.hpp"

#include "tests/api/api_case.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace muster::orchestrator {
namespace {

constexpr const char* token = "s3cret-token";

/// One way to come by: what a client may be and may send.
struct Caller {
    const char* name;
    bool loopback;
    std::vector<http::Field> fields;
};

const http::Field own_host{.name = "Host", .value = "127.0.0.1:9700"};
const http::Field good_token{.name = "Authorization", .value = std::string("Bearer ") + token};

std::vector<Caller> callers() {
    const http::Field cookie{.name = "Cookie",
                             .value = "a=b; " + read_cookie({.token = token}) + "; c=d"};
    return {
        {"local", true, {own_host}},
        {"local page", true, {own_host, {"Origin", "http://127.0.0.1:9700"}}},
        {"local foreign page", true, {own_host, {"Sec-Fetch-Site", "cross-site"}}},
        {"local by a foreign name", true, {{"Host", "evil.example:9700"}}},
        {"local without Host", true, {}},
        {"local, token", true, {own_host, good_token}},
        {"local, wrong token", true, {own_host, {"Authorization", "Bearer s3cret-tokeN"}}},
        {"local, cookie", true, {own_host, cookie}},
        {"remote", false, {own_host}},
        {"remote, token", false, {own_host, good_token}},
        {"remote, token, any name", false, {{"Host", "lb.example"}, good_token}},
        {"remote, cookie", false, {own_host, cookie}},
        {"remote, cookie, foreign name", false, {{"Host", "evil.example"}, cookie}},
        {"remote, other scheme",
         false,
         {own_host, {"Authorization", std::string("Basic ") + token}}},
    };
}

/// '+' granted, 'u' 401, 'f' 403, 'm' 421.
char letter(AccessVerdict verdict) {
    switch (verdict) {
        case AccessVerdict::granted:
            return '+';
        case AccessVerdict::unauthorized:
            return 'u';
        case AccessVerdict::forbidden:
            return 'f';
        case AccessVerdict::misdirected:
            return 'm';
    }
    return '?';
}

struct Node {
    const char* name;
    AccessSettings settings;
};

const std::array<Node, 4> nodes = {
    Node{"loopback, no token", {.loopback_bind = true}},
    Node{"loopback, token", {.loopback_bind = true, .token = token}},
    Node{"open, token", {.loopback_bind = false, .token = token}},
    Node{"open, no token", {.loopback_bind = false}},
};

/// For each caller, eight letters: read and write on each of the four nodes.
// clang-format off
const std::map<std::string, std::string> expected = {
    //                               loopback  loopback  open      open
    //                               no token  token     token     no token
    {"local",                        "+ +       + u       u u       u u"},
    {"local page",                   "+ f       + u       u u       u u"},
    {"local foreign page",           "+ f       + u       u u       u u"},
    {"local by a foreign name",      "m m       m m       m m       m m"},
    {"local without Host",           "m m       m m       m m       m m"},
    {"local, token",                 "+ +       + +       + +       u u"},
    {"local, wrong token",           "+ +       u u       u u       u u"},
    {"local, cookie",                "+ +       + u       + u       u u"},
    {"remote",                       "u u       u u       u u       u u"},
    {"remote, token",                "u u       + +       + +       u u"},
    {"remote, token, any name",      "m m       + +       + +       m m"},
    {"remote, cookie",               "u u       + u       + u       u u"},
    {"remote, cookie, foreign name", "m m       m m       m m       m m"},
    {"remote, other scheme",         "u u       u u       u u       u u"},
};
// clang-format on

std::string without_spaces(std::string text) {
    std::erase(text, ' ');
    return text;
}

TEST(Access, IsAsTheTableSays) {
    for (const Caller& caller : callers()) {
        http::Request request{
            .method = "GET", .fields = caller.fields, .loopback_peer = caller.loopback};
        std::string found;
        for (const Node& node : nodes) {
            found += letter(decide_access(request, Needs::read, node.settings).verdict);
            found += letter(decide_access(request, Needs::write, node.settings).verdict);
            EXPECT_EQ(decide_access(request, Needs::nothing, node.settings).verdict,
                      AccessVerdict::granted);
        }
        EXPECT_EQ(found, without_spaces(expected.at(caller.name))) << caller.name;
    }
}

TEST(Access, OwnHostIsAnAddressLocalhostOrAConfiguredName) {
    const std::vector<std::string> names = {"muster.example"};
    for (const char* host : {"127.0.0.1",
                             "10.1.2.3:9700",
                             "[::1]",
                             "[::1]:9700",
                             "localhost",
                             "LOCALHOST:80",
                             "muster.example",
                             "Muster.Example:9700"}) {
        EXPECT_TRUE(is_own_host(host, names)) << host;
    }
    for (const char* host : {"",
                             "evil.example",
                             "muster.example.evil.example",
                             "127.0.0.1.evil.example",
                             "localhost.evil.example",
                             "[::1",
                             "[evil]",
                             "0x7f000001",
                             "2130706433",
                             "127.1",
                             ":80",
                             "muster.example.",
                             "localhost@evil.example"}) {
        EXPECT_FALSE(is_own_host(host, names)) << host;
    }
}

TEST(Access, NoTokenConfiguredMeansNoTokenIsRight) {
    EXPECT_FALSE(is_token("", {}));
    EXPECT_FALSE(is_token("x", {}));
    EXPECT_TRUE(is_token(token, {.token = token}));
    EXPECT_FALSE(is_token(std::string(token) + " ", {.token = token}));
}

TEST(Access, CookieDoesNotHoldTheTokenAndEndsWithIt) {
    const std::string cookie = read_cookie({.token = token});
    EXPECT_EQ(cookie.find(token), std::string::npos);
    EXPECT_NE(cookie, read_cookie({.token = "another"}));
    http::Request request{.fields = {own_host, {"Cookie", cookie}}};
    EXPECT_EQ(
        decide_access(request, Needs::read, {.loopback_bind = false, .token = "another"}).verdict,
        AccessVerdict::unauthorized);
    // Without a token there is no cookie, not even the one derived from "".
    request.fields[1].value = read_cookie({});
    EXPECT_EQ(decide_access(request, Needs::read, {.loopback_bind = false}).verdict,
              AccessVerdict::unauthorized);
}

/// Every route, asked by every caller on every node, is as open as its row says: the route table
/// can't forget somebody.
TEST(Access, HoldsForEveryRouteAndEveryOtherMethod) {
    std::size_t cells = 0;
    for (const Node& node : nodes) {
        test::ApiCase api({.access = node.settings});
        for (const RouteRow& row : routes()) {
            std::string path(row.pattern);
            for (const auto& [name, value] : {std::pair{"{group}", "web"},
                                              std::pair{"{backend}", "b1"},
                                              std::pair{"{name}", "muster.js"}}) {
                if (const auto at = path.find(name); at != std::string::npos) {
                    path.replace(at, std::string_view(name).size(), value);
                }
            }
            for (const Caller& caller : callers()) {
                http::Request request{.method = std::string(row.method),
                                      .target = path,
                                      .path = path,
                                      .fields = caller.fields,
                                      .loopback_peer = caller.loopback};
                const auto verdict = decide_access(request, row.needs, node.settings).verdict;
                http::Reply reply = api.call(request);
                const auto* response = std::get_if<http::Response>(&reply);
                const int status = response != nullptr ? response->status : 200;
                const bool refused = status == 401 || status == 403 || status == 421;
                const bool is_session = row.route == Route::session;  // 401 for a wrong token
                EXPECT_EQ(refused && !is_session, verdict != AccessVerdict::granted)
                    << node.name << ": " << row.method << ' ' << path << " by " << caller.name
                    << " -> " << status;
                if (status == 401) {
                    EXPECT_TRUE(response->field("WWW-Authenticate")) << path;
                }
                ++cells;
            }
        }
        if (!node.settings.loopback_bind && node.settings.token.empty()) {
            EXPECT_TRUE(api.commands.asked.empty());
        }
    }
    EXPECT_GE(cells, 300U);
}

}  // namespace
}  // namespace muster::orchestrator
