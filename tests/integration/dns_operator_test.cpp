// The operator's DNS verbs, end to end: musterctl against real musterds, ZooKeeper, etcd, HAProxies
// and a CoreDNS that is asked.
#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using dnsupdate::DnsName;
using dnsupdate::RecordType;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* fence_key = "/muster/main/fence";
constexpr const char* api = "api.muster.test";

class DnsOperator : public testing::Test {
 protected:
    static constexpr std::size_t backends = 2;

    void SetUp() override {
        if (const std::string missing = CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        coredns_.emplace("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}");
        start_cluster();
    }

    void start_cluster() {
        lbs_.clear();
        Cluster::Settings settings{.nodes = 2};
        settings.more_settings = fmt::format(
            "dns:\n"
            "  allowed_addresses: [127.0.0.0/8]\n"
            "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
            "  zones: [muster.test]\n"
            "  servers: [\"127.0.0.1:{}\"]\n",
            etcd_.url(),
            coredns_->port());
        cluster_.reset();
        cluster_.emplace(std::move(settings));
        cluster_->apply(make_group(responder_, "web", 0, backends, 500ms, 2));
        config::FleetSpec fleet{.name = FleetName("edge")};
        fleet.listeners = {{.name = "main", .port = port_, .group = GroupName("web")}};
        fleet.health.interval = 500ms;
        fleet.health.timeout = 400ms;
        fleet.health.fall = 2;
        fleet.health.agent_port = agent_port_;
        fleet.dns = {{.name = api, .types = {config::DnsType::a}, .ttl = 5s}};
        cluster_->apply(fleet);
        ASSERT_TRUE(cluster_->wait_all_up(30s));
        for (int number = 1; number <= 2; ++number) {
            const std::string host = fmt::format("127.0.0.{}", number + 1);
            lbs_.push_back(std::make_unique<LoadBalancer>(
                *cluster_,
                LoadBalancer::Settings{.instance = fmt::format("lb{}", number),
                                       .bind_address = host,
                                       .address = fmt::format("{}:{}", host, port_),
                                       .agent_port = agent_port_}));
            lbs_.back()->start();
        }
    }

    /// What musterctl prints, of a node that need not be the master; `code` is its exit code.
    std::string ctl(std::vector<std::string> arguments, int* code = nullptr) {
        const auto output = directory_.path() / fmt::format("ctl-{}", ++calls_);
        std::vector<std::string> argv{built_program("ctl/musterctl"), "--url", cluster_->url(0)};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        Process process(ProcessSettings{.argv = std::move(argv), .output = output});
        const auto end = process.wait(20s);
        if (code != nullptr) *code = end ? end->code : -1;
        return process.output();
    }
    /// "127.0.0.2 127.0.0.3", the code where it isn't NOERROR, or why nobody answers.
    [[nodiscard]] std::string answer() {
        auto asked = asio::co_spawn(context_,
                                    dnsupdate::ask(clock_,
                                                   {.host = "127.0.0.1", .port = coredns_->port()},
                                                   DnsName(api),
                                                   RecordType::a,
                                                   6s),
                                    asio::use_future);
        context_.restart();
        context_.run();
        const Result<dnsupdate::DnsAnswer> got = asked.get();
        if (!got) return got.error().message();
        if (got->code != "NOERROR") return got->code;
        std::vector<std::string> data;
        for (const dnsupdate::DnsRecord& record : got->records) data.push_back(record.data);
        std::ranges::sort(data);
        return fmt::format("{}", fmt::join(data, " "));
    }
    [[nodiscard]] bool answers(const std::string& wanted, std::chrono::seconds limit = 30s) {
        return eventually(limit, [&] { return answer() == wanted; });
    }
    /// Until musterctl says it.
    [[nodiscard]] bool says(const std::vector<std::string>& arguments, const std::string& part) {
        return eventually(30s, [&] { return ctl(arguments).contains(part); });
    }
    [[nodiscard]] std::string logs() {
        std::string all;
        for (std::size_t node = 0; node < cluster_->size(); ++node) {
            if (cluster_->running(node)) all += cluster_->get(node, "/api/v1/dns").body + "\n";
            all += cluster_->output(node);
        }
        return all;
    }
    [[nodiscard]] std::string fence() {
        return etcd_.ctl({"get", fence_key, "--print-value-only"});
    }
    /// What `fence show` tells of the version: its mod_revision.
    [[nodiscard]] std::string fence_version() {
        const std::string json = etcd_.ctl({"get", fence_key, "-w", "json"});
        const std::string before = R"("mod_revision":)";
        const std::size_t place = json.find(before);
        if (place == std::string::npos) return "0";
        return json.substr(place + before.size(), json.find(',', place) - place - before.size());
    }

    const std::uint16_t port_ = free_port();
    const std::uint16_t agent_port_ = free_port();
    const std::string both_ = "127.0.0.2 127.0.0.3";
    TempDir directory_;
    int calls_ = 0;
    EtcdServer etcd_;
    std::optional<CoreDnsServer> coredns_;
    Responder responder_{backends};
    std::optional<Cluster> cluster_;
    std::vector<std::unique_ptr<LoadBalancer>> lbs_;
    asio::io_context context_;
    AsioClock clock_;
};

TEST_F(DnsOperator, PlansShowsExplainsAndDoesWhatWasShown) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    int code = -1;
    EXPECT_TRUE(eventually(10s, [&] { return ctl({"dns", "diff"}, &code).empty() && code == 0; }));
    ctl({"pause", "dns"}, &code);
    ASSERT_EQ(code, 0);
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(says({"dns", "diff"}, "- edge-lb2 127.0.0.3")) << ctl({"dns", "diff"}) << logs();
    EXPECT_THAT(ctl({"dns", "diff"}, &code), HasSubstr(api));
    EXPECT_EQ(code, 1);
    EXPECT_EQ(answer(), both_) << "in a pause muster only plans";

    const std::string file = (directory_.path() / "plan.json").string();
    EXPECT_THAT(ctl({"dns", "plan", "-o", file}, &code),
                AllOf(HasSubstr("remove"), HasSubstr("edge-lb2 127.0.0.3"), HasSubstr("down")));
    EXPECT_EQ(code, 0);
    const std::string explained = ctl({"dns", "explain", api}, &code);
    EXPECT_EQ(code, 0);
    EXPECT_THAT(explained,
                AllOf(HasSubstr("edge-lb1"),
                      HasSubstr("answered, to go"),
                      HasSubstr("(this office); generation"),
                      HasSubstr("NOERROR 127.0.0.2 127.0.0.3"),
                      HasSubstr("DOWN")));

    // Who edits a plan has another one.
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    std::string edited = text.str();
    const std::size_t place = edited.find("edge-lb2");
    ASSERT_NE(place, std::string::npos);
    edited.replace(place, 8, "edge-lb1");
    EXPECT_THAT(ctl({"dns", "apply", directory_.write("edited.json", edited)}, &code),
                HasSubstr("edge-lb1 would not be removed"));
    EXPECT_EQ(code, 4);

    EXPECT_THAT(ctl({"dns", "apply", file}, &code), HasSubstr("api.muster.test done"));
    EXPECT_EQ(code, 0);
    EXPECT_TRUE(answers("127.0.0.2")) << answer() << logs();
    EXPECT_THAT(ctl({"dns", "apply", file}, &code),
                HasSubstr("nothing is to be written there any more"));
    EXPECT_EQ(code, 4);
    EXPECT_THAT(ctl({"events", "--audit"}), HasSubstr("dns plan applied"));
    EXPECT_THAT(ctl({"dns", "plan", "--empty", api}, &code), HasSubstr("back at once"));
    EXPECT_EQ(code, 4);
    EXPECT_THAT(ctl({"dns", "explain", "a_.b!"}, &code),
                HasSubstr("the name must be a domain name"));

    lbs_[1]->start_haproxy();
    ctl({"resume", "dns"});
    EXPECT_TRUE(answers(both_)) << answer() << logs();
}

TEST_F(DnsOperator, RepairsAFenceThatWasDeletedOrIsGarbage) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    const auto went_on = [&](bool with_two) {
        with_two ? lbs_[1]->start_haproxy() : lbs_[1]->kill_haproxy();
        return answers(with_two ? both_ : "127.0.0.2");
    };
    etcd_.ctl({"put", fence_key, "garbage"});
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(says({"dns", "fence", "show"}, "is no fence")) << logs();
    int code = -1;
    EXPECT_THAT(ctl({"dns", "fence", "repair", "--expect-mod-rev", "1"}, &code),
                HasSubstr("not 1"));
    EXPECT_EQ(code, 4);
    EXPECT_EQ(answer(), both_) << "nothing is written";
    ctl({"dns", "fence", "repair", "--expect-mod-rev", fence_version()}, &code);
    EXPECT_EQ(code, 0);
    EXPECT_TRUE(answers("127.0.0.2")) << answer() << logs();

    etcd_.ctl({"del", fence_key});
    lbs_[1]->start_haproxy();
    ASSERT_TRUE(says({"dns", "fence", "show"}, "was deleted by somebody")) << logs();
    EXPECT_EQ(answer(), "127.0.0.2");
    EXPECT_EQ(fence(), "");
    ctl({"dns", "fence", "repair", "--expect-mod-rev", "0"}, &code);
    EXPECT_EQ(code, 0);
    EXPECT_TRUE(answers(both_)) << answer() << logs();
    EXPECT_THAT(ctl({"events", "--audit"}), HasSubstr("dns fence repaired"));
    EXPECT_TRUE(went_on(false)) << answer() << logs();
}

TEST_F(DnsOperator, AfterZooKeeperWasWipedALargerEraAndAdoptionGoOn) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    // Some offices more than the next ZooKeeper will have had.
    for (int office = 0; office < 3; ++office) {
        const std::string before = fence();
        // The node that is asked may not know of the office before, and then nobody steps down.
        ASSERT_TRUE(eventually(60s, [&] {
            ctl({"step-down"});
            return eventually(3s, [&] { return fence() > before; });
        })) << logs();
    }
    const std::string before = fence();
    start_cluster();
    ASSERT_TRUE(says({"dns", "fence", "show"}, "dns fence bump-era")) << logs();
    EXPECT_EQ(fence(), before) << "refused";
    EXPECT_EQ(answer(), both_) << "what is there stays";
    int code = -1;
    EXPECT_THAT(ctl({"dns", "fence", "bump-era"}, &code), HasSubstr("the era is 2, was 1"));
    EXPECT_EQ(code, 0);
    EXPECT_TRUE(eventually(30s, [&] { return fence().starts_with("00000002-"); })) << logs();
    EXPECT_THAT(ctl({"events", "--audit"}), HasSubstr("era raised"));

    // The records are of another cluster's uuid: they are taken over by who says so.
    ASSERT_TRUE(says({"dns", "plan"}, "musterctl dns adopt api.muster.test")) << logs();
    ASSERT_TRUE(eventually(30s,
                           [&] {
                               const std::string differs = ctl({"dns", "diff"});
                               return differs.contains("+ edge-lb1") &&
                                      differs.contains("+ edge-lb2");
                           }))
        << ctl({"dns", "diff"}) << logs();
    EXPECT_THAT(ctl({"dns", "adopt", api}, &code),
                AllOf(HasSubstr("adopt"),
                      HasSubstr("/skydns/test/muster/api"),
                      HasSubstr("nothing was done")));
    EXPECT_EQ(answer(), both_);
    EXPECT_THAT(ctl({"dns", "adopt", "--yes", api}, &code), HasSubstr("done"));
    EXPECT_EQ(code, 0);
    EXPECT_EQ(answer(), both_);
    EXPECT_THAT(etcd_.ctl({"get", "--prefix", "/muster/main/quarantine/", "--keys-only"}),
                HasSubstr("/skydns/test/muster/api"));
    lbs_[1]->kill_haproxy();
    EXPECT_TRUE(answers("127.0.0.2")) << answer() << logs();
}

TEST_F(DnsOperator, AdoptsWhatOthersPublishWithoutAGap) {
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    ctl({"pause", "dns"});
    etcd_.ctl({"del", "--prefix", "/skydns/test/muster/api"});
    etcd_.ctl({"put", "/skydns/test/muster/api/3f2a9c01", R"({"host":"127.0.0.9","ttl":5})"});
    ctl({"resume", "dns"});
    ASSERT_TRUE(says({"dns", "explain", api}, "not ours: /skydns/test/muster/api/3f2a9c01"))
        << logs();
    EXPECT_EQ(answer(), "127.0.0.9") << "left to whoever has written it";
    int code = -1;
    EXPECT_THAT(ctl({"dns", "adopt", "--yes", api}, &code), HasSubstr("done"));
    EXPECT_EQ(code, 0);
    EXPECT_EQ(answer(), both_) << logs();
    EXPECT_THAT(etcd_.ctl({"get", "/muster/main/quarantine/skydns/test/muster/api/3f2a9c01"}),
                HasSubstr("127.0.0.9"));
    EXPECT_THAT(ctl({"dns", "adopt", "--yes", "www.muster.test"}, &code),
                HasSubstr("no fleet publishes www.muster.test"));
    EXPECT_EQ(code, 4);
}

TEST_F(DnsOperator, NoticesAnEtcdThatWasRestoredUnderIt) {
    const auto snapshot = (directory_.path() / "snapshot").string();
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    etcd_.ctl({"snapshot", "save", snapshot});
    lbs_[1]->kill_haproxy();
    ASSERT_TRUE(answers("127.0.0.2")) << answer() << logs();
    // The mark of how far the store had come is kept after the next write.
    for (int n = 0; n < 50; ++n) etcd_.ctl({"put", "/elsewhere", std::to_string(n)});
    ASSERT_TRUE(says({"dns", "fence", "show"}, "all is well"));
    etcd_.restore(snapshot);
    EXPECT_EQ(answer(), both_) << "the old records";
    EXPECT_TRUE(eventually(30s, [&] { return logs().contains("event=dns_store_distrusted"); }))
        << logs();
    EXPECT_TRUE(answers("127.0.0.2")) << answer() << logs();
    EXPECT_TRUE(eventually(30s, [&] { return logs().contains("event=dns_store_trusted"); }))
        << logs();
}

TEST_F(DnsOperator, NamesComeBackToAnEmptyEtcdWhileNothingIsHealthy) {
    const auto snapshot = (directory_.path() / "snapshot").string();
    ASSERT_TRUE(answers(both_)) << answer() << logs();
    etcd_.ctl({"del", "--prefix", "/skydns"});
    etcd_.ctl({"del", fence_key});
    etcd_.ctl({"snapshot", "save", snapshot});
    int code = -1;
    ASSERT_TRUE(says({"dns", "fence", "show"}, "was deleted"));
    ctl({"dns", "fence", "repair", "--expect-mod-rev", "0"}, &code);
    ASSERT_EQ(code, 0);
    ASSERT_TRUE(answers(both_)) << logs();
    for (const auto& lb : lbs_) lb->kill_haproxy();
    ASSERT_TRUE(says({"why", "@edge/lb1"}, "DOWN")) << logs();
    etcd_.restore(snapshot);
    EXPECT_TRUE(eventually(30s, [&] { return answer().starts_with("127.0.0."); }))
        << answer() << logs();
}

}  // namespace
}  // namespace muster::test
