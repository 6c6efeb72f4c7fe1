#include "agent/haproxy_counters.hpp"

#include "agent/haproxy_errc.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace muster::agent {
namespace {

using config::ListenMode;

// As HAProxy 2.6 writes it, cut behind the columns that are read; b2 refuses connections, which
// were tried again elsewhere.
const std::string head =
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
    "wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,"
    "lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,"
    "hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,\n";
const std::string http_rows =
    "web:http,b1,0,0,0,1,,30,380,1330,,0,,0,0,0,0,no check,1,1,0,,,1,,,1,4,1,,10,,2,10,,10,,,,1,"
    "2,3,4,10,5,,\n"
    "web:http,b2,0,0,0,1,,9,0,0,,0,,1,2,3,9,no check,1,1,0,,,1,,,1,4,2,,9,,2,9,,9,,,,0,0,0,0,0,0,"
    ",\n";
const std::string tcp_rows =
    "web:tcp,b1,0,0,0,1,,10,380,1330,,0,,0,0,0,0,no check,1,1,0,,,1,,,1,4,1,,10,,2,10,,10,,,,,,,,"
    ",,,\n"
    "web:tcp,b2,0,0,0,1,,9,0,0,,0,,0,0,0,12,no check,1,1,0,,,1,,,1,4,2,,9,,2,9,,9,,,,,,,,,,,\n";

using Servers = std::map<std::string, ServerCounters, std::less<>>;

TEST(HaproxyCounters, AreReadByTheNamesOfTheColumns) {
    EXPECT_EQ(parse_counters(head + http_rows, "web:http", ListenMode::http).value(),
              (Servers{{"b1", {.answers = 25, .errors = 10, .failures = 0}},
                       {"b2", {.answers = 15, .errors = 0, .failures = 15}}}));
    EXPECT_EQ(parse_counters(head + tcp_rows, "web:tcp", ListenMode::tcp).value(),
              (Servers{{"b1", {.answers = 10, .errors = 0, .failures = 0}},
                       {"b2", {.answers = 12, .errors = 0, .failures = 12}}}))
        << "a session is an answer, but none that failed is good";
    EXPECT_EQ(parse_counters(head, "web:http", ListenMode::http).value(), Servers{});
    const std::string moved =
        "# hrsp_other,hrsp_5xx,hrsp_4xx,hrsp_3xx,hrsp_2xx,hrsp_1xx,wredis,wretr,eresp,econ,stot,"
        "svname,pxname,new\n6,5,4,3,2,1,0,0,0,0,99,b1,w,\"a text, with \"\"commas\"\", in it\"\n";
    EXPECT_EQ(parse_counters(moved, "w", ListenMode::http).value(),
              (Servers{{"b1", {.answers = 21, .errors = 5, .failures = 0}}}));
}

TEST(HaproxyCounters, AreRefusedWhenTheyDontRead) {
    const auto refused = [](const std::string& answer) {
        const auto read = parse_counters(answer, "web:http", ListenMode::http);
        EXPECT_FALSE(read) << answer;
        if (!read) EXPECT_EQ(read.error().code, HaproxyErrc::bad_answer);
    };
    refused("");
    refused("Permission denied\n");
    refused("pxname,svname\n");
    refused("# pxname,svname\nweb:http,b1\n");
    refused(head + "web:http,b1,0,0\n");
    refused(head + tcp_rows);
    for (const char* bad : {"-1", "1.5", "x", "99999999999999999999999", "18446744073709551615"}) {
        std::string rows = http_rows;
        rows.replace(rows.find(",10,5,,"), 7, std::string(",") + bad + ",5,,");
        refused(head + rows);
    }
    refused("# " + std::string(2'000, ',') + "\n");
    refused(head + std::string(2'000, ',') + "\n");
    refused("# " + std::string(1'000, ',') + head.substr(2));
}

TEST(HaproxyCounters, StandAnyBytes) {
    std::mt19937 random(3);
    const std::string good = head + http_rows;
    int read = 0;
    for (int round = 0; round < 5'000; ++round) {
        std::string text = good;
        for (int n = static_cast<int>(random() % 4) + 1; n > 0; --n) {
            const std::size_t at = random() % text.size();
            switch (random() % 3) {
                case 0:
                    text[at] = static_cast<char>(random());
                    break;
                case 1:
                    text.erase(at, random() % 40);
                    break;
                default:
                    text.insert(at, 1, ",\"\n9"[random() % 4]);
            }
        }
        const auto counters = parse_counters(text, "web:http", ListenMode::http);
        if (!counters) continue;
        ++read;
        for (const auto& [name, counted] : *counters) {
            EXPECT_LE(counted.errors, counted.answers);
            EXPECT_LE(counted.failures, counted.answers);
        }
    }
    EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace muster::agent
