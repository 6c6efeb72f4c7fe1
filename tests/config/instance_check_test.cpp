#include "common/config/instance_check.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::config {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

Listener listener(const std::string& name, std::uint16_t port, const std::string& group) {
    return {.name = name, .port = port, .group = GroupName(group)};
}

FleetSpec edge(std::vector<Listener> listeners) {
    return {.name = FleetName("edge"), .listeners = std::move(listeners)};
}

/// "group web by listener main: http :80 HOST/PATH tls(SNI)"
std::vector<std::string> in_words(const CheckSpec& check) {
    std::vector<std::string> all;
    for (const CompositePart& part : std::get<CompositeCheck>(check.probe.kind).parts) {
        std::string text = fmt::format("{}: {}", part.name, probe_kind_name(part.probe.kind));
        if (part.port) text += fmt::format(" :{}", *part.port);
        if (const auto* const http = std::get_if<HttpCheck>(&part.probe.kind))
            text += fmt::format(" {}{}", http->host, http->path);
        if (part.probe.tls) text += fmt::format(" tls({})", part.probe.tls->sni);
        all.push_back(text);
    }
    return all;
}

std::vector<std::string> parts_of(const FleetSpec& fleet, std::string_view host = {}) {
    return in_words(check_of_instance(fleet, host));
}

TEST(InstanceCheck, AsksForSomethingOfEachGroup) {
    Listener main = listener("main", 443, "web");
    main.tls.certificates = {"/etc/a.pem"};
    main.routes = {{.host = "www.example.org", .path = "/api/", .group = GroupName("api")},
                   {.host = "*.img.example.org", .group = GroupName("images")},
                   {.path = "/static/", .group = GroupName("files")}};
    EXPECT_THAT(parts_of(edge({main})),
                ElementsAre("group api by listener main: http :443 www.example.org/api/ "
                            "tls(www.example.org)",
                            "group images by listener main: http :443 muster.img.example.org/ "
                            "tls(muster.img.example.org)",
                            "group files by listener main: http :443 /static/ tls()",
                            "group web by listener main: http :443 / tls()"));
}

TEST(InstanceCheck, TakesAnyAnswerBelow500AsGood) {
    const CheckSpec check = check_of_instance(edge({listener("main", 80, "web")}));
    const auto& part = std::get<CompositeCheck>(check.probe.kind).parts.at(0);
    EXPECT_THAT(std::get<HttpCheck>(part.probe.kind).expect_status,
                ElementsAre(StatusRange{.first = 100, .last = 499}));
}

TEST(InstanceCheck, DoesNotJudgeCertificates) {
    Listener main = listener("main", 443, "web");
    main.tls.certificates = {"/etc/a.pem"};
    const CheckSpec check = check_of_instance(edge({main}));
    EXPECT_FALSE(std::get<CompositeCheck>(check.probe.kind).parts.at(0).probe.tls->verify);
}

TEST(InstanceCheck, SpeaksTlsWhereverACertificateIsFrom) {
    Listener by_path = listener("a", 443, "web");
    by_path.tls.certificates = {"/etc/a.pem"};
    Listener by_name = listener("a", 443, "web");
    by_name.tls.secrets = {"www"};
    EXPECT_EQ(check_of_instance(edge({by_name})), check_of_instance(edge({by_path})));
    EXPECT_NE(check_of_instance(edge({by_name})),
              check_of_instance(edge({listener("a", 443, "web")})));
}

TEST(InstanceCheck, ConnectsToTcpListeners) {
    Listener plain = listener("a", 5432, "database");
    plain.mode = ListenMode::tcp;
    Listener secure = listener("b", 5433, "database");
    secure.mode = ListenMode::tcp;
    secure.tls.certificates = {"/etc/a.pem"};
    EXPECT_THAT(parts_of(edge({plain, secure})),
                ElementsAre("listener a: tcp :5432", "listener b: tcp :5433 tls()"));
}

TEST(InstanceCheck, AsksForAGroupOnceButEachHttpListenerForSomething) {
    EXPECT_THAT(
        parts_of(edge({listener("a", 80, "web"), listener("b", 81, "web")})),
        ElementsAre("group web by listener a: http :80 /", "group web by listener b: http :81 /"));
    Listener both = listener("b", 81, "web");
    both.routes = {{.path = "/api", .group = GroupName("api")}};
    EXPECT_THAT(parts_of(edge({listener("a", 80, "web"), both})),
                ElementsAre("group web by listener a: http :80 /",
                            "group api by listener b: http :81 /api"));
}

TEST(InstanceCheck, AsksForNothingThatMayGoElsewhere) {
    Listener main = listener("main", 80, "web");
    // What is asked for of b goes to a; what has another host of c does not.
    main.routes = {{.host = "*.example.org", .path = "/x", .group = GroupName("a")},
                   {.host = "*.www.example.org", .path = "/x/y", .group = GroupName("b")},
                   {.path = "/x", .group = GroupName("c")}};
    EXPECT_THAT(parts_of(edge({main})),
                ElementsAre("group a by listener main: http :80 muster.example.org/x",
                            "group c by listener main: http :80 /x",
                            "group web by listener main: http :80 /"));
}

TEST(InstanceCheck, OnlyConnectsWithoutRequests) {
    FleetSpec fleet = edge({listener("main", 80, "web")});
    fleet.health.requests = false;
    EXPECT_THAT(parts_of(fleet), ElementsAre("listener main: tcp :80"));
}

TEST(InstanceCheck, LooksAtAListenerWithAnAddressWhereThatIs) {
    Listener own = listener("own", 80, "web");
    own.address = "10.0.0.1";
    Listener any = listener("any", 81, "web");
    any.address = "0.0.0.0";
    Listener any6 = listener("any6", 82, "web");
    any6.address = "::";
    EXPECT_THAT(parts_of(edge({own, any, any6})), SizeIs(2));
    EXPECT_THAT(parts_of(edge({own, any, any6}), "10.0.0.1"), SizeIs(3));
    EXPECT_THAT(parts_of(edge({own, any, any6}), "10.0.0.2"), SizeIs(2));
}

TEST(InstanceCheck, ConnectsToTheLbsAddressWhenNoListenerIsLeft) {
    Listener own = listener("own", 80, "web");
    own.address = "10.0.0.1";
    EXPECT_THAT(parts_of(edge({own})), ElementsAre("its address: tcp"));
}

TEST(InstanceCheck, AsksTheAgentWhereTheFleetSaysItsPort) {
    FleetSpec fleet = edge({listener("main", 80, "web")});
    fleet.health.agent_port = 9710;
    EXPECT_THAT(
        parts_of(fleet),
        ElementsAre("group web by listener main: http :80 /", "agent: http :9710 /healthz"));
}

TEST(InstanceCheck, StaysBelowWhatOneClientMayDoAtATime) {
    Listener main = listener("main", 80, "web");
    for (int i = 0; i < 9; ++i)
        main.routes.push_back(
            {.path = fmt::format("/{}", i), .group = GroupName(fmt::format("g{}", i))});
    main.limits.connections_per_client = 4;
    EXPECT_THAT(parts_of(edge({main})), SizeIs(4));
}

TEST(InstanceCheck, SendsAtMostSoManyRequestsAndConnectsToTheRest) {
    std::vector<Listener> listeners;
    for (int i = 0; i < 3; ++i) {
        Listener one = listener(fmt::format("l{}", i), static_cast<std::uint16_t>(80 + i), "web");
        for (int k = 0; k < 20; ++k)
            one.routes.push_back({.path = fmt::format("/{}", k + 10),
                                  .group = GroupName(fmt::format("g{}-{}", i, k))});
        listeners.push_back(one);
    }
    const std::vector<std::string> parts = parts_of(edge(listeners));
    EXPECT_THAT(parts, SizeIs(most_requests + 1));
    EXPECT_EQ(parts.back(), "listener l2: tcp :82");
}

TEST(InstanceCheck, IsTimedAsTheFleetSays) {
    FleetSpec fleet = edge({listener("main", 80, "web")});
    const CheckSpec standard = check_of_instance(fleet);
    EXPECT_EQ(standard.interval, 2s);
    EXPECT_EQ(standard.timeout, 2s);
    EXPECT_EQ(standard.rise, 2);
    EXPECT_EQ(standard.fall, 3);
    EXPECT_EQ(std::get<CompositeCheck>(standard.probe.kind).fleet, "edge");
    fleet.health = {.interval = 5s, .timeout = 1s, .rise = 3, .fall = 4};
    const CheckSpec own = check_of_instance(fleet);
    EXPECT_EQ(own.interval, 5s);
    EXPECT_EQ(own.timeout, 1s);
    EXPECT_EQ(own.rise, 3);
    EXPECT_EQ(own.fall, 4);
}

}  // namespace
}  // namespace muster::config
