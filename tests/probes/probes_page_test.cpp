// Every block of docs/probes.md, run: UP as long as its server is there and answers, and then not.
//
// A block is the check of 127.0.0.1 and of the port of the server that its way (below) starts. It
// is taken as it stands, but for the ports of other servers and files, each of which the way names
// (Example::put). The CA, certificates and secrets that it names are the test's own, and so are
// the system's authorities.
#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"
#include "tests/probes/matrix.hpp"
#include "tests/probes/own_network.hpp"
#include "tests/support/code_blocks.hpp"
#include "tests/support/program.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using test::TempDir;

std::vector<test::CodeBlock> page() {
    return test::code_blocks(test::read_file(test::source_file("docs/probes.md")));
}

const Verdict refused = bad(Reason::l4_refused, ECONNREFUSED);

/// A block of the page, and the directory of what it names.
class Example {
 public:
    explicit Example(const std::string& name) {
        const auto blocks = page();
        const auto block = std::ranges::find(blocks, name, &test::CodeBlock::name);
        if (block == blocks.end()) {
            ADD_FAILURE() << "the page has no block of this name";
        } else {
            text_ = block->text;
        }
        test::write_certificates(pems);
        copy_file(pems / "ca.pem", pems / "internal.pem");
        copy_file(pems / "client.pem", pems / "prober.pem");
        for (const char* secret : {"redis", "ldap"}) {
            permissions(pems.write(secret, "s3cret\n"), std::filesystem::perms(0600));
        }
        setenv("SSL_CERT_FILE", (pems / "ca.pem").c_str(), 1);
    }
    ~Example() { unsetenv("SSL_CERT_FILE"); }
    Example(const Example&) = delete;
    Example& operator=(const Example&) = delete;

    [[nodiscard]] const std::string& text() const { return text_; }
    void put(const std::string& here, const std::string& instead_of) {
        const std::size_t at = text_.find(instead_of);
        ASSERT_NE(at, std::string::npos) << instead_of;
        text_.replace(at, instead_of.size(), here);
        EXPECT_EQ(text_.find(instead_of), std::string::npos) << instead_of;
    }

    [[nodiscard]] config::ProbeSpec spec() const {
        std::string whole = "kind: Group\nname: web\nspec:\n  backends: []\n  check:\n";
        std::istringstream lines(text_);
        for (std::string line; std::getline(lines, line);) whole += "    " + line + "\n";
        const config::Decoded decoded = config::decode(whole);
        for (const config::Problem& problem : decoded.problems)
            ADD_FAILURE() << to_string(problem) << "\n" << text_;
        return decoded.groups.size() == 1 ? decoded.groups.front().check.probe
                                          : config::ProbeSpec();
    }

    void finds(const test::Server& server, const Verdict& verdict) {
        probing_->await(server, {"", spec(), verdict});
    }
    /// Of a server that is as it should be, until its end.
    void holds(test::Server&& server, const Verdict& up) {
        finds(server, up);
        server.stop();
        finds(server, refused);
    }
    /// Of one that is not.
    void fails(const test::Server& server, const Verdict& verdict) {
        EXPECT_NE(verdict.result, Result::success);
        finds(server, verdict);
    }
    void expect(const char* when, const Verdict& verdict) {
        probing_->expect(1, {when, spec(), verdict});
    }

    /// Instead of a node that has registered nothing.
    void register_programs(const CustomPrograms& commands, const CustomPrograms& plugins) {
        probing_ = std::make_unique<Probing>(pems.path(), commands, plugins);
    }

    const TempDir pems;

 private:
    std::string text_;
    std::unique_ptr<Probing> probing_ = std::make_unique<Probing>(pems.path());
};

void with_all_around(Example& block) {
    const auto server = [&](const std::string& version, const std::string& certificate) {
        return test::WebServer(
            "ssl proxy_protocol",
            "ssl_protocols " + version + "; ssl_verify_client on; ssl_client_certificate " +
                (block.pems / "ca.pem").string() + "; location = /health { return 204; } " +
                test::with_certificate(block.pems, certificate));
    };
    block.holds(server("TLSv1.3", "web"), good(Reason::l7_ok, 204));
    block.fails(server("TLSv1.3", "other"),
                bad(Reason::l6_certificate, X509_V_ERR_HOSTNAME_MISMATCH));
    block.fails(server("TLSv1.2", "web"), bad(Reason::l6_handshake, SSL_AD_PROTOCOL_VERSION));
}

void http(Example& block) {
    const auto server = [](int queue) {
        return test::WebServer("",
                               "if ($request_method != POST) { return 405; } "
                               "if ($host != web.example.org) { return 421; } "
                               "if ($http_authorization != 'Bearer x') { return 401; } "
                               "if ($content_length != 2) { return 400; } "
                               "default_type application/json; location = /health { return 200 "
                               "'{\"state\": \"ready\", \"queue\": " +
                                   std::to_string(queue) + "}'; }");
    };
    block.holds(server(99), good(Reason::l7_ok, 200));
    block.fails(server(100), bad(Reason::l7_json, 200));
}

void http2(Example& block) {
    const std::string site =
        "location = /health { return 204; } " + test::with_certificate(block.pems, "good");
    block.holds(test::WebServer("ssl http2", site), good(Reason::l7_ok, 204));
    block.fails(test::WebServer("ssl", site),
                bad(Reason::l6_handshake, SSL_AD_NO_APPLICATION_PROTOCOL));
}

void connection(Example& block) {
    block.holds(test::RedisServer({}), good(Reason::l4_ok));
}

void handshake(Example& block) {
    const auto server = [&](const std::string& certificate) {
        return test::WebServer("ssl", test::with_certificate(block.pems, certificate));
    };
    block.holds(server("good"), good(Reason::l6_ok));
    block.fails(server("soon"), {Result::degraded, Reason::l6_expiry, 5});
    block.fails(test::WebServer("", ""), bad(Reason::l6_handshake));
}

void script(Example& block) {
    block.holds(test::MailServer(block.pems, "accept"), good(Reason::l7_ok));
    block.fails(test::MailServer(block.pems, "deny"), bad(Reason::l7_closed));
}

/// A POP3 server that knows STLS and NOOP; `answer` is what it says to that.
test::PythonServer mailboxes(const TempDir& pems, const std::string& answer) {
    return test::PythonServer(
        fmt::format("import socket, ssl\n"
                    "tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
                    "tls.load_cert_chain('{}/good.pem')\n"
                    "def talk(peer):\n"
                    "    def say(line): peer.sendall(line.encode() + b'\\r\\n')\n"
                    "    say('+OK POP3 ready')\n"
                    "    if peer.recv(100) != b'STLS\\r\\n': return\n"
                    "    say('+OK')\n"
                    "    peer = tls.wrap_socket(peer, server_side=True)\n"
                    "    if peer.recv(100) == b'NOOP\\r\\n': say('{}')\n"
                    "with socket.create_server(('127.0.0.1', port)) as server:\n"
                    "    while True:\n"
                    "        peer, _ = server.accept()\n"
                    "        with peer:\n"
                    "            try: talk(peer)\n"
                    "            except OSError: pass\n",
                    pems.path().string(),
                    answer));
}

void script_with_tls(Example& block) {
    block.holds(mailboxes(block.pems, "+OK"), good(Reason::l7_ok));
    block.fails(mailboxes(block.pems, "-ERR"), bad(Reason::l7_closed));
}

void grpc(Example& block) {
    block.holds(test::GrpcServer(&block.pems, {{"shop.v1.Cart", 1}}), good(Reason::l7_ok));
    block.fails(test::GrpcServer(&block.pems, {{"shop.v1.Cart", 2}}), bad(Reason::l7_body, 2));
    block.fails(test::GrpcServer(&block.pems, {{"", 1}}), bad(Reason::l7_status, 5));
}

void websocket(Example& block) {
    block.holds(test::WebSocketServer(nullptr, "https://web.example.org"),
                good(Reason::l7_ok, 101));
    block.fails(test::WebSocketServer(nullptr, "https://other.example.org"),
                bad(Reason::l7_status, 403));
}

/// A game's server that is asked for its name.
test::PythonServer game(char kind_of_answer) {
    return test::PythonServer(
        fmt::format("import socket\n"
                    "server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                    "server.bind(('127.0.0.1', port))\n"
                    "while True:\n"
                    "    query, peer = server.recvfrom(100)\n"
                    "    if query == b'\\xff\\xff\\xff\\xffT':\n"
                    "        server.sendto(b'\\xff\\xff\\xff\\xff{}\\x11name', peer)\n",
                    kind_of_answer));
}

void udp(Example& block) {
    block.holds(game('I'), good(Reason::l7_ok));
    block.fails(game('A'), bad(Reason::l7_body));
}

void dns(Example& block) {
    block.holds(test::NameServer(), good(Reason::l7_ok));
    block.fails(test::NameServer("10.1.2.4"), bad(Reason::l7_body));
}

/// Here the network is what is started and stopped.
void ping(Example& block) {
    const test::OwnNetwork network;
    if (!network.entered()) GTEST_SKIP() << "needs a network of its own (root)";
    // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread.
    block.expect("before", bad(Reason::l4_refused, ENETUNREACH));
    ASSERT_EQ(std::system("ip link set lo up"), 0);
    block.expect("up", good(Reason::l4_ok));
    ASSERT_EQ(std::system("ip link set lo down"), 0);
    // Its address stays, and takes nothing any more.
    block.expect("down", bad(Reason::l4_timeout));
    // NOLINTEND(concurrency-mt-unsafe)
}

void redis(Example& block) {
    const auto with_user = [](std::vector<std::string> more) {
        for (const char* word : {"--user", "probe", "on", ">s3cret", "+@connection", "+role"})
            more.emplace_back(word);
        return test::RedisServer(more);
    };
    test::RedisServer master({"--repl-diskless-sync-delay", "0"});
    const auto replica = [&] {
        return with_user({"--replicaof", fmt::format("127.0.0.1 {}", master.port())});
    };
    block.holds(replica(), good(Reason::l7_ok));
    block.fails(with_user({}), bad(Reason::l7_status));
    block.fails(master, bad(Reason::l7_auth));
    const test::RedisServer left = replica();
    block.finds(left, good(Reason::l7_ok));
    master.stop();
    block.fails(left, bad(Reason::l7_status));
}

void postgres(Example& block) {
    const std::string user = "CREATE USER probe;\n";
    block.holds(test::PostgresServer(block.pems, user + "CREATE DATABASE shop;\n"),
                good(Reason::l7_ok));
    block.fails(test::PostgresServer(block.pems, user), bad(Reason::l7_status));
}

void mysql(Example& block) {
    block.holds(test::MariadbServer(block.pems, "CREATE USER probe;\n"), good(Reason::l7_ok));
    block.fails(test::MariadbServer(block.pems), bad(Reason::l7_auth, 1045));
}

void smtp(Example& block) {
    block.holds(test::MailServer(block.pems, "accept"), good(Reason::l7_ok, 250));
    block.fails(test::MailServer(block.pems, "deny"), bad(Reason::l7_status, 550));
}

void ldap(Example& block) {
    const auto server = [&](const std::string& password) {
        return test::LdapServer(block.pems, test::TlsFrom::command, password);
    };
    block.holds(server("s3cret"), good(Reason::l7_ok));
    block.fails(server("other"), bad(Reason::l7_auth, 49));
}

config::Programs commands_of(const Example& settings) {
    const config::DecodedNodeSettings node =
        config::decode_node_settings("node: n1\n" + settings.text());
    for (const config::Problem& problem : node.problems) ADD_FAILURE() << to_string(problem);
    return node.settings.commands;
}

/// An SSH server's first words.
test::PythonServer banner(const std::string& words) {
    return test::PythonServer(
        fmt::format("import socket\n"
                    "with socket.create_server(('127.0.0.1', port)) as server:\n"
                    "    while True:\n"
                    "        peer, _ = server.accept()\n"
                    "        with peer:\n"
                    "            peer.sendall(b'{}\\r\\n')\n"
                    "            peer.recv(100)\n",
                    words));
}

void command(Example& block) {
    block.register_programs(resolve_programs(commands_of(Example("Commands 2"))).value(), {});
    auto server = banner("SSH-2.0-OpenSSH_9.2");
    block.finds(server, good(Reason::l7_ok));
    server.stop();
    const Verdict critical = bad(Reason::l7_status, 2);
    block.fails(server, critical);
    block.fails(banner("SSH-1.5-OpenSSH_9.2"), critical);
}

void commands_of_a_node(Example& block) {
    const config::Programs commands = commands_of(block);
    ASSERT_EQ(commands.size(), 1U);
    EXPECT_TRUE(commands.contains("ssh")) << "which the check before it names";
}

void plugin(Example& block) {
    const std::string program = test::source_file("examples/plugins/file_age.py");
    block.register_programs({}, {{"file_age", {{.program = program}, std::nullopt}}});
    const TempDir run;
    const auto stamp = run.write("backup.stamp", "");
    block.put(stamp, "/run/backup.stamp");
    block.expect("fresh", good(Reason::l7_ok));
    last_write_time(stamp, std::filesystem::file_time_type::clock::now() - 2h);
    block.expect("old", bad(Reason::l7_status, 1));
    std::filesystem::remove(stamp);
    block.expect("gone", bad(Reason::l7_status, 2));
}

/// The line is one of a file that tests/integration/compiled_probe_test.cpp compiles and runs.
void compiled_in(Example& block) {
    const auto source = test::source_file("examples/compiled_in/memcached_probe.cpp");
    EXPECT_TRUE(test::read_file(source).contains("\n" + block.text()));
}

void composite(Example& block) {
    test::WebServer web("", "location = /health { return 204; }");
    test::PostgresServer database(block.pems);
    test::WebServer certificate("ssl", test::with_certificate(block.pems, "good"));
    block.put(std::to_string(database.port()), "5432");
    block.put(std::to_string(certificate.port()), "443");
    block.finds(web, good(Reason::l7_ok, 204));
    web.stop();
    block.finds(web, good(Reason::l4_ok));
    database.stop();
    block.fails(web, refused);
    test::WebServer wrong("", "location = /health { return 503; }");
    block.fails(wrong, bad(Reason::l7_status, 503));
}

using Way = void (*)(Example&);
const std::map<std::string, Way> ways{
    {"Around every kind over TCP 1", with_all_around},
    {"HTTP 1", http},
    {"HTTP 2", http2},
    {"TCP 1", connection},
    {"TCP 2", handshake},
    {"TCP 3", script},
    {"TCP 4", script_with_tls},
    {"gRPC 1", grpc},
    {"WebSocket 1", websocket},
    {"UDP 1", udp},
    {"DNS 1", dns},
    {"ICMP echo 1", ping},
    {"Redis 1", redis},
    {"PostgreSQL 1", postgres},
    {"MySQL and MariaDB 1", mysql},
    {"SMTP 1", smtp},
    {"LDAP 1", ldap},
    {"Commands 1", command},
    {"Commands 2", commands_of_a_node},
    {"Plug-ins 1", plugin},
    {"Compiled in 1", compiled_in},
    {"Composites 1", composite},
};

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& [name, way] : ways) all.push_back(name);
    return all;
}

TEST(ProbesPage, HasNoBlockThatIsNotRun) {
    std::vector<std::string> written;
    for (const test::CodeBlock& block : page()) written.push_back(block.name);
    std::ranges::sort(written);
    EXPECT_EQ(written, names()) << "say in `ways` how to run a new block";
}

class BlockOfProbesPage : public testing::TestWithParam<std::string> {};

TEST_P(BlockOfProbesPage, HoldsOfItsServerAndOfNoOther) {
    Example block(GetParam());
    ways.at(GetParam())(block);
}

INSTANTIATE_TEST_SUITE_P(All, BlockOfProbesPage, testing::ValuesIn(names()), [](const auto& info) {
    std::string name = info.param;
    std::ranges::replace_if(name, [](char letter) { return std::isalnum(letter) == 0; }, '_');
    return name;
});

}  // namespace
}  // namespace muster::checker
