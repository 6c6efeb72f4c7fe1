#include "tests/support/name_server.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace muster::test {

namespace {

constexpr std::chrono::seconds start_limit{20};

}  // namespace

std::string to_string(NameServer::Kind kind) {
    return kind == NameServer::Kind::bind ? "bind" : "knot";
}

NameServer::NameServer(Kind kind, const std::string& zone, const std::string& records)
    : port_(free_port()) {
    directory_.write("zone",
                     fmt::format("$TTL 300\n"
                                 "@ IN SOA ns.{0}. hostmaster.{0}. 1 3600 600 86400 30\n"
                                 "@ IN NS ns.{0}.\n"
                                 "ns IN A 127.0.0.1\n"
                                 "{1}\n",
                                 zone,
                                 records));
    const bool is_bind = kind == Kind::bind;
    is_bind ? start_bind(zone) : start_knot(zone);
    const std::string ready = is_bind ? "all zones loaded" : "loaded, serial";
    const bool serves = eventually(start_limit, [&] {
        return process_->running() && output().find(ready) != std::string::npos;
    });
    if (!serves)
        throw std::runtime_error(to_string(kind) + " does not come up: " + process_->output());
}

NameServer::~NameServer() {
    if (process_) process_->kill();
}

std::string NameServer::secret() {
    return "bXVzdGVyLXRlc3RzLW11c3Rlci10ZXN0cy1tdXN0ZXI=";
}

void NameServer::start_bind(const std::string& zone) {
    const std::string key = fmt::format("algorithm hmac-sha256; secret \"{}\";", secret());
    const auto conf = directory_.write(
        "named.conf",
        fmt::format("options {{\n"
                    "  directory \"{0}\";\n"
                    "  pid-file none; lock-file none;\n"
                    "  session-keyfile \"{0}/session.key\";\n"
                    "  listen-on port {1} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n"
                    "  recursion no; dnssec-validation no; notify no; empty-zones-enable no;\n"
                    "}};\n"
                    "controls {{ }};\n"
                    "key \"muster\" {{ {2} }};\n"
                    "key \"guest\" {{ {2} }};\n"
                    "zone \"{3}\" {{\n"
                    "  type primary; file \"zone\";\n"
                    "  update-policy {{ grant muster zonesub ANY; }};\n"
                    "  allow-transfer {{ key muster; }};\n"
                    "  max-records-per-type 400;\n"
                    "}};\n",
                    directory_.path().string(),
                    port_,
                    key,
                    zone));
    process_.emplace(ProcessSettings{.argv = {"named", "-g", "-n", "1", "-c", conf.string()},
                                     .output = directory_ / "named.log"});
}

void NameServer::start_knot(const std::string& zone) {
    const auto conf = directory_.write("knot.conf",
                                       fmt::format("server:\n"
                                                   "  rundir: {0}\n"
                                                   "  listen: 127.0.0.1@{1}\n"
                                                   "  tcp-workers: 1\n"
                                                   "  udp-workers: 1\n"
                                                   "  background-workers: 1\n"
                                                   "log:\n"
                                                   "  - target: stdout\n"
                                                   "    any: info\n"
                                                   "database:\n"
                                                   "  storage: {0}\n"
                                                   "  journal-db-mode: asynchronous\n"
                                                   "control:\n"
                                                   "  listen: {0}/knot.sock\n"
                                                   "key:\n"
                                                   "  - id: muster\n"
                                                   "    algorithm: hmac-sha256\n"
                                                   "    secret: {2}\n"
                                                   "  - id: guest\n"
                                                   "    algorithm: hmac-sha256\n"
                                                   "    secret: {2}\n"
                                                   "acl:\n"
                                                   "  - id: muster\n"
                                                   "    key: muster\n"
                                                   "    action: [transfer, update]\n"
                                                   "zone:\n"
                                                   "  - domain: {3}\n"
                                                   "    storage: {0}\n"
                                                   "    file: zone\n"
                                                   "    acl: muster\n",
                                                   directory_.path().string(),
                                                   port_,
                                                   secret(),
                                                   zone));
    process_.emplace(ProcessSettings{.argv = {"knotd", "-c", conf.string()},
                                     .output = directory_ / "knotd.log"});
}

void NameServer::pause() {
    process_->pause();
}

void NameServer::resume() {
    process_->resume();
}

}  // namespace muster::test
