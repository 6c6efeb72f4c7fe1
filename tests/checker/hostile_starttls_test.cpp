// Backends that mean ill where a protocol goes over to TLS: they agree to it and then do something
// else. As in hostile_backends_test.cpp.
#include "tests/checker/support/hostile_tls.hpp"

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// A kind of probe, and what a server says to it, turn by turn, until TLS is agreed to.
struct Upgrade {
    const char* name;
    config::ProbeKind kind;
    bool server_begins;
    std::vector<std::string> replies;
    std::string refusal;         ///< in place of the last of them
    std::size_t last_words = 0;  ///< of the client, in the clear behind them
};

std::vector<Upgrade> upgrades() {
    using Step = config::ScriptStep;
    const config::TcpCheck script{.script = {{.kind = Step::Kind::expect, .bytes = "ready\r\n"},
                                             {.kind = Step::Kind::send, .bytes = "STLS\r\n"},
                                             {.kind = Step::Kind::expect, .bytes = "+OK"},
                                             {.kind = Step::Kind::start_tls},
                                             {.kind = Step::Kind::expect, .bytes = "welcome"}}};
    // Version, name, connection id, eight bytes, a zero; then what it can do: only TLS.
    const std::string mysql =
        "\x0a"
        "8\0"s +
        std::string(4 + 8 + 1, 'x') + "\x00\x08"s;
    const std::string mysql_without =
        "\x0a"
        "8\0"s +
        std::string(4 + 8 + 1, 'x') + "\x00\x00"s;
    const auto packet = [](const std::string& body) {
        return std::string{static_cast<char>(body.size()), 0, 0, 0} + body;
    };
    return {{.name = "smtp",
             .kind = config::SmtpCheck{.start_tls = true},
             .server_begins = true,
             .replies = {"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n"},
             .refusal = "454 not now\r\n"},
            {.name = "ldap",
             .kind = config::LdapCheck{.start_tls = true},
             .server_begins = false,
             .replies = {"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"s},
             .refusal = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"s},
            {.name = "postgres",
             .kind = config::PostgresCheck{.user = "probe"},
             .server_begins = false,
             .replies = {"S"},
             .refusal = "N"},
            {.name = "mysql",
             .kind = config::MysqlCheck{.user = "probe"},
             .server_begins = true,
             .replies = {packet(mysql)},
             .refusal = packet(mysql_without),
             .last_words = 36},
            {.name = "script",
             .kind = script,
             .server_begins = true,
             .replies = {"ready\r\n", "+OK go\r\n"},
             .refusal = "-ERR\r\n"}};
}

class HostileStartTls : public HostileTlsTest {
 protected:
    /// The turns but for the last one; false: the other side has gone.
    static bool lead_up(const Upgrade& way, int socket) {
        if (!way.server_begins && !HostilePeer::read_some(socket)) return false;
        for (std::size_t i = 0; i + 1 < way.replies.size(); ++i) {
            if (!HostilePeer::send_all(socket, way.replies[i]) || !HostilePeer::read_some(socket))
                return false;
        }
        return true;
    }
    static bool agree(const Upgrade& way, int socket) {
        return lead_up(way, socket) && HostilePeer::send_all(socket, way.replies.back());
    }

    void endure_all(const std::string& what,
                    const std::function<void(const Upgrade&, int socket)>& behaviour,
                    const std::set<Reason>& reasons) {
        for (const Upgrade& way : upgrades())
            endure_peer(
                std::string(way.name) + " " + what,
                [&](int socket) { behaviour(way, socket); },
                reasons,
                way.kind);
    }
};

TEST_F(HostileStartTls, SendsMoreInTheClearWithItsAgreement) {
    endure_all("with more behind it",
               [](const Upgrade& way, int socket) {
                   if (lead_up(way, socket))
                       HostilePeer::send_all(socket, way.replies.back() + "250 welcome\r\n");
                   HostilePeer::hang(socket);
               },
               {Reason::l7_invalid});
}

TEST_F(HostileStartTls, SendsMoreInTheClearLater) {
    endure_all("with more later",
               [](const Upgrade& way, int socket) {
                   if (agree(way, socket) && HostilePeer::read_some(socket))
                       HostilePeer::send_all(socket, "250 welcome\r\n");
                   HostilePeer::hang(socket);
               },
               {Reason::l6_handshake});
}

TEST_F(HostileStartTls, FloodsInPlaceOfAHandshake) {
    for (const Flood& flood : floods())
        endure_all("then " + flood.name,
                   [&](const Upgrade& way, int socket) {
                       if (agree(way, socket)) HostilePeer::pour(socket, flood.bytes);
                   },
                   {Reason::l6_handshake, Reason::l7_invalid});
}

TEST_F(HostileStartTls, SaysNothingMore) {
    endure_all("then silence",
               [](const Upgrade& way, int socket) {
                   agree(way, socket);
                   HostilePeer::hang(socket);
               },
               {Reason::l6_timeout});
}

TEST_F(HostileStartTls, Ends) {
    endure_all("then the end",
               [](const Upgrade& way, int socket) {
                   if (agree(way, socket)) HostilePeer::read_some(socket);
               },
               {Reason::l6_handshake});
}

TEST_F(HostileStartTls, Refuses) {
    endure_all("refused",
               [](const Upgrade& way, int socket) {
                   if (lead_up(way, socket)) HostilePeer::send_all(socket, way.refusal);
                   HostilePeer::hang(socket);
               },
               {Reason::l7_status, Reason::l6_handshake, Reason::l7_timeout});
}

TEST_F(HostileStartTls, NeverComesToItsAgreement) {
    const HostilePeer::OnConnection greets_for_ever = [](int socket) {
        HostilePeer::pour(socket, "220-please wait\r\n");
    };
    endure_peer("smtp greets for ever",
                greets_for_ever,
                {Reason::l7_too_large},
                config::SmtpCheck{.start_tls = true});
    endure_all(
        "in drops",
        [](const Upgrade& way, int socket) {
            if (!lead_up(way, socket)) return;
            for (const char byte : way.replies.back().substr(0, way.replies.back().size() - 1)) {
                if (!HostilePeer::send_all(socket, std::string(1, byte))) return;
                HostilePeer::listen_for(socket, 10ms);
            }
            HostilePeer::hang(socket);
        },
        {Reason::l7_timeout});
}

TEST_F(HostileStartTls, FloodsWithinTls) {
    const Context server = context();
    const std::string bytes = noise(3, 16'000);
    endure_all(
        "then noise within",
        [&](const Upgrade& way, int socket) {
            if (!agree(way, socket)) return;
            std::string words(way.last_words, '\0');
            if (!words.empty()) ::recv(socket, words.data(), words.size(), MSG_WAITALL);
            const Connection ssl = accepted(server, socket);
            while (ssl && SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size())) > 0) {
            }
        },
        {Reason::l7_invalid, Reason::l7_too_large, Reason::l7_timeout, Reason::l7_status});
}

}  // namespace
}  // namespace muster::checker
