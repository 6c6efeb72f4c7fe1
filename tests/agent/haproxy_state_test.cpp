#include "agent/haproxy_state.hpp"

#include "agent/haproxy_errc.hpp"
#include "tests/agent/haproxy_samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

const std::string header =
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
    "srv_iweight srv_fqdn srv_port\n";

Result<ObservedBackends> parse(const std::string& rows) {
    ObservedBackends backends = {{"web:http", {}}};
    if (const auto read = parse_servers(header + rows, backends); !read)
        return tl::unexpected(read.error());
    return backends;
}

TEST(ServersState, IsReadByTheNamesOfItsColumns) {
    EXPECT_EQ(
        parse("3 web:http 7 a 10.0.0.1 2 0 26 10 - 80\n"
              "3 web:http 8 b ::1 0 1 0 10 - 81\n"
              "3 web:http 9 c - 0 32 1 10 b.example.org 82\n"
              "3 other 1 x 10.0.0.9 2 0 1 1 - 80\n\n"),
        (ObservedBackends{
            {"web:http",
             {{"a", {.number = 7, .address = "10.0.0.1", .port = 80, .weight = 26}},
              {"b", {.number = 8, .address = "::1", .port = 81, .state = ServerState::maintenance}},
              {"c", {.number = 9, .host = "b.example.org", .port = 82, .weight = 1}}}}}));
}

TEST(ServersState, TellsWhatPeopleDidFromWhatHappened) {
    struct Row {
        int running;
        int admin;
        ServerState state;
        bool stopped;
    };
    for (const Row& row : {Row{2, 0x00, ServerState::ready, false},
                           Row{0, 0x00, ServerState::ready, true},
                           Row{3, 0x00, ServerState::ready, true},
                           Row{0, 0x01, ServerState::maintenance, false},
                           Row{0, 0x05, ServerState::maintenance, false},
                           Row{2, 0x04, ServerState::ready, false},
                           Row{0, 0x20, ServerState::ready, false},
                           Row{2, 0x08, ServerState::drain, false},
                           Row{0, 0x08, ServerState::drain, true},
                           Row{2, 0x10, ServerState::drain, false}}) {
        const auto read = parse(
            fmt::format("3 web:http 7 a 10.0.0.1 {} {} 26 10 - 80\n", row.running, row.admin));
        ASSERT_TRUE(read);
        const ObservedServer& server = read->at("web:http").at("a");
        EXPECT_EQ(server.state, row.state) << row.admin;
        EXPECT_EQ(server.stopped, row.stopped) << row.running << " " << row.admin;
    }
}

TEST(ServersState, ThatMakesNoSenseIsAnError) {
    for (const std::string& rows : {"3 web:http 7 a 10.0.0.1 2 0 26 10 -\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 26 10 - 80 1\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 257 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 -1 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 9 0 26 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 2 0x1 26 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 26 10 - 99999\n",
                                    "3 web:http 7 a nowhere 2 0 26 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 26 10 a;b 80\n",
                                    "3 web:http 7 a;quit 10.0.0.1 2 0 26 10 - 80\n",
                                    "3 web:http x a 10.0.0.1 2 0 26 10 - 80\n",
                                    "3 web:http 99999999999 a 10.0.0.1 2 0 26 10 - 80\n",
                                    "3 web:http 7 a 10.0.0.1 2 0 26 10 - 80\n"
                                    "3 web:http 8 a 10.0.0.1 2 0 26 10 - 80\n",
                                    "Unknown command\n"}) {
        const auto read = parse(rows);
        ASSERT_FALSE(read) << rows;
        EXPECT_EQ(read.error().code, HaproxyErrc::bad_answer);
    }
    ObservedBackends backends;
    EXPECT_FALSE(parse_servers("", backends));
    EXPECT_FALSE(parse_servers("2\n# be_id\n", backends));
    EXPECT_FALSE(parse_servers("1\n# be_id be_name\n", backends));
}

TEST(Backends, AreListedEvenWithoutServers) {
    EXPECT_EQ(parse_backends("# name\nweb:http\n_404\n\n"),
              (ObservedBackends{{"_404", {}}, {"web:http", {}}}));
    EXPECT_FALSE(parse_backends("web:http\n"));
    EXPECT_FALSE(parse_backends("# name\nweb http\n"));
}

TEST(Limits, AreReadFromTheStatistics) {
    ObservedBackends backends = {{"web:http", {{"a", test::seen()}, {"b", test::seen()}}}};
    ASSERT_TRUE(
        parse_limits("# pxname,svname,qcur,slim,x\nweb:http,a,0,10,\nweb:http,b,0,,\n"
                     "other,a,0,7,\n\n",
                     backends));
    EXPECT_EQ(backends["web:http"].at("a").max_connections, 10);
    EXPECT_EQ(backends["web:http"].at("b").max_connections, 0);
    EXPECT_FALSE(parse_limits("# pxname,svname\n", backends));
    EXPECT_FALSE(parse_limits("# pxname,svname,slim\nweb:http,a\n", backends));
    EXPECT_FALSE(parse_limits("# pxname,svname,slim\nweb:http,a,-1\n", backends));
}

TEST(Connections, AreThoseOfTheListeners) {
    const std::string answer =
        "# pxname,svname,qcur,qmax,scur,smax,\nfront,FRONTEND,,,7,9,\n_stats,FRONTEND,,,1,2,\n"
        "_5Fx,FRONTEND,,,3,3,\nfront,BACKEND,0,0,5,5,\n\n";
    EXPECT_EQ(parse_connections(answer, {"front", "_5Fx"}), 10);
    EXPECT_EQ(parse_connections(answer, {"_5Fx"}), 3);
    EXPECT_EQ(parse_connections(answer, {}), 0);
    EXPECT_FALSE(parse_connections(answer, {"front", "new"})) << "one that the next reload brings";
    const auto refused = [](const std::string& rows) {
        EXPECT_FALSE(parse_connections("# pxname,svname,scur\n" + rows, {"f"})) << rows;
    };
    refused("f,FRONTEND,-1\n");
    refused("f,FRONTEND,\n");
    refused("f,FRONTEND,99999999999\n");
    refused("f,FRONTEND,1x\n");
    refused("f,FRONTEND\n");
    refused("f,FRONTEND,1\nf,FRONTEND,1\n");
    EXPECT_FALSE(parse_connections("", {}));
    EXPECT_FALSE(parse_connections("Permission denied\n", {}));
    EXPECT_FALSE(parse_connections("# pxname,svname\n", {}));
}

// As HAProxy 2.6 writes it.
TEST(OldWorkers, AreThoseOfBeforeAReload) {
    const std::string head =
        "#<PID>          <type>          <reloads>       <uptime>        <version>\n"
        "1162            master          2 [failed: 0]   0d00h02m07s     2.6.12\n# workers\n"
        "1271            worker          0               0d00h00m00s     2.6.12\n";
    EXPECT_EQ(parse_old_workers(head + "# programs\n\n"), 0);
    EXPECT_EQ(parse_old_workers(
                  head + "# old workers\n"
                         "1233            worker          1               0d00h00m43s     2.6.12\n"
                         "1200            worker          2               0d00h01m43s     2.6.12\n"
                         "# programs\n7 x 0\n\n"),
              2);
    for (const char* const text :
         {"", "Unknown command\n", "#<PID> <type>\n", "# workers\n1 worker\n"})
        EXPECT_FALSE(parse_old_workers(text)) << text;
}

TEST(Info, TellsProcessAndStructure) {
    EXPECT_EQ(parse_info("Name: HAProxy\nPid: 77\nnode: x\ndescription: muster 00ff\n"),
              (HaproxyInfo{.pid = 77, .structure = "00ff"}));
    EXPECT_EQ(parse_info("Pid: 77\ndescription: by hand\n"), (HaproxyInfo{.pid = 77}));
    for (const std::string_view text : {"", "Pid: 1\n", "Pid: -7\n", "Pid: x\n", "Name: x\n"})
        EXPECT_FALSE(parse_info(text)) << text;
}

TEST(FailedReloads, AreCountedByTheMaster) {
    EXPECT_EQ(failed_reloads("#<PID> ...\n17813 master 0 [failed: 2] 0d00h09m46s\n"), 2);
    EXPECT_EQ(failed_reloads("17813 master 0\n"), std::nullopt);
    EXPECT_EQ(failed_reloads("[failed: "), std::nullopt);
}

}  // namespace
}  // namespace muster::agent
