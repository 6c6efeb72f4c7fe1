"""The servers of the quickstart: their configuration, how they start, and when they are ready."""

import json
import socket
import subprocess
import urllib.request
from collections import Counter
from string import Template

import dns
import processes
import yaml
from state import BACKENDS, BUILD, NODES, ROOT, STATE, Failure, is_root, write

CLUSTER = "main"
SECRETS = STATE / "secrets"
MUSTERD = BUILD / "orchestrator/musterd"
MUSTER_AGENT = BUILD / "agent/muster-agent"
MUSTERCTL = BUILD / "ctl/musterctl"
EXAMPLE_BACKEND = BUILD / "deploy/quickstart/example_backend"
FLEET = "edge"
TRAFFIC = 20  # requests a second, always
MACHINES = STATE / "lbs"  # MACHINES/HOST'S NUMBER/FLEET/ID

BEHIND = (*(f"zookeeper-{n}" for n in NODES), "etcd", "nginx", *(f"app-{n}" for n in BACKENDS),
          "prometheus", *(f"musterd-{n}" for n in NODES))


def zookeeper_servers(ports):
    return ",".join(f"127.0.0.1:{ports[f'ZK_{n}']}" for n in NODES)


def urls(ports):
    """Of all nodes: musterctl asks the next one where one doesn't answer."""
    return ",".join(f"http://127.0.0.1:{ports[f'API_{n}']}" for n in NODES)


def api(ports, node, path):
    """The JSON answer of a node's API, or None while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[f'API_{node}']}{path}", timeout=2) as reply:
            return json.load(reply)
    except (OSError, ValueError):
        return None


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:
            return reply.status == 200
    except OSError:
        return False


# --- ZooKeeper -------------------------------------------------------------------------------------------

def _zookeeper_config(ports, node):
    members = "".join(f"server.{n}=127.0.0.1:{ports[f'ZK_QUORUM_{n}']}:{ports[f'ZK_ELECTION_{n}']}\n" for n in NODES)
    return (f"dataDir={STATE}/zookeeper-{node}\nclientPortAddress=127.0.0.1\nclientPort={ports[f'ZK_{node}']}\n"
            # A short tick makes expiry and ZooKeeper's own failover quick; its limits are counted in ticks.
            "tickTime=200\ninitLimit=50\nsyncLimit=25\nminSessionTimeout=400\nmaxSessionTimeout=60000\n"
            "maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr,ruok\n" + members)


def start_zookeeper(ports, node):
    data = STATE / f"zookeeper-{node}"
    config = write(data / "zoo.cfg", _zookeeper_config(ports, node))
    write(data / "myid", f"{node}\n")
    return processes.start(f"zookeeper-{node}", [
        "java", "-XX:+UseSerialGC", "-Xms16m", "-Xmx96m", "-Xss256k", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
        "-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain", config])


def zookeeper_mode(ports, node):
    """leader or follower; None while it doesn't serve ("ruok" says yes too early)."""
    try:
        with socket.create_connection(("127.0.0.1", ports[f"ZK_{node}"]), timeout=1) as connection:
            connection.sendall(b"srvr")
            answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    except OSError:
        return None
    return next((line.split()[1] for line in answer.splitlines() if line.startswith("Mode:")), None)


def initialise_cluster(ports):
    """Does nothing when it is done already."""
    run_musterctl("init", "--zookeeper", zookeeper_servers(ports), "--cluster", CLUSTER, "--secrets", SECRETS)


# --- etcd and CoreDNS --------------------------------------------------------------------------------------

NAME = "api.muster.test"


def etcd_url(ports):
    return f"http://127.0.0.1:{ports['ETCD']}"


def start_etcd(ports):
    peer = f"http://127.0.0.1:{ports['ETCD_PEER']}"
    return processes.start("etcd", [
        "etcd", "--name=e1", f"--data-dir={STATE}/etcd", f"--listen-client-urls={etcd_url(ports)}",
        f"--advertise-client-urls={etcd_url(ports)}", f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=e1={peer}", "--log-level=error"])


def etcd_is_ready(ports):
    return answers(f"{etcd_url(ports)}/health")


def coredns():
    """The program, or None and why there is none."""
    got = subprocess.run([str(ROOT / "deploy/coredns/get")], capture_output=True, text=True)
    lines = got.stdout.split()
    return (lines[-1], "") if got.returncode == 0 and lines else (None, got.stderr.strip())


def start_coredns(ports, program):
    config = write(STATE / "coredns/Corefile",
                   f"muster.test:{ports['DNS']} {{\n    bind 127.0.0.1\n    errors\n"
                   f"    etcd {{\n        path /skydns\n        endpoint {etcd_url(ports)}\n    }}\n}}\n")
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if is_root() else []
    # Nobody may not look into the home of root.
    return processes.start("coredns", [*as_nobody, program, "-conf", "stdin", "-quiet"], cwd="/", reads=config)


def has_dns_server():
    return "coredns" in processes.running()


def addresses(ports):
    """What the fleet's name answers; None: there is no DNS server."""
    return dns.addresses(ports["DNS"], NAME)


# --- Prometheus ------------------------------------------------------------------------------------------

def start_prometheus(ports):
    """It learns of load balancers from the nodes: of all, since any may be away."""
    nodes = [f"127.0.0.1:{ports[f'API_{n}']}" for n in NODES]
    lists = "".join(f"      - {{url: \"http://{node}/api/v1/scrape-targets\", refresh_interval: 1s}}\n"
                    for node in nodes)
    config = write(STATE / "prometheus/prometheus.yml",
                   f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n"
                   f"  - job_name: lbs\n    http_sd_configs:\n{lists}"
                   f"  - {{job_name: nodes, static_configs: [{{targets: {json.dumps(nodes)}}}]}}\n")
    return processes.start("prometheus", [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={STATE}/prometheus/data",
        "--storage.tsdb.retention.time=6h", "--log.level=warn",
        f"--web.listen-address=127.0.0.1:{ports['PROMETHEUS']}"])


def prometheus_is_ready(ports):
    return answers(f"http://127.0.0.1:{ports['PROMETHEUS']}/-/ready")


# --- musterd ---------------------------------------------------------------------------------------------

def _provider(node):
    """Machines of a node: HAProxies with their agents, each at an address of its own and all at the same port, as on
    hosts of their own."""
    addresses = ", ".join(f"127.0.0.{10 * node + k}" for k in range(1, 7))
    return ("providers:\n  local:\n    process:\n"
            f"      directory: {MACHINES}/{node}\n      addresses: [{addresses}]\n"
            "      answers_at: \"${address}:${parameters.port}\"\n"
            f"      files: [{{from: {ROOT}/deploy/providers/process/agent.yaml.in, to: agent.yaml}}]\n"
            "      programs:\n"
            f"        - {{name: agent, command: [{MUSTER_AGENT}, --config, \"${{dir}}/agent.yaml\"]}}\n"
            "        - name: haproxy\n"
            "          command: [/usr/sbin/haproxy, -W, -S, \"${dir}/master.sock\", -f, \"${dir}/haproxy.cfg\"]\n"
            "          stop_signal: USR1\n          wait_for: haproxy.cfg\n")


def start_musterd(ports, node):
    asked = f"\"127.0.0.1:{ports['DNS']}\"" if has_dns_server() else ""
    folder = STATE / f"node-{node}"
    servers = "".join(f"  - {server}\n" for server in zookeeper_servers(ports).split(","))
    config = write(folder / "musterd.yaml",
                   f"node: n{node}\ncluster: {CLUSTER}\nzookeeper:\n{servers}zookeeper_auth_file: {SECRETS}/node.auth\n"
                   f"cluster_secret_file: {SECRETS}/cluster.secret\n"
                   f"session_timeout: 2s\nzookeeper_tick: 200ms\nzone: {'abc'[node - 1]}\n"
                   f"listen: 127.0.0.1:{ports[f'API_{node}']}\nstate_dir: {folder}/state\n"
                   f"dns:\n  etcd: {{endpoints: [\"{etcd_url(ports)}\"]}}\n  zones: [muster.test]\n"
                   f"  servers: [{asked}]\n  allowed_addresses: [127.0.0.0/8]\n"
                   f"prometheus: {{endpoints: [\"http://127.0.0.1:{ports['PROMETHEUS']}\"]}}\n{_provider(node)}")
    (folder / "state").mkdir(exist_ok=True)
    return processes.start(f"musterd-{node}", [MUSTERD, "--config", config])


def musterd_is_ready(ports, node):
    return answers(f"http://127.0.0.1:{ports[f'API_{node}']}/readyz")


def run_musterctl(*arguments):
    result = subprocess.run([str(MUSTERCTL), *map(str, arguments)], capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"musterctl {' '.join(map(str, arguments))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def groups(ports):
    """The documents of the two groups and the fleet."""
    return Template((ROOT / "deploy/quickstart/groups.yaml").read_text()).substitute(
        ports, CLUSTER=CLUSTER, ZOOKEEPER=zookeeper_servers(ports), AGENT_AUTH=f"{SECRETS}/agent.auth")


def apply(ports, documents):
    """What muster warns of."""
    said = run_musterctl("--url", urls(ports), "apply", "-f", write(STATE / "groups.yaml", documents))
    return [line for line in said.splitlines() if line.startswith("warning")]


def backend_states(ports):
    """State -> number of backends, as the first node that answers says; without LBs (groups "@...")."""
    for node in NODES:
        if answer := api(ports, node, "/api/v1/backends"):
            return Counter(one["state"] for one in answer["backends"] if not one["group"].startswith("@"))
    return Counter()


# --- the backends ----------------------------------------------------------------------------------------

def start_nginx(ports):
    folder = STATE / "nginx"
    servers = "".join(f"    server {{ listen 127.0.0.1:{ports[f'WEB_{n}']}; default_type text/plain;\n"
                      f"        location / {{ return 200 \"web-{n}\\n\"; }} }}\n" for n in BACKENDS)
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = write(folder / "nginx.conf",
                   ("user nobody nogroup;\n" if is_root() else "") + "daemon off;\nworker_processes 1;\n"
                   f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
                   f"events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{temporary}{servers}}}\n")
    return processes.start("nginx", ["/usr/sbin/nginx", "-p", folder, "-c", config, "-e", folder / "error.log"])


def nginx_is_ready(ports):
    return all(answers(f"http://127.0.0.1:{ports[f'WEB_{n}']}/health") for n in BACKENDS)


def start_example_backend(ports, number):
    return processes.start(f"app-{number}", [EXAMPLE_BACKEND, ports[f"APP_{number}"]])


def example_backend_is_ready(ports, number):
    return answers(f"http://127.0.0.1:{ports[f'APP_{number}']}/seen")


def example_backend(ports, number, method="GET"):
    """What it has seen of probes; POST: it counts from here on."""
    request = urllib.request.Request(f"http://127.0.0.1:{ports[f'APP_{number}']}/seen", method=method)
    with urllib.request.urlopen(request, timeout=2) as reply:
        return json.load(reply)


# --- the load balancers (lbs.py has their machines) --------------------------------------------------------

def scaling(ports):
    """What muster says of the fleet's size: the master, where one answers; None: nobody does."""
    answers_of = [answer for n in NODES if (answer := api(ports, n, f"/api/v1/fleets/{FLEET}/scaling"))]
    return max(answers_of, key=lambda answer: answer["is_master"], default=None)


def why_this_size(scaling):
    if scaling["refused"]:
        return scaling["refused"]
    return (scaling["explanation"] or {}).get("line") or scaling["why"] or "not decided yet"


def size_limits(ports):
    """Fewest and most, and the requests a second that each is to take."""
    fleet = next(one for one in yaml.safe_load_all(groups(ports)) if one["kind"] == "Fleet")["spec"]["scaling"]
    return fleet["min"], fleet["max"], fleet["metrics"][0]["target"]["average"]


def lbs_in_rotation(ports):
    """Their ids, as the first node that answers says."""
    for node in NODES:
        if answer := api(ports, node, f"/api/v1/backends?group=%40{FLEET}"):
            return {one["id"] for one in answer["backends"] if one["rotation"]["in"]}
    return set()


def start_traffic():
    return processes.start("traffic", ["python3", "-B", ROOT / "deploy/quickstart/traffic.py", STATE / "traffic.json"])


def traffic():
    """What became of it so far."""
    nothing = {"sent": 0, "failed": 0, "sent_again": 0}
    try:
        return nothing | json.loads((STATE / "traffic.json").read_text())
    except (OSError, ValueError):
        return nothing
