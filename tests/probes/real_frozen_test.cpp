// Real servers that ask for TLS in their own protocols and stop in the middle of it: SIGSTOP at a
// given place of the talk, and what the probe says of it, and how far it says it has come.
#include "tests/probes/matrix.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <string_view>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using asio::ip::tcp;
using config::ProbeSpec;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

/// What a client and a server have said so far.
struct Talk {
    std::string client;
    std::string server;
};
using Place = std::function<bool(const Talk&)>;

/// Between a probe and a server, which it freezes when the talk has come to that place, and only
/// then hands on what brought it there. For one connection. Executor: the context's.
class FreezingRelay {
 public:
    FreezingRelay(asio::io_context& context, test::Server& server, Place place)
        : shared_(std::make_shared<Shared>(context, server, std::move(place))) {
        asio::co_spawn(context, run(shared_), test::rethrow);
    }
    ~FreezingRelay() {
        boost::system::error_code ignored;
        (void)shared_->acceptor.close(ignored);
        (void)shared_->client.close(ignored);
        (void)shared_->server.close(ignored);
    }
    FreezingRelay(const FreezingRelay&) = delete;
    FreezingRelay& operator=(const FreezingRelay&) = delete;

    [[nodiscard]] std::uint16_t port() const { return shared_->acceptor.local_endpoint().port(); }
    [[nodiscard]] bool froze() const { return shared_->frozen; }

 private:
    struct Shared {
        Shared(asio::io_context& context, test::Server& the_server, Place the_place)
            : acceptor(context, {asio::ip::make_address("127.0.0.1"), 0}),
              client(context),
              server(context),
              behind(the_server),
              place(std::move(the_place)) {}
        void look() {
            if (frozen || !place(talk)) return;
            behind.freeze();
            frozen = true;
        }

        tcp::acceptor acceptor;
        tcp::socket client;
        tcp::socket server;
        test::Server& behind;
        Place place;
        Talk talk;
        bool frozen = false;
    };

    static asio::awaitable<void> run(std::shared_ptr<Shared> shared) {
        const auto [refused] = co_await shared->acceptor.async_accept(shared->client, as_tuple);
        if (refused) co_return;
        shared->look();
        const tcp::endpoint behind(asio::ip::make_address("127.0.0.1"), shared->behind.port());
        const auto [unreachable] = co_await shared->server.async_connect(behind, as_tuple);
        if (unreachable) co_return;
        const auto executor = shared->acceptor.get_executor();
        asio::co_spawn(executor,
                       hand_on(shared, shared->client, shared->server, shared->talk.client),
                       test::rethrow);
        asio::co_spawn(executor,
                       hand_on(shared, shared->server, shared->client, shared->talk.server),
                       test::rethrow);
    }

    static asio::awaitable<void> hand_on(std::shared_ptr<Shared> shared,
                                         tcp::socket& from,
                                         tcp::socket& to,
                                         std::string& said) {
        std::array<char, 16UZ * 1024UZ> buffer{};
        for (;;) {
            const auto [ended, got] = co_await from.async_read_some(asio::buffer(buffer), as_tuple);
            if (ended) break;
            said.append(buffer.data(), got);
            shared->look();
            const auto [broken, sent] =
                co_await asio::async_write(to, asio::buffer(buffer.data(), got), as_tuple);
            if (broken) break;
        }
        boost::system::error_code ignored;
        (void)to.shutdown(tcp::socket::shutdown_send, ignored);
    }

    std::shared_ptr<Shared> shared_;
};

bool at_once(const Talk& /*talk*/) {
    return true;
}
bool answered(const Talk& talk) {
    return !talk.server.empty();
}
/// The client has sent what is encrypted: its handshake is done (RFC 8446, 2). Whatever it sends
/// between its change of ciphers and that, such as another first flight, is not.
bool secured(const Talk& talk) {
    constexpr std::string_view change_cipher_spec = "\x14\x03\x03\x00\x01\x01"sv;
    constexpr std::string_view application_data = "\x17\x03\x03"sv;
    const std::size_t change = talk.client.find(change_cipher_spec);
    return change != std::string::npos &&
           talk.client.find(application_data, change) != std::string::npos;
}

struct Frozen {
    const char* when;
    Place place;
    Reason reason;
    enum class Reached { connection, first_byte, tls } reached;
    int code = 0;
};
using Reached = Frozen::Reached;

class RealFrozen : public testing::Test {
 protected:
    RealFrozen() { test::write_certificates(certificates_); }

    void expect(test::Server& server,
                const ProbeSpec& plain,
                const Verdict& up,
                const std::vector<Frozen>& rows) {
        const Cell ready{"up", secure(plain), up};
        probing_.await(server, ready);
        for (const Frozen& row : rows) {
            SCOPED_TRACE(row.when);
            const FreezingRelay relay(probing_.context(), server, row.place);
            const ProbeOutcome outcome = probing_.outcome(relay.port(), ready.spec, 500ms);
            EXPECT_TRUE(relay.froze());
            EXPECT_EQ((Verdict{outcome.result, outcome.reason, outcome.code}),
                      bad(row.reason, row.code));
            EXPECT_GT(outcome.connect, 0us);
            EXPECT_EQ(outcome.first_byte > 0us, row.reached != Reached::connection);
            EXPECT_EQ(outcome.tls > 0us, row.reached == Reached::tls);
            server.thaw();
            probing_.await(server, ready);
        }
    }
    /// Whose first words are the answer to the wish for TLS, or come before it.
    void expect(test::Server& server, const ProbeSpec& plain) {
        expect(server,
               plain,
               good(Reason::l7_ok),
               {{"at once", at_once, Reason::l7_timeout, Reached::connection},
                {"before TLS", answered, Reason::l6_timeout, Reached::first_byte},
                {"within TLS", secured, Reason::l7_timeout, Reached::tls}});
    }

    test::TempDir certificates_;
    Probing probing_{certificates_.path()};
};

TEST_F(RealFrozen, PostgresOverTls) {
    test::PostgresServer server(certificates_);
    expect(server, config::PostgresCheck{});
}

TEST_F(RealFrozen, MysqlOverTls) {
    test::MariadbServer server(certificates_);
    expect(server, config::MysqlCheck{.user = "root"});
}

TEST_F(RealFrozen, LdapWithStartTls) {
    test::LdapServer server(certificates_);
    expect(server, config::LdapCheck{.start_tls = true});
}

TEST_F(RealFrozen, SmtpWithStartTls) {
    test::MailServer server(certificates_, "accept");
    const auto said = [](const char* words) {
        return [=](const Talk& talk) { return talk.server.contains(words); };
    };
    expect(server,
           config::SmtpCheck{.start_tls = true},
           good(Reason::l7_ok, 250),
           {{"at once", at_once, Reason::l7_timeout, Reached::connection},
            {"after its greeting",
             said("220 mail.test"),
             Reason::l7_timeout,
             Reached::first_byte,
             220},
            {"after EHLO", said("250 HELP"), Reason::l7_timeout, Reached::first_byte, 250},
            {"before TLS", said("220 TLS"), Reason::l6_timeout, Reached::first_byte},
            {"within TLS", secured, Reason::l7_timeout, Reached::tls, 220}});
}

}  // namespace
}  // namespace muster::checker
