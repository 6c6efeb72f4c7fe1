#include "checker/http_request.hpp"

#include <gtest/gtest.h>

namespace muster::checker {
namespace {

std::string written(const std::string& host, const config::HttpCheck& check) {
    const ProbeRequest request{.host = host, .port = 8080, .probe = check};
    std::string text;
    write_http_request(request, check, "muster/1.2", text);
    return text;
}

TEST(HttpRequest, SendsWhatIsConfiguredAndTheFieldsThatItNeeds) {
    EXPECT_EQ(written("10.0.0.1", {.path = "/health?x=1"}),
              "GET /health?x=1 HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: muster/1.2\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_EQ(written("::1", {}),
              "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: muster/1.2\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_EQ(
        written("b", {.method = "HEAD", .host = "www.example.org", .headers = {{"X-A", "1"}}}),
        "HEAD / HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: muster/1.2\r\nX-A: 1\r\n"
        "Connection: close\r\n\r\n");
}

TEST(HttpRequest, LeavesOutWhatTheConfigurationSays) {
    const config::HttpCheck check{
        .headers = {{"host", "a"}, {"USER-AGENT", "b"}, {"connection", "keep-alive"}}};
    EXPECT_EQ(written("b", check),
              "GET / HTTP/1.1\r\nhost: a\r\nUSER-AGENT: b\r\nconnection: keep-alive\r\n\r\n");
}

TEST(HttpRequest, SaysThatABodyIsEmptyWhereOneIsExpected) {
    EXPECT_NE(written("b", {.method = "POST"}).find("\r\nContent-Length: 0\r\n"),
              std::string::npos);
    EXPECT_EQ(written("b", {.method = "OPTIONS"}).find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace muster::checker
