#include "tests/never_empty/name_faults.hpp"

#include "common/http/client.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/responder.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <map>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using dnsupdate::RecordType;

namespace {

constexpr std::size_t instances = 6;
const std::string name = "api.muster.test";
const std::string keys = "/skydns/test/muster/api";

class World {
 public:
    World() {
        cluster_.apply(make_group(responder_, "web", 0, 1, 1s));
        config::FleetSpec fleet{.name = FleetName("edge")};
        for (std::size_t i = 0; i < instances; ++i)
            fleet.instances.push_back({.id = InstanceId(fmt::format("lb-{}", i)),
                                       .address = responder_.host(i),
                                       .port = responder_.port()});
        fleet.listeners = {{.name = "main", .port = responder_.port(), .group = GroupName("web")}};
        fleet.health = {.interval = 500ms, .timeout = 400ms, .rise = 1, .fall = 2};
        fleet.dns = {
            {.name = name, .types = {config::DnsType::a, config::DnsType::srv}, .ttl = 5s}};
        cluster_.apply(fleet);
        // Nobody asks for the name before it is there: with serve_stale, CoreDNS 1.11 answers with
        // an NXDOMAIN of then, however old, whenever etcd is away.
        if (!eventually(60s, [this] { return etcd_.ctl({"get", keys + "/edge-lb-0"}) != ""; }))
            throw std::runtime_error("nothing is published: " + cluster_.output(0));
        wait_until_well("the first publication");
    }

    FaultReport run(const std::string& fault) {
        const NameProber prober(coredns_.port(), name, {RecordType::a, RecordType::srv});
        faults().at(fault)(*this);
        const Stopwatch watch;
        wait_until_well(fault);
        // What caches hold of the fault runs out.
        const auto well_again = watch.elapsed();
        last(6s);
        return {.fault = fault, .tally = prober.tally(), .well_again = well_again};
    }

    using Fault = void (*)(World&);
    static const std::map<std::string, Fault>& faults();

 private:
    /// A fault takes its time: nothing is waited for in it.
    void last(std::chrono::nanoseconds span) {
        asio::co_spawn(context_, clock_.sleep_for(span), rethrow);
        context_.restart();
        context_.run();
    }
    void last(int seconds) { last(std::chrono::seconds(seconds)); }

    std::size_t master() {
        if (!cluster_.wait_for_master(60s)) throw std::runtime_error("no master");
        return cluster_.master().value();
    }
    void restart_all() {
        for (std::size_t node = 0; node < cluster_.size(); ++node)
            if (!cluster_.running(node)) cluster_.start(node);
    }
    void kill_nodes() {
        for (std::size_t node = 0; node < cluster_.size(); ++node) cluster_.kill_host(node);
    }
    void kill_zookeepers() {
        for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().kill(i);
    }
    void start_zookeepers() {
        for (std::size_t i = 0; i < cluster_.zookeeper().size(); ++i) cluster_.zookeeper().start(i);
        cluster_.zookeeper().wait_until_serving();
    }
    void all_lbs(Responder::Behaviour behaviour) {
        for (std::size_t i = 0; i < instances; ++i) responder_.set(i, behaviour);
    }
    /// By etcd's own API: etcdctl can only disarm.
    void alarm(const std::string& member) {
        auto asked = asio::co_spawn(
            context_,
            http::fetch(
                clock_,
                {.method = "POST",
                 .url = etcd_.url() + "/v3/maintenance/alarm",
                 .body = fmt::format(R"({{"action":"ACTIVATE","memberID":"{}","alarm":"NOSPACE"}})",
                                     member)}),
            asio::use_future);
        context_.restart();
        context_.run();
        const auto answer = asked.get();
        if (!answer || answer->status != 200) throw std::runtime_error("etcd takes no alarm");
    }
    /// All LBs are in DNS and no node is missing.
    void wait_until_well(const std::string& after) {
        const bool well = eventually(90s, [&] {
            restart_all();
            return addresses() == instances;
        });
        if (well && cluster_.wait_members(cluster_.size(), 60s)) return;
        throw std::runtime_error(fmt::format("{} addresses of {} after {}: {}\n{}",
                                             addresses(),
                                             instances,
                                             after,
                                             cluster_.get(0, "/api/v1/dns").body,
                                             cluster_.output(0)));
    }
    [[nodiscard]] std::size_t addresses() {
        auto asked = asio::co_spawn(context_,
                                    dnsupdate::ask(clock_,
                                                   {.host = "127.0.0.1", .port = coredns_.port()},
                                                   dnsupdate::DnsName(name),
                                                   RecordType::a,
                                                   6s),
                                    asio::use_future);
        context_.restart();
        context_.run();
        const Result<dnsupdate::DnsAnswer> answer = asked.get();
        return answer ? answer->records.size() : 0;
    }

    EtcdServer etcd_;
    CoreDnsServer coredns_{"muster.test",
                           "etcd {\n path /skydns\n endpoint " + etcd_.url() +
                               "\n}\ncache 30 {\n serve_stale 1h verify\n servfail 0\n}\n"};
    Responder responder_{instances};
    Cluster cluster_{
        {.more_settings = fmt::format("dns:\n"
                                      "  allowed_addresses: [127.0.0.0/8]\n"
                                      "  etcd: {{endpoints: [\"{}\"], timeout: 500ms}}\n"
                                      "  zones: [muster.test]\n"
                                      "  servers: [\"127.0.0.1:{}\"]\n",
                                      etcd_.url(),
                                      coredns_.port())}};
    asio::io_context context_;
    AsioClock clock_;
};

const std::map<std::string, World::Fault>& World::faults() {
    using Behaviour = Responder::Behaviour;
    static const std::map<std::string, Fault> all{
        {"master_killed", [](World& w) { w.cluster_.kill_process(w.master()); }},
        {"master_host_killed", [](World& w) { w.cluster_.kill_host(w.master()); }},
        {"master_sleeps",
         [](World& w) {
             const std::size_t master = w.master();
             w.cluster_.pause(master);
             w.responder_.set(0, Behaviour::reset);
             w.last(6);
             w.cluster_.resume(master);
             w.responder_.set(0, Behaviour::healthy);
         }},
        {"nodes_killed",
         [](World& w) {
             w.kill_nodes();
             w.last(8);
         }},
        {"zookeeper_leader_killed",
         [](World& w) {
             const std::size_t leader = w.cluster_.zookeeper().leader();
             w.cluster_.zookeeper().kill(leader);
             w.last(4);
             w.cluster_.zookeeper().start(leader);
         }},
        {"zookeeper_down",
         [](World& w) {
             w.kill_zookeepers();
             w.responder_.set(1, Behaviour::reset);
             w.last(8);
             w.start_zookeepers();
             w.responder_.set(1, Behaviour::healthy);
         }},
        {"etcd_killed",
         [](World& w) {
             w.etcd_.kill();
             w.responder_.set(2, Behaviour::reset);
             w.last(12);
             w.etcd_.start();
             w.responder_.set(2, Behaviour::healthy);
         }},
        {"etcd_sleeps",
         [](World& w) {
             w.etcd_.pause();
             w.last(8);
             w.etcd_.resume();
         }},
        {"etcd_slow",
         [](World& w) {
             for (int i = 0; i < 4; ++i) {
                 w.etcd_.pause();
                 w.last(3);
                 w.etcd_.resume();
                 w.last(200ms);
             }
         }},
        {"etcd_without_space",
         [](World& w) {
             const std::string id = w.etcd_.ctl({"endpoint", "status", "-w", "fields"});
             const std::size_t at = id.find("\"MemberID\" : ") + 13;
             w.alarm(id.substr(at, id.find('\n', at) - at));
             w.responder_.set(3, Behaviour::reset);
             w.last(8);
             w.responder_.set(3, Behaviour::healthy);
             w.etcd_.ctl({"alarm", "disarm"});
         }},
        {"etcd_compacted",
         [](World& w) {
             const std::string said = w.etcd_.ctl({"endpoint", "status", "-w", "fields"});
             const std::size_t at = said.find("\"Revision\" : ") + 13;
             w.etcd_.ctl({"compact", said.substr(at, said.find('\n', at) - at)});
             w.etcd_.ctl({"defrag"});
         }},
        {"etcd_refuses",
         [](World& w) {
             w.etcd_.ctl({"user", "add", "root:secret"});
             w.etcd_.ctl({"user", "grant-role", "root", "root"});
             w.etcd_.ctl({"auth", "enable"});
             w.last(8);
             w.etcd_.ctl({"auth", "disable", "--user=root:secret"});
         }},
        {"etcd_restored",
         [](World& w) {
             const TempDir directory;
             const std::filesystem::path snapshot = directory / "snapshot";
             w.responder_.set(4, Behaviour::reset);
             w.etcd_.ctl({"snapshot", "save", snapshot.string()});
             w.last(3);
             w.responder_.set(4, Behaviour::healthy);
             w.etcd_.restore(snapshot);
         }},
        {"lbs_die",
         [](World& w) {
             w.all_lbs(Behaviour::reset);
             w.last(10);
             w.all_lbs(Behaviour::healthy);
         }},
        {"lbs_flap",
         [](World& w) {
             for (int i = 0; i < 6; ++i) {
                 w.all_lbs(i % 2 == 0 ? Behaviour::reset : Behaviour::healthy);
                 w.last(1500ms);
             }
         }},
        {"lbs_die_and_etcd_sleeps",
         [](World& w) {
             w.etcd_.pause();
             w.all_lbs(Behaviour::reset);
             w.last(4);
             w.etcd_.resume();
             w.last(4);
             w.all_lbs(Behaviour::healthy);
         }},
        {"all_at_once",
         [](World& w) {
             w.kill_zookeepers();
             w.etcd_.kill();
             w.kill_nodes();
             w.all_lbs(Behaviour::reset);
             w.last(6);
             w.etcd_.start();
             w.start_zookeepers();
             w.restart_all();
             w.last(6);
             w.all_lbs(Behaviour::healthy);
         }},
        {"garbage_in_etcd",
         [](World& w) {
             w.etcd_.ctl({"put", keys + "/edge-lb-0", "{"});
             w.etcd_.ctl({"put", keys + "/stranger", "[]"});
             w.etcd_.ctl({"put", "/skydns/test/muster/API/x", R"({"host":"127.0.0.9"})"});
             w.last(8);
             w.etcd_.ctl({"del", "/skydns/test/muster/API/x"});
         }},
        {"half_deleted_in_etcd",
         [](World& w) {
             for (const char* const id : {"/edge-lb-0", "/edge-lb-2", "/edge-lb-4"})
                 w.etcd_.ctl({"del", keys + id});
             w.etcd_.ctl({"del", keys});
         }},
    };
    return all;
}

}  // namespace

std::vector<std::string> name_faults() {
    std::vector<std::string> names;
    for (const auto& [fault, _] : World::faults()) names.push_back(fault);
    return names;
}

std::vector<FaultReport> run_name_faults(const std::vector<std::string>& faults) {
    World world;
    std::vector<FaultReport> reports;
    for (const std::string& fault : faults) reports.push_back(world.run(fault));
    return reports;
}

}  // namespace muster::test
