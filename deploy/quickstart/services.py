"""The servers of the quickstart: their configuration, how they start, and when they are ready."""

import json
import socket
import subprocess
import urllib.request
from collections import Counter
from string import Template

import processes
from state import BACKENDS, BUILD, NODES, ROOT, STATE, Failure, is_root, write

CLUSTER = "main"
SECRETS = STATE / "secrets"
MUSTERD = BUILD / "orchestrator/musterd"
MUSTERCTL = BUILD / "ctl/musterctl"
EXAMPLE_BACKEND = BUILD / "deploy/quickstart/example_backend"


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


def _answers(url):
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


# --- musterd ---------------------------------------------------------------------------------------------

def start_musterd(ports, node):
    folder = STATE / f"node-{node}"
    servers = "".join(f"  - {server}\n" for server in zookeeper_servers(ports).split(","))
    config = write(folder / "musterd.yaml",
                   f"node: n{node}\ncluster: {CLUSTER}\nzookeeper:\n{servers}zookeeper_auth_file: {SECRETS}/node.auth\n"
                   f"cluster_secret_file: {SECRETS}/cluster.secret\n"
                   f"session_timeout: 2s\nzookeeper_tick: 200ms\nzone: {'abc'[node - 1]}\n"
                   f"listen: 127.0.0.1:{ports[f'API_{node}']}\nstate_dir: {folder}/state\n")
    (folder / "state").mkdir(exist_ok=True)
    return processes.start(f"musterd-{node}", [MUSTERD, "--config", config])


def musterd_is_ready(ports, node):
    return _answers(f"http://127.0.0.1:{ports[f'API_{node}']}/readyz")


def run_musterctl(*arguments):
    result = subprocess.run([str(MUSTERCTL), *map(str, arguments)], capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"musterctl {' '.join(map(str, arguments))} failed:\n{result.stdout}{result.stderr}")


def apply_groups(ports):
    template = Template((ROOT / "deploy/quickstart/groups.yaml").read_text())
    groups = write(STATE / "groups.yaml", template.substitute(ports))
    run_musterctl("--url", urls(ports), "apply", "-f", groups)


def backend_states(ports):
    """State -> number of backends, as the first node that answers says."""
    for node in NODES:
        if answer := api(ports, node, "/api/v1/backends"):
            return Counter(backend["state"] for backend in answer["backends"])
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
    return all(_answers(f"http://127.0.0.1:{ports[f'WEB_{n}']}/health") for n in BACKENDS)


def start_example_backend(ports, number):
    return processes.start(f"app-{number}", [EXAMPLE_BACKEND, ports[f"APP_{number}"]])


def example_backend_is_ready(ports, number):
    return _answers(f"http://127.0.0.1:{ports[f'APP_{number}']}/seen")


