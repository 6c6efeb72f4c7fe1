// Backends that mean ill, over real sockets: floods, noise and silence for every kind of probe that
// speaks over TCP, and malformed replies for HTTP. Whatever they do, a probe ends in time and in
// bounded memory, is not taken in, and its neighbours notice nothing.
#include "tests/checker/support/hostile_peer.hpp"
#include "tests/checker/support/hostility_fixture.hpp"

#include <vector>

namespace muster::checker {
namespace {

struct Kind {
    const char* name;
    config::ProbeKind kind;
};

std::vector<Kind> kinds() {
    config::HttpCheck body{.expect_body = {{.text = "all is well"}}};
    config::HttpCheck json{.expect_json = {{.pointer = "/up"}}};
    config::HttpCheck http2{.version = config::HttpVersion::http2,
                            .expect_body = {{.text = "all is well"}}};
    const config::TcpCheck script{
        .script = {{.kind = config::ScriptStep::Kind::expect, .bytes = "220 ready"}}};
    return {{"http", body},
            {"http json", json},
            {"http2", http2},
            {"grpc", config::GrpcCheck{}},
            {"websocket", config::WebSocketCheck{}},
            {"tcp script", script},
            {"dns over tcp", config::DnsCheck{.tcp = true}},
            {"redis", config::RedisCheck{}},
            {"redis role", config::RedisCheck{.role = "master"}},
            {"postgres", config::PostgresCheck{}},
            {"mysql", config::MysqlCheck{.user = "probe"}},
            {"smtp", config::SmtpCheck{}},
            {"ldap", config::LdapCheck{}}};
}

class HostileBackends : public HostilityTest {};

TEST_F(HostileBackends, TakeInNoProbeAndNoMoreMemoryThanTheirShare) {
    for (const Flood& flood : floods()) {
        const HostilePeer peer =
            HostilePeer::over_tcp([&flood](int socket) { HostilePeer::pour(socket, flood.bytes); });
        for (const Kind& kind : kinds())
            endure(request(peer.port(), kind.kind),
                   std::string(kind.name) + " against " + flood.name);
    }
    // NetworkProberTest has the replies.
    EXPECT_GE(cases_ + hostile_replies().size(), 180U);
}

}  // namespace
}  // namespace muster::checker
