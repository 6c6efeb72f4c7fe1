// Backends that mean ill below or within TLS: handshakes that are none, that do not end or that are
// full of what nobody needs, and floods once it stands. As in hostile_backends_test.cpp.
#include "tests/checker/support/hostile_tls.hpp"

#include "tests/checker/support/hostile_peer.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Context = HostileTlsTest::Context;
using Connection = HostileTlsTest::Connection;

const std::set<Reason> no_handshake{Reason::l6_handshake};
/// Of one that takes long to put together.
const std::set<Reason> no_handshake_in_time{Reason::l6_handshake, Reason::l6_timeout};
const std::set<Reason> no_end{Reason::l6_timeout};
const std::set<Reason> no_reply{Reason::l7_timeout};
/// Of one whose handshake takes long, too, where the machine is busy.
const std::set<Reason> no_reply_in_time{Reason::l7_timeout, Reason::l6_timeout};

std::string record(char type, const std::string& content) {
    std::string bytes{type, 3, 3};
    bytes += static_cast<char>(content.size() >> 8U);
    bytes += static_cast<char>(content.size() & 0xffU);
    return bytes + content;
}

// RFC 8446, 5.1.
constexpr char change_cipher_spec = 20;
constexpr char alert = 21;
constexpr char handshake = 22;
constexpr char application_data = 23;

std::string big_endian(std::size_t number, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> 8U * i & 0xffU);
    return text;
}

/// A HelloRetryRequest (RFC 8446, 4.1.4) that asks for the key share of another group, and for a
/// cookie of this size back.
std::string retry_request(std::size_t cookie_size, const std::string& session_id) {
    const std::string cookie = big_endian(cookie_size, 2) + std::string(cookie_size, 'c');
    const std::string extensions = "\x00\x2b\x00\x02\x03\x04"s + "\x00\x33\x00\x02\x00\x18"s +
                                   "\x00\x2c"s + big_endian(cookie.size(), 2) + cookie;
    const std::string marker =
        "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
        "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    const std::string body = "\x03\x03" + marker + big_endian(session_id.size(), 1) + session_id +
                             "\x13\x01\x00"s + big_endian(extensions.size(), 2) + extensions;
    const std::string message = "\x02" + big_endian(body.size(), 3) + body;
    std::string records;
    constexpr std::size_t most = 16'000;
    for (std::size_t at = 0; at < message.size(); at += most)
        records += record(handshake, message.substr(at, most));
    return records;
}

/// Of the client's hello, which comes first.
std::string session_id_from(int socket) {
    std::string hello(4096, '\0');
    const ssize_t got = ::recv(socket, hello.data(), hello.size(), 0);
    constexpr std::size_t place = 5 + 4 + 2 + 32;
    if (got <= static_cast<ssize_t>(place)) return {};
    return hello.substr(place + 1, static_cast<unsigned char>(hello[place]));
}

/// The server's first flight on this connection, not sent.
std::string first_flight(const Context& context, int socket) {
    const Connection ssl(SSL_new(context.get()), SSL_free);
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl.get(), in, out);
    std::string hello(4096, '\0');
    const ssize_t got = ::recv(socket, hello.data(), hello.size(), 0);
    if (got > 0) BIO_write(in, hello.data(), static_cast<int>(got));
    (void)SSL_accept(ssl.get());
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    return {data, static_cast<std::size_t>(size)};
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// As small as they get, but for what `fill` puts into it.
Certificate certificate(const std::function<void(X509*)>& fill = {}) {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
    Certificate made(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -1000);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 1'000'000);
    X509_set_pubkey(made.get(), key.get());
    if (fill) fill(made.get());
    EXPECT_GT(X509_sign(made.get(), key.get(), nullptr), 0);
    return made;
}

Certificate certificate_of_a_long_name(int parts) {
    return certificate([parts](X509* made) {
        constexpr unsigned char country[] = {'D', 'E'};
        for (int i = 0; i < parts; ++i)
            X509_NAME_add_entry_by_NID(X509_get_subject_name(made),
                                       NID_countryName,
                                       MBSTRING_ASC,
                                       country,
                                       sizeof country,
                                       -1,
                                       0);
    });
}

void hang(SSL* /*ssl*/, int socket) {
    HostilePeer::hang(socket);
}

class HostileTls : public HostileTlsTest {
 protected:
    /// OpenSSL makes many small things of a certificate.
    static constexpr std::size_t share_with_certificates = 288UZ * 1024UZ;

    /// Says the same again and again.
    void endure_flood(const std::string& what, const std::string& bytes) {
        endure_peer(what, [&](int socket) { HostilePeer::pour(socket, bytes); }, no_handshake);
    }
    /// Does something when the handshake is over.
    void endure_open(const std::string& what,
                     const Context& context,
                     const std::function<void(SSL*, int socket)>& then,
                     const std::set<Reason>& reasons,
                     const config::ProbeSpec& spec = config::HttpCheck{},
                     std::size_t share = usual_share) {
        endure_peer(
            what,
            [&](int socket) {
                if (const Connection ssl = accepted(context, socket)) then(ssl.get(), socket);
            },
            reasons,
            spec,
            share);
    }
};

TEST_F(HostileTls, IsNoTls) {
    for (const Flood& flood : floods()) endure_flood(flood.name, flood.bytes);
    endure_flood("replies in the clear", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    endure_flood("records of 64 KiB", "\x16\x03\x03\xff\xff"s + std::string(65'535, '\0'));
    endure_flood("a message of 16 MiB", record(handshake, "\x02\xff\xff\xff" + noise(1, 16'000)));
    endure_flood("warnings", record(alert, "\x01\x5a"));
    endure_flood("alerts", record(alert, "\x02\x28"));
    endure_flood("empty records", record(handshake, ""));
    endure_flood("requests to say hello", record(handshake, std::string(4, '\0')));
    endure_flood("changes of the cipher", record(change_cipher_spec, "\x01"));
    endure_flood("data before its time", record(application_data, noise(2, 1000)));
}

TEST_F(HostileTls, EndsInTheMiddleOfAHandshake) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Context ours = context(version);
        for (const int percent : {0, 1, 20, 50, 80, 99}) {
            const auto part_of_flight = [&](int socket) {
                const std::string flight = first_flight(ours, socket);
                const std::size_t size = flight.size() * static_cast<std::size_t>(percent) / 100;
                return flight.substr(0, size);
            };
            const std::string what = std::to_string(percent) + " percent of a flight";
            endure_peer(
                what + ", then the end",
                [&](int socket) { HostilePeer::send_all(socket, part_of_flight(socket)); },
                no_handshake);
            endure_peer(
                what + ", then silence",
                [&](int socket) {
                    HostilePeer::send_all(socket, part_of_flight(socket));
                    HostilePeer::hang(socket);
                },
                no_end);
        }
    }
}

TEST_F(HostileTls, DripsAHandshake) {
    const Context ours = context();
    endure_peer(
        "a flight in drops",
        [&](int socket) {
            for (const char byte : first_flight(ours, socket)) {
                if (!HostilePeer::send_all(socket, std::string(1, byte))) return;
                HostilePeer::listen_for(socket, 10ms);
            }
        },
        no_end);
}

TEST_F(HostileTls, SendsAFlightWithAnErrorInIt) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Context ours = context(version);
        std::atomic<std::uint32_t> seed = 0;
        endure_peer("an error",
                    [&](int socket) {
                        std::string flight = first_flight(ours, socket);
                        std::mt19937 random(++seed);
                        flight[random() % flight.size()] ^= static_cast<char>(1U << random() % 8);
                        HostilePeer::send_all(socket, flight);
                        ::shutdown(socket, SHUT_WR);
                        HostilePeer::hang(socket);
                    },
                    {Reason::l6_handshake, Reason::l6_certificate});
    }
}

TEST_F(HostileTls, WantsCookiesBack) {
    for (const auto& [size, reasons] : {std::pair{1'000UZ, no_end},
                                        {15'000UZ, no_end},
                                        {30'000UZ, no_handshake},
                                        {65'000UZ, no_handshake}}) {
        endure_peer(
            "a cookie of " + std::to_string(size),
            [size](int socket) {
                HostilePeer::send_all(socket, retry_request(size, session_id_from(socket)));
                HostilePeer::hang(socket);
            },
            reasons,
            config::HttpCheck{},
            share_with_certificates);
    }
    endure_peer(
        "cookies for ever",
        [](int socket) {
            const std::string again = retry_request(100, session_id_from(socket));
            HostilePeer::pour(socket, again);
        },
        no_handshake);
}

TEST_F(HostileTls, HasMoreCertificatesThanItNeeds) {
    const auto endure_chain = [&](const std::string& what,
                                  const std::vector<const X509*>& chain,
                                  const std::set<Reason>& reasons) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            const Context ours = context(version);
            for (const X509* one : chain)
                SSL_CTX_add1_chain_cert(ours.get(), const_cast<X509*>(one));
            endure_open(what, ours, hang, reasons, config::HttpCheck{}, share_with_certificates);
        }
    };
    const Certificate small = certificate();
    endure_chain("ten certificates", std::vector<const X509*>(10, small.get()), no_reply_in_time);
    endure_chain(
        "250 certificates", std::vector<const X509*>(250, small.get()), no_handshake_in_time);
    endure_chain(
        "2,000 certificates", std::vector<const X509*>(2'000, small.get()), no_handshake_in_time);
    for (const auto& [parts, reasons] : {std::pair{300, no_reply_in_time},
                                         {1'500, no_handshake_in_time},
                                         {5'000, no_handshake_in_time}}) {
        const Certificate named = certificate_of_a_long_name(parts);
        endure_chain("a name of " + std::to_string(parts), {named.get()}, reasons);
    }
}

TEST_F(HostileTls, HasACertificateOfManyNames) {
    for (const auto& [count, reasons] : {std::pair{500, no_reply_in_time},
                                         {1'500, no_reply_in_time},
                                         {3'000, no_handshake_in_time},
                                         {20'000, no_handshake_in_time}}) {
        std::string names = "DNS:localhost,IP:127.0.0.1";
        for (int i = 0; i < count; ++i) names += ",DNS:a" + std::to_string(i);
        dir_.write("server.pem", authority_.issue({.names = names}).both());
        endure_open(std::to_string(count) + " names",
                    context(),
                    hang,
                    reasons,
                    config::HttpCheck{},
                    share_with_certificates);
    }
}

TEST_F(HostileTls, NamesMoreAuthoritiesThanThereAre) {
    const auto endure_names = [&](int count, int parts, const std::set<Reason>& reasons) {
        const Certificate named = certificate_of_a_long_name(parts);
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            const Context ours = context(version);
            SSL_CTX_set_verify(ours.get(), SSL_VERIFY_PEER, nullptr);
            for (int i = 0; i < count; ++i) SSL_CTX_add_client_CA(ours.get(), named.get());
            endure_open(std::to_string(count) + " authorities",
                        ours,
                        hang,
                        reasons,
                        config::HttpCheck{},
                        share_with_certificates);
        }
    };
    endure_names(150, 4, no_reply);  // as in a trust store
    endure_names(8'000, 0, no_handshake_in_time);
    endure_names(8, 500, no_handshake_in_time);
}

TEST_F(HostileTls, GivesTickets) {
    for (const std::size_t size : {1'000UZ, 10'000UZ, 40'000UZ, 60'000UZ}) {
        std::string content(size, 'x');
        const Context ours = context();
        SSL_CTX_set_session_ticket_cb(
            ours.get(),
            [](SSL* ssl, void* what) {
                const auto& text = *static_cast<std::string*>(what);
                return SSL_SESSION_set1_ticket_appdata(
                    SSL_get0_session(ssl), text.data(), text.size());
            },
            nullptr,
            &content);
        const std::string what = "tickets of " + std::to_string(size);
        endure_open(what, ours, hang, {Reason::l7_timeout, Reason::l7_invalid});
        endure_open(what + " for ever",
                    ours,
                    [](SSL* ssl, int) {
                        while (SSL_new_session_ticket(ssl) == 1 && SSL_do_handshake(ssl) == 1) {
                        }
                    },
                    {Reason::l7_timeout, Reason::l7_invalid});
    }
}

TEST_F(HostileTls, ChangesKeysForEver) {
    endure_open("new keys",
                context(),
                [](SSL* ssl, int) {
                    while (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
                           SSL_do_handshake(ssl) == 1) {
                    }
                },
                {Reason::l7_invalid, Reason::l7_timeout});
}

TEST_F(HostileTls, AsksForAnotherHandshakeForEver) {
    endure_open("another handshake",
                context(TLS1_2_VERSION),
                [](SSL* ssl, int) {
                    while (SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1) {
                    }
                },
                {Reason::l7_invalid, Reason::l7_closed, Reason::l7_timeout});
}

TEST_F(HostileTls, EndsOnceItIsOpen) {
    const config::HttpCheck check;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Context ours = context(version);
        endure_open("the end", ours, [](SSL*, int) {}, {Reason::l7_closed});
        endure_open(
            "a good-bye", ours, [](SSL* ssl, int) { SSL_shutdown(ssl); }, {Reason::l7_closed});
        endure_open("half a reply",
                    ours,
                    [](SSL* ssl, int socket) {
                        const std::string half = "HTTP/1.1 200 OK\r\nX-A: b";
                        SSL_write(ssl, half.data(), static_cast<int>(half.size()));
                        HostilePeer::read_some(socket);
                        SSL_shutdown(ssl);
                        HostilePeer::hang(socket);
                    },
                    {Reason::l7_closed});
        endure_open("garbage",
                    ours,
                    [](SSL*, int socket) { HostilePeer::pour(socket, noise(3, 20'000)); },
                    {Reason::l7_closed});
    }
}

TEST_F(HostileTls, FloodsWithContent) {
    const config::TcpCheck script{
        .script = {{.kind = config::ScriptStep::Kind::expect, .bytes = "220 ready"}}};
    const std::vector<std::pair<std::string, config::ProbeKind>> kinds{
        {"http", config::HttpCheck{.expect_body = {{.text = "all is well"}}}},
        {"websocket", config::WebSocketCheck{}},
        {"tcp script", script},
        {"redis", config::RedisCheck{}},
        {"smtp", config::SmtpCheck{}},
        {"ldap", config::LdapCheck{}}};
    const Context ours = context();
    for (const auto& [name, kind] : kinds) {
        for (const Flood& flood : floods()) {
            endure_open(
                name + " against " + flood.name,
                ours,
                [&flood](SSL* ssl, int) {
                    const auto size = static_cast<int>(flood.bytes.size());
                    while (SSL_write(ssl, flood.bytes.data(), size) > 0) {
                    }
                },
                {},
                kind);
        }
    }
}

}  // namespace
}  // namespace muster::checker
