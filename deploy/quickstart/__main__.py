"""Starts, shows and stops the quickstart's cluster. Called by ./quickstart, which explains the arguments."""

import fcntl
import subprocess
import sys

import processes
import services
from build import build
from state import BACKENDS, BUILD, NODES, STATE, Failure, choose_ports, fail, make_folders, read_ports, say

EVERYTHING = (*(f"zookeeper-{n}" for n in NODES), "nginx", *(f"app-{n}" for n in BACKENDS),
              *(f"musterd-{n}" for n in NODES))


def start_missing(ports):
    """Starts what doesn't run, in the order in which one needs the other."""
    there = processes.running()
    started = {}

    def ensure(name, start, *arguments):
        if name not in there:
            started[name] = start(ports, *arguments)

    missing = [name for name in EVERYTHING if name not in there]
    say(f"starting {len(missing)} processes: {', '.join(missing)}" if missing else "everything runs already")
    for n in NODES:
        ensure(f"zookeeper-{n}", services.start_zookeeper, n)
    ensure("nginx", services.start_nginx)
    for n in BACKENDS:
        ensure(f"app-{n}", services.start_example_backend, n)

    def wait(name, condition, limit=30):
        processes.wait_until(name, condition, limit, started.get(name), name)

    wait("nginx", lambda: services.nginx_is_ready(ports))
    for n in BACKENDS:
        wait(f"app-{n}", lambda n=n: services.example_backend_is_ready(ports, n))
    for n in NODES:
        wait(f"zookeeper-{n}", lambda n=n: services.zookeeper_mode(ports, n) is not None)
    say("the cluster's tree in ZooKeeper (musterctl init), then musterd")
    services.initialise_cluster(ports)
    for n in NODES:
        ensure(f"musterd-{n}", services.start_musterd, n)
    for n in NODES:
        wait(f"musterd-{n}", lambda n=n: services.musterd_is_ready(ports, n))


def wait_for_verdicts(ports):
    """All backends are probed; on a first start all are UP, later what one has switched off may be DOWN."""
    count = 2 * len(BACKENDS)
    seen = None

    def complete():
        nonlocal seen
        states = services.backend_states(ports)
        if states != seen:
            say(f"backends: {states['up']} of {count} UP, {count - states.total() + states['unknown']} not probed yet")
            seen = states
        return states.total() == count and not states["unknown"]

    processes.wait_until("the cluster", complete, 60)


def start():
    build()
    there = set(processes.running())
    # With something still running the ports stay as they are.
    ports = read_ports() if there else choose_ports()
    try:
        start_missing(ports)
        say("applying two groups (musterctl apply)")
        services.apply_groups(ports)
        wait_for_verdicts(ports)
    except BaseException:
        say("stopping what was started")
        processes.stop(set(processes.running()) - there, 4)
        raise
    say("ready")
    print(how_to_go_on(ports))
    return 0


def how_to_go_on(ports):
    dashboards = "   ".join(f"http://127.0.0.1:{ports[f'API_{n}']}/" for n in NODES)
    return f"""
dashboard, on each node:  {dashboards}

try:
  export MUSTER_URL={services.urls(ports)} PATH=$PWD/build/release/ctl:$PATH
  musterctl status
  musterctl get backends --watch
  curl -X POST 'http://127.0.0.1:{ports['APP_1']}/switch?healthy=false'    # and ...healthy=true
  musterctl why app/app-1
  ./quickstart status      which process is which; kill any of them, ./quickstart starts it again
  ./quickstart drill       breaks things and measures
stop:
  ./quickstart stop"""


def status():
    ports = read_ports()
    there = processes.running()
    for name in EVERYTHING:
        kind, _, number = name.partition("-")
        note = ""
        if kind == "zookeeper" and name in there:
            note = services.zookeeper_mode(ports, int(number)) or "does not serve"
        elif kind == "musterd" and name in there:
            note = "ready" if services.musterd_is_ready(ports, int(number)) else "not ready"
        print(f"{name:12} {'pid ' + str(there[name]) if name in there else '-':12} {note}")
    if any(name.startswith("musterd") for name in there):
        cluster = next(filter(None, (services.api(ports, n, "/api/v1/cluster") for n in NODES)), {})
        master = (cluster.get("master") or {}).get("node", "none")
        states = services.backend_states(ports)
        print(f"\nmaster: {master}   backends: " + ", ".join(f"{n} {state}" for state, n in states.items()))
        print(how_to_go_on(ports))
    return 0 if set(EVERYTHING) <= set(there) else 1


def stop():
    there = processes.running()
    if there:
        say(f"stopping {len(there)} processes")
    # musterd first, while it can still say goodbye to ZooKeeper.
    for prefixes in (("musterd",), ("app", "nginx"), ("zookeeper",)):
        processes.stop([name for name in there if name.startswith(prefixes)], 8)
    say("stopped; logs are in .quickstart/logs, delete .quickstart to begin anew")
    return 0


def drill():
    """On a cluster of its own (docs/decisions/0006): the one that runs here is left alone."""
    build(("muster_drill",))
    program = next(path for path in BUILD.rglob("muster_drill") if path.is_file())
    return subprocess.run([str(program)]).returncode


def main(arguments):
    command, *rest = arguments or ["start"]
    commands = {"start": start, "status": status, "stop": stop, "drill": drill}
    if command not in commands or rest:
        return fail("usage: ./quickstart [start|status|stop|drill]")
    make_folders()
    with (STATE / "lock").open("w") as lock:
        try:
            if command != "status":
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return commands[command]()
        except BlockingIOError:
            return fail("another ./quickstart is at work")
        except Failure as failure:
            return fail(failure)
        except KeyboardInterrupt:
            return fail("interrupted")


sys.exit(main(sys.argv[1:]))
