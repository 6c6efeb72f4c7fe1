// What HTTP probes do with their connections: keep them, follow redirects on new ones, go through
// all addresses, and end a phase before the whole.

#include "checker/network_prober.hpp"
#include "checker/redirect.hpp"
#include "tests/checker/support/answering_server.hpp"
#include "tests/checker/support/name_server_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using Answer = AnsweringServer::Answer;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

class HttpConnection : public testing::Test {
 protected:
    ProbeOutcome probe(const std::shared_ptr<const ProbeRequest>& wanted) {
        std::optional<ProbeOutcome> outcome;
        prober_.start(wanted, [&](ProbeOutcome result) { outcome = result; });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome.value_or(ProbeOutcome{});
    }
    static std::shared_ptr<ProbeRequest> request(std::uint16_t port,
                                                 config::HttpCheck check = {},
                                                 bool reuse = true) {
        config::ProbeSpec spec = std::move(check);
        spec.reuse = reuse;
        return std::make_shared<ProbeRequest>(ProbeRequest{.host = "127.0.0.1",
                                                           .port = port,
                                                           .probe = std::move(spec),
                                                           .timeout = 2s * test::slowdown()});
    }

    asio::io_context context_;
    AsioClock clock_;
    NameServerStub names_{context_.get_executor()};
    NetworkProber prober_{context_.get_executor(),
                          clock_,
                          {.dialogue = {.user_agent = "muster/test"},
                           .resolver = {.servers = names_.address(), .query_timeout = 300ms}}};
};

TEST_F(HttpConnection, IsKeptForTheNextProbeOfTheSameRequest) {
    AnsweringServer server(context_, [](int, int, const std::string&) { return Answer{ok}; });
    const auto wanted = request(server.port());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(server.requests().size(), 5U);
    EXPECT_THAT(server.requests().back(), testing::Not(HasSubstr("Connection:")));
    EXPECT_EQ(probe(request(server.port())).reason, Reason::l7_ok);
    EXPECT_EQ(server.connections(), 2) << "another request has its own";
}

TEST_F(HttpConnection, IsNotKeptWhenTheReplySaysSoOrDoesNotEnd) {
    for (const std::string reply :
         {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n",
          "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 "}) {
        AnsweringServer server(context_,
                               [&](int, int, const std::string&) { return Answer{reply}; });
        const auto wanted = request(server.port());
        for (int i = 0; i < 2; ++i) EXPECT_EQ(probe(wanted).reason, Reason::l7_ok) << reply;
        EXPECT_EQ(server.connections(), 2) << reply;
    }
}

TEST_F(HttpConnection, ThatTheBackendHasClosedIsNoFailure) {
    AnsweringServer server(context_, [](int, int, const std::string&) { return Answer{ok}; });
    const auto wanted = request(server.port());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
        server.drop_all();
    }
    EXPECT_EQ(server.connections(), 3);
}

TEST_F(HttpConnection, ThatEndsInsteadOfAReplyIsTriedOnceMore) {
    // The second request on a connection finds it closed while it is on its way.
    AnsweringServer server(context_, [](int, int number, const std::string&) {
        return number == 0 ? Answer{ok} : Answer{"", Answer::Then::close};
    });
    const auto wanted = request(server.port());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    EXPECT_EQ(server.connections(), 3);
}

TEST_F(HttpConnection, ThatIsForgottenIsGivenUpForANewOneInTime) {
    AnsweringServer server(context_, [](int, int number, const std::string&) {
        return number == 0 ? Answer{ok} : Answer{"", Answer::Then::hang};
    });
    const auto wanted = request(server.port());
    EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    EXPECT_EQ(probe(wanted).reason, Reason::l7_ok);
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpConnection, ThatIsNewIsNotTriedAgain) {
    AnsweringServer server(
        context_, [](int, int, const std::string&) { return Answer{"", Answer::Then::close}; });
    EXPECT_EQ(probe(request(server.port())).reason, Reason::l7_closed);
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpConnection, LeadsWhereARedirectWithinTheBackendLeads) {
    AnsweringServer server(context_, [](int connection, int, const std::string& text) {
        if (connection == 0) {
            EXPECT_THAT(text, StartsWith("POST /start HTTP/1.1"));
            return Answer{"HTTP/1.1 302 Found\r\nLocation: /next?a=b\r\nContent-Length: 0\r\n\r\n"};
        }
        EXPECT_THAT(text, StartsWith("GET /next?a=b HTTP/1.1"));
        EXPECT_THAT(text, testing::Not(HasSubstr("Content-Length")));
        return Answer{ok};
    });
    config::HttpCheck check{.method = "POST", .path = "/start", .body = "x", .redirects = 1};
    check.expect_status = {{.first = 200, .last = 200}};
    const ProbeOutcome outcome = probe(request(server.port(), check, false));
    EXPECT_EQ(outcome.reason, Reason::l7_ok);
    EXPECT_EQ(outcome.code, 200);
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpConnection, FollowsNoMoreRedirectsThanItIsAllowedAndNoneElsewhere) {
    AnsweringServer circle(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 307 T\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"};
    });
    config::HttpCheck check{.redirects = 3};
    check.expect_status = {{.first = 200, .last = 200}};
    ProbeOutcome outcome = probe(request(circle.port(), check, false));
    EXPECT_EQ(outcome.reason, Reason::l7_status);
    EXPECT_EQ(outcome.code, 307);
    EXPECT_EQ(circle.connections(), 4);

    AnsweringServer away(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 301 M\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"};
    });
    outcome = probe(request(away.port(), check, false));
    EXPECT_EQ(outcome.code, 301);
    EXPECT_EQ(away.connections(), 1);
}

TEST(Redirect, LeadsToThePathOnTheSameServerOnly) {
    const auto path = [](std::string_view location) {
        return redirect_path(location, "http", "web.example:80", "/a/b?c").value_or("none");
    };
    EXPECT_EQ(path("/x?y#z"), "/x?y");
    EXPECT_EQ(path("x"), "/a/x");
    EXPECT_EQ(path("?q"), "/a/b?q");
    EXPECT_EQ(path(""), "/a/b?c");
    EXPECT_EQ(path("http://WEB.example/x"), "/x");
    EXPECT_EQ(path("http://web.example:80"), "/");
    EXPECT_EQ(path("//web.example/x"), "/x");
    for (const std::string_view elsewhere : {"https://web.example/x",
                                             "http://web.example:81/",
                                             "http://other.example/",
                                             "//other.example/",
                                             "http://user@web.example/",
                                             "ftp://web.example/",
                                             "http://[",
                                             "/with blank",
                                             "/with\r\nX: header"}) {
        EXPECT_EQ(path(elsewhere), "none") << elsewhere;
    }
    EXPECT_EQ(path(std::string(3000, 'x')), "none");
}

TEST_F(HttpConnection, ToAllAddressesOfANameMustSucceed) {
    const auto good = [](int, int, const std::string&) { return Answer{ok}; };
    AnsweringServer first(context_, good);
    names_.set("web.example", {.addresses = {"127.0.0.1", "127.0.0.2"}});
    const auto wanted = request(first.port(), {}, false);
    auto named = std::make_shared<ProbeRequest>(*wanted);
    named->host = "web.example";
    EXPECT_EQ(probe(named).reason, Reason::l7_ok) << "one is enough";
    config::ProbeSpec spec = *named->probe;
    spec.all_addresses = true;
    named = std::make_shared<ProbeRequest>(*named);
    named->probe = spec;
    EXPECT_EQ(probe(named).reason, Reason::l4_refused) << "nobody is at the second";

    names_.set("both.example", {.addresses = {"127.0.0.1", "127.0.0.1"}});
    named = std::make_shared<ProbeRequest>(*named);
    named->host = "both.example";
    const int before = first.connections();
    EXPECT_EQ(probe(named).reason, Reason::l7_ok);
    EXPECT_GE(first.connections(), before + 1);
}

TEST_F(HttpConnection, EndsAPhaseBeforeTheWhole) {
    AnsweringServer silent(
        context_, [](int, int, const std::string&) { return Answer{"", Answer::Then::hang}; });
    auto wanted = request(silent.port(), {}, false);
    wanted->timeout = 60s;
    wanted->timeouts = config::PhaseTimeouts{.first_byte = 50ms};
    const ProbeOutcome outcome = probe(wanted);
    EXPECT_EQ(outcome.reason, Reason::l7_timeout);
    EXPECT_GE(outcome.total, 50ms);

    // Once it speaks, another phase begins.
    AnsweringServer endless(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 200 OK\r\n", Answer::Then::hang};
    });
    wanted = request(endless.port(), {}, false);
    wanted->timeout = 60s;
    wanted->timeouts = config::PhaseTimeouts{.reply = 50ms};
    const ProbeOutcome cut = probe(wanted);
    EXPECT_EQ(cut.reason, Reason::l7_timeout);
    EXPECT_GT(cut.first_byte, 0us);

    names_.set("silent.example", {.kind = NameAnswer::Kind::silence});
    wanted = request(endless.port(), {}, false);
    wanted->host = "silent.example";
    wanted->timeout = 60s;
    wanted->timeouts = config::PhaseTimeouts{.resolve = 50ms};
    const ProbeOutcome nameless = probe(wanted);
    EXPECT_EQ(nameless.reason, Reason::prober_resolver);
    EXPECT_EQ(nameless.result, Result::inconclusive);

    // What is limited is the phase alone.
    AnsweringServer slow(context_, [](int, int, const std::string&) {
        return Answer{"HTTP/1.1 200 OK\r\n", Answer::Then::hang};
    });
    wanted = request(slow.port(), {}, false);
    wanted->timeout = 300ms;
    wanted->timeouts = config::PhaseTimeouts{.first_byte = 100ms * test::slowdown()};
    const ProbeOutcome whole = probe(wanted);
    EXPECT_EQ(whole.reason, Reason::l7_timeout);
    EXPECT_GE(whole.total, 300ms);
}

}  // namespace
}  // namespace muster::checker
