#include "tests/cluster/scaled_fleet.hpp"

#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>
#include <vector>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr int backend_count = 4;
constexpr int most = 6;  ///< LBs

}  // namespace

ScaledFleet::ScaledFleet(Settings settings) : settings_(settings) {
    coredns_.emplace("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}");
    start_backends();
    Cluster::Settings nodes;
    nodes.more_settings = fmt::format(
        "dns:\n"
        "  etcd: {{endpoints: [\"{}\"]}}\n"
        "  zones: [muster.test]\n"
        "  allowed_addresses: [127.0.0.0/8]\n"
        "  servers: [\"127.0.0.1:{}\"]\n",
        etcd_.url(),
        coredns_->port());
    std::vector<std::string> addresses;
    for (int i = 1; i <= most; ++i) addresses.push_back(fmt::format("127.30.0.{}", i));
    nodes.more_settings += machines_.settings(addresses, port_);
    cluster_.emplace(nodes);
    config::GroupSpec group{.name = GroupName("web")};
    for (int i = 1; i <= backend_count; ++i)
        group.backends.push_back({.id = BackendId(fmt::format("b{}", i)),
                                  .address = fmt::format("127.40.0.{}", i),
                                  .port = backend_port_});
    cluster_->apply(group);
    if (!cluster_->wait_all_up(30s)) throw std::runtime_error("backends are not UP\n" + logs());
}

/// One HAProxy answers for all of them: what is measured is in front of it.
void ScaledFleet::start_backends() {
    std::string text =
        "global\n    nbthread 1\n    maxconn 4000\ndefaults\n    mode http\n    timeout connect "
        "5s\n"
        "    timeout client 60s\n    timeout server 60s\nfrontend all\n";
    for (int i = 1; i <= backend_count; ++i)
        text += fmt::format("    bind 127.40.0.{}:{}\n", i, backend_port_);
    text += "    http-request return status 200 content-type text/plain string \"ok\"\n";
    backends_.emplace(ProcessSettings{
        .argv = {"/usr/sbin/haproxy", "-db", "-f", files_.write("backends.cfg", text).string()},
        .env = {},
        .cwd = {},
        .output = files_ / "backends.log"});
}

std::string ScaledFleet::document(int size) const {
    return fmt::format(R"(kind: Fleet
name: edge
spec:
  listeners: [{{name: main, bind: ":{0}", group: web}}]
  health: {{interval: 500ms, timeout: 400ms, fall: 2}}
  dns: [{{name: {1}, ttl: 5s}}]
  provider:
    name: local
    hosts: [n0]
    parameters: {{cluster: main, zookeeper: "{2}", auth_file: "{3}", port: "{0}"}}
    drain_timeout: {4}s
    grace: {5}s
    replace_dead: false
  scaling:
    min: 1
    max: {7}
    period: 1s
    warm_up: 1s
    metrics: [{{name: floor, fixed: {6}}}]
    in: {{window: 0s, budgets: [{{count: 5, window: 1s}}]}}
)",
                       port_,
                       name(),
                       fmt::join(cluster_->zookeeper_addresses(), ","),
                       cluster_->agent_auth_file().string(),
                       settings_.drain_timeout.count(),
                       settings_.grace.count(),
                       size,
                       most);
}

void ScaledFleet::resize(int size) {
    cluster_->apply(document(size));
}

std::set<std::string> ScaledFleet::serving() {
    std::set<std::string> ids;
    const auto master = cluster_->master();
    if (!master) return ids;
    const auto answer = cluster_->get(*master, "/api/v1/fleets/edge/scaling");
    last_ = answer.body;
    if (answer.status != 200) return ids;
    for (const json::value& one : json::parse(answer.body).at("instances").as_array())
        if (one.at("phase").as_string() == "serving") ids.emplace(one.at("id").as_string());
    return ids;
}

std::set<std::string> ScaledFleet::answered() {
    asio::io_context context;
    AsioClock clock;
    auto asked = asio::co_spawn(context,
                                dnsupdate::ask(clock,
                                               {.host = "127.0.0.1", .port = coredns_->port()},
                                               dnsupdate::DnsName(name()),
                                               dnsupdate::RecordType::a,
                                               6s),
                                asio::use_future);
    context.run();
    std::set<std::string> addresses;
    if (const auto answer = asked.get(); answer)
        for (const dnsupdate::DnsRecord& record : answer->records) addresses.insert(record.data);
    return addresses;
}

bool ScaledFleet::comes_to(std::size_t size, std::chrono::seconds limit) {
    return eventually(limit, [&] {
        return machines_.count() == size && answered().size() == size && serving().size() == size;
    });
}

void ScaledFleet::end_at_once(const std::string& id) const {
    if (!machines_.end_softly("n0", id)) throw std::runtime_error("no machine " + id);
}

std::string ScaledFleet::logs() {
    return last_ + "\n" + cluster_->logs() + machines_.logs();
}

}  // namespace muster::test
