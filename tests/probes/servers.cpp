#include "tests/probes/servers.hpp"

#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace muster::test {

namespace {

using Argv = std::vector<std::string>;
constexpr std::chrono::seconds setup_limit{60};

constexpr uid_t nobody = 65'534;

/// For programs that refuse to run as root.
void give_to_nobody(const std::filesystem::path& path) {
    if (::geteuid() == 0 && ::chown(path.c_str(), nobody, nobody) != 0)
        throw std::runtime_error(fmt::format("{} can't be given away", path.string()));
}

Argv as_nobody(const Argv& argv) {
    if (::geteuid() != 0) return argv;
    Argv whole{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"};
    whole.insert(whole.end(), argv.begin(), argv.end());
    return whole;
}

void run(Argv argv, const std::filesystem::path& output) {
    const std::string name = argv.front();
    Process process({.argv = std::move(argv), .output = output});
    const auto status = process.wait(setup_limit);
    if (status != ExitStatus{})
        throw std::runtime_error(fmt::format("{} failed: {}", name, process.output()));
}

std::filesystem::path postgres_programs() {
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
        if (std::filesystem::exists(version.path() / "bin/postgres")) return version.path() / "bin";
    }
    throw std::runtime_error("PostgreSQL is not installed");
}

void allow(const std::filesystem::path& path) {
    std::filesystem::permissions(path, std::filesystem::perms(0755));
}

}  // namespace

Server::Server() : port_(free_port()) {
    allow(directory_.path());
}

void Server::start(std::vector<std::string> argv) {
    process_ = std::make_unique<Process>(
        ProcessSettings{.argv = std::move(argv), .output = directory_ / "output"});
}

Server::~Server() {
    thaw();
}

void Server::start_python(const std::string& program) {
    start({"/usr/bin/python3", directory_.write("server.py", program)});
}

void Server::freeze() {
    // Some of its children may have left its process group.
    const auto stop = [&](pid_t pid) {
        if (test::freeze(pid)) frozen_.push_back(pid);
    };
    stop(process_->pid());
    for (std::size_t i = 0; i < frozen_.size(); ++i) {
        for (const pid_t child : children_of(frozen_[i])) stop(child);
    }
}

void Server::thaw() {
    for (const pid_t pid : std::exchange(frozen_, {})) test::thaw(pid);
}

void write_certificates(const TempDir& directory) {
    using namespace std::chrono_literals;
    const Authority authority;
    const auto write = [&](const std::string& name, const Authority::Leaf& leaf) {
        const Authority::Pem pem = authority.issue(leaf);
        directory.write(name + ".crt", pem.certificate);
        directory.write(name + ".key", pem.key);
        directory.write(name + ".pem", pem.both());
    };
    write("good", {});
    write("expired", {.expires_in = -1h});
    write("soon", {.expires_in = std::chrono::days(5) + 1h});
    write("other", {.names = "DNS:other.example.org"});
    write("web", {.names = "DNS:web.example.org"});
    write("client", {});
    directory.write("ca.pem", authority.bundle());
    directory.write("stranger.pem", Authority().bundle());
    allow(directory.path());
}

std::string with_certificate(const TempDir& directory, const std::string& name) {
    return fmt::format("ssl_certificate {0}/{1}.crt; ssl_certificate_key {0}/{1}.key; ",
                       directory.path().string(),
                       name);
}

RedisServer::RedisServer(const std::vector<std::string>& arguments) {
    Argv argv{"redis-server",
              "--dir",
              directory_.path(),
              "--save",
              "",
              "--bind",
              "127.0.0.1",
              "--port",
              std::to_string(port_)};
    if (std::ranges::find(arguments, "--tls-port") != arguments.end()) {
        argv.back() = "0";
    }
    for (const std::string& argument : arguments)
        argv.push_back(argument == "PORT" ? std::to_string(port_) : argument);
    start(std::move(argv));
}

PostgresServer::PostgresServer(const TempDir& certificates, const std::string& sql) {
    const std::filesystem::path programs = postgres_programs();
    const std::filesystem::path data = directory_ / "data";
    std::filesystem::create_directory(data);
    give_to_nobody(data);
    run(as_nobody({programs / "initdb", "-D", data, "-A", "trust", "-U", "muster", "--no-sync"}),
        directory_ / "initdb");
    if (!sql.empty()) {
        run(as_nobody({"sh",
                       "-c",
                       R"("$1" --single -D "$2" postgres <"$3")",
                       "sh",
                       programs / "postgres",
                       data,
                       directory_.write("sql", sql)}),
            directory_ / "setup");
    }
    // The server wants the key to be its own and nobody else's.
    for (const char* name : {"good.crt", "good.key"}) {
        const std::filesystem::path file = data / name;
        std::filesystem::copy_file(certificates / name, file);
        std::filesystem::permissions(file, std::filesystem::perms(0600));
        give_to_nobody(file);
    }
    start(as_nobody({programs / "postgres",
                     "-D",
                     data,
                     "-p",
                     std::to_string(port_),
                     "-c",
                     "listen_addresses=127.0.0.1",
                     "-c",
                     "unix_socket_directories=",
                     "-c",
                     "fsync=off",
                     "-c",
                     "max_connections=5",
                     "-c",
                     "ssl=on",
                     "-c",
                     "ssl_cert_file=good.crt",
                     "-c",
                     "ssl_key_file=good.key"}));
}

MariadbServer::MariadbServer(const TempDir& certificates, const std::string& sql) {
    const std::filesystem::path data = directory_ / "data";
    std::filesystem::create_directory(data);
    const std::string user = ::geteuid() == 0 ? "--user=root" : "";
    Argv install{"mariadb-install-db",
                 "--no-defaults",
                 "--datadir=" + data.string(),
                 "--auth-root-authentication-method=normal",
                 "--skip-test-db"};
    if (!user.empty()) install.push_back(user);
    run(std::move(install), directory_ / "install");
    Argv argv{"mariadbd",
              "--no-defaults",
              "--datadir=" + data.string(),
              "--socket=" + (directory_ / "socket").string(),
              "--pid-file=" + (directory_ / "pid").string(),
              "--bind-address=127.0.0.1",
              fmt::format("--port={}", port_),
              "--init-file=" + directory_.write("sql", sql).string(),
              "--ssl-cert=" + (certificates / "good.crt").string(),
              "--ssl-key=" + (certificates / "good.key").string(),
              "--ssl-ca=" + (certificates / "ca.pem").string()};
    if (!user.empty()) argv.push_back(user);
    start(std::move(argv));
}

LdapServer::LdapServer(const TempDir& certificates, TlsFrom tls, const std::string& password) {
    std::filesystem::create_directory(directory_ / "data");
    directory_.write("slapd.conf",
                     fmt::format("include /etc/ldap/schema/core.schema\n"
                                 "modulepath /usr/lib/ldap\n"
                                 "moduleload back_mdb\n"
                                 "pidfile {0}/pid\n"
                                 "TLSCACertificateFile {1}/ca.pem\n"
                                 "TLSCertificateFile {1}/good.crt\n"
                                 "TLSCertificateKeyFile {1}/good.key\n"
                                 "TLSVerifyClient never\n"
                                 "database mdb\n"
                                 "suffix dc=example,dc=org\n"
                                 "rootdn cn=probe,dc=example,dc=org\n"
                                 "rootpw {2}\n"
                                 "directory {0}/data\n",
                                 directory_.path().string(),
                                 certificates.path().string(),
                                 password));
    start({"slapd",
           "-f",
           directory_ / "slapd.conf",
           "-h",
           fmt::format("{}://127.0.0.1:{}", tls == TlsFrom::connection ? "ldaps" : "ldap", port_),
           "-d",
           "0"});
}

MailServer::MailServer(const TempDir& certificates, const std::string& acl, TlsFrom tls) {
    const std::string at_once =
        tls == TlsFrom::connection ? fmt::format("tls_on_connect_ports = {}\n", port_) : "";
    std::filesystem::create_directory(directory_ / "spool");
    std::filesystem::permissions(directory_ / "spool", std::filesystem::perms(0777));
    directory_.write("exim.conf",
                     fmt::format("primary_hostname = mail.test\n"
                                 "spool_directory = {0}/spool\n"
                                 "log_file_path = {0}/spool/%slog\n"
                                 "pid_file_path = {0}/spool/pid\n"
                                 "local_interfaces = 127.0.0.1\n"
                                 "daemon_smtp_ports = {1}\n"
                                 "{4}"
                                 "tls_advertise_hosts = *\n"
                                 "tls_certificate = {2}/good.crt\n"
                                 "tls_privatekey = {2}/good.key\n"
                                 "smtp_enforce_sync = false\n"
                                 "acl_smtp_connect = on_connect\n"
                                 "begin acl\n"
                                 "on_connect:\n"
                                 "  {3}\n",
                                 directory_.path().string(),
                                 port_,
                                 certificates.path().string(),
                                 acl,
                                 at_once));
    start({"exim4", "-bdf", "-C", directory_ / "exim.conf"});
}

NameServer::NameServer(const std::string& address_of_www) {
    directory_.write("example.org.zone",
                     "$ORIGIN example.org.\n"
                     "@ 300 SOA ns hostmaster 1 3600 600 86400 300\n"
                     "@ 300 NS ns\n"
                     "ns 300 A 127.0.0.1\n"
                     "www 300 A " +
                         address_of_www + "\n");
    directory_.write("knot.conf",
                     fmt::format("server:\n"
                                 "    rundir: {0}\n"
                                 "    listen: 127.0.0.1@{1}\n"
                                 "database:\n"
                                 "    storage: {0}\n"
                                 "zone:\n"
                                 "  - domain: example.org\n"
                                 "    storage: {0}\n",
                                 directory_.path().string(),
                                 port_));
    start({"knotd", "-c", directory_ / "knot.conf"});
}

WebServer::WebServer(const std::string& options, const std::string& directives) {
    directory_.write("nginx.conf",
                     fmt::format("daemon off;\n"
                                 "master_process off;\n"
                                 "pid {0}/pid;\n"
                                 "error_log {0}/error.log;\n"
                                 "events {{}}\n"
                                 "http {{\n"
                                 "  access_log off;\n"
                                 "  client_body_temp_path {0}/body;\n"
                                 "  proxy_temp_path {0}/proxy;\n"
                                 "  fastcgi_temp_path {0}/fastcgi;\n"
                                 "  uwsgi_temp_path {0}/uwsgi;\n"
                                 "  scgi_temp_path {0}/scgi;\n"
                                 "  server {{\n"
                                 "    listen 127.0.0.1:{1} {2};\n"
                                 "    {3}\n"
                                 "    location / {{ return 200 'all is well'; }}\n"
                                 "  }}\n"
                                 "}}\n",
                                 directory_.path().string(),
                                 port_,
                                 options,
                                 directives));
    start({"nginx", "-c", directory_ / "nginx.conf", "-e", directory_ / "error.log"});
}

GrpcServer::GrpcServer(const TempDir* certificates, const GrpcServices& services) {
    std::string listen = fmt::format("insecure_port('127.0.0.1:{}'", port_);
    if (certificates != nullptr) {
        listen = fmt::format(
            "secure_port('127.0.0.1:{0}', grpc.ssl_server_credentials([\n"
            "    (open('{1}/good.key', 'rb').read(),\n"
            "     open('{1}/good.crt', 'rb').read())])",
            port_,
            certificates->path().string());
    }
    std::string states;
    for (const auto& [name, state] : services) states += fmt::format("'{}': {}, ", name, state);
    start_python(
        fmt::format("import concurrent.futures, grpc, time\n"
                    "states = {{{1}}}\n"
                    "def check(request, context):\n"
                    "    service = request[2:].decode()\n"
                    "    if service == 'slow': time.sleep(5)\n"
                    "    elif service not in states:\n"
                    "        context.abort(grpc.StatusCode.NOT_FOUND, 'no such service')\n"
                    "    return bytes((8, states.get(service, 1)))\n"
                    "server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))\n"
                    "server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(\n"
                    "    'grpc.health.v1.Health',\n"
                    "    {{'Check': grpc.unary_unary_rpc_method_handler(check)}}),))\n"
                    "server.add_{0})\n"
                    "server.start()\n"
                    "server.wait_for_termination()\n",
                    listen,
                    states));
}

WebSocketServer::WebSocketServer(const TempDir* certificates, const std::string& origin) {
    std::string tls = "None";
    if (certificates != nullptr) {
        tls = fmt::format(
            "ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
            "tls.load_cert_chain('{}/good.pem')",
            certificates->path().string());
    }
    start_python(
        fmt::format("import asyncio, ssl, websockets\n"
                    "tls = {1}\n"
                    "async def talk(socket): await socket.wait_closed()\n"
                    "async def main():\n"
                    "    async with websockets.serve(talk, '127.0.0.1', {0}, origins={2},\n"
                    "                                ssl=tls, subprotocols=['chat']):\n"
                    "        await asyncio.Future()\n"
                    "asyncio.run(main())\n",
                    port_,
                    tls,
                    origin.empty() ? "None" : fmt::format("['{}']", origin)));
}

PythonServer::PythonServer(const std::string& program) {
    start_python(fmt::format("port = {}\n{}", port_, program));
}

}  // namespace muster::test
