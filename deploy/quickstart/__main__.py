"""Starts, shows and stops the quickstart's cluster. Called by ./quickstart, which explains the arguments."""

import fcntl
import sys

import processes
import services
from build import build
from drill import run as run_drills
from drills import DRILLS
from state import BACKENDS, LBS, NODES, PORT_NAMES, STATE, Failure, choose_ports, fail, make_folders, read_ports, say

def start_missing(ports):
    """Starts what doesn't run, in the order in which one needs the other."""
    there = processes.running()
    started = {}

    def ensure(name, start, *arguments):
        if name not in there:
            started[name] = start(ports, *arguments)

    missing = [name for name in services.BEHIND if name not in there]
    say(f"starting {len(missing)} processes: {', '.join(missing)}" if missing else "everything runs already")
    for n in NODES:
        ensure(f"zookeeper-{n}", services.start_zookeeper, n)
    ensure("etcd", services.start_etcd)
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
    wait("etcd", lambda: services.etcd_is_ready(ports))
    start_dns_server(ports)
    say("the cluster's tree in ZooKeeper (musterctl init), then musterd")
    services.initialise_cluster(ports)
    for n in NODES:
        ensure(f"musterd-{n}", services.start_musterd, n)
    for n in NODES:
        wait(f"musterd-{n}", lambda n=n: services.musterd_is_ready(ports, n))


def start_dns_server(ports):
    """Where no CoreDNS can be had, all the rest runs, and the records are in etcd."""
    if "coredns" in processes.running():
        return
    program, why = services.coredns()
    if not program:
        say(f"no DNS server: {why}")
        return
    process = services.start_coredns(ports, program)
    try:
        processes.wait_until("coredns", lambda: services.addresses(ports) is not None, 20, process, "coredns")
    except Failure as failure:
        say(f"no DNS server: {failure}")


def start_load_balancers(ports):
    """Once the nodes know what they are to serve."""
    there = processes.running()
    say("two HAProxy with their agents, and a light load through them")
    for n in LBS:
        if f"agent-{n}" not in there:
            services.start_agent(ports, n)
    for n in LBS:
        processes.wait_until(f"agent-{n}", lambda n=n: services.has_haproxy_config(n), 30, None, f"agent-{n}")
        if f"haproxy-{n}" not in there:
            services.start_haproxy(ports, n)
    for n in LBS:
        processes.wait_until(f"haproxy-{n}", lambda n=n: services.lb_is_in_step(ports, n), 30, None, f"agent-{n}")
    if "traffic" not in there:
        services.start_traffic(ports)


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


def wait_for_names(ports):
    if "coredns" in processes.running():
        processes.wait_until(services.NAME, lambda: len(services.addresses(ports) or []) == len(LBS), 30)


def start():
    build()
    there = set(processes.running())
    # With something still running the ports stay as they are.
    ports = read_ports() if there else choose_ports()
    if set(ports) != set(PORT_NAMES):
        raise Failure("what runs was started by an earlier version: ./quickstart stop, and then ./quickstart")
    try:
        start_missing(ports)
        say("applying two groups and a fleet (musterctl apply)")
        services.apply(ports, services.groups(ports))
        wait_for_verdicts(ports)
        start_load_balancers(ports)
        wait_for_names(ports)
    except BaseException:
        say("stopping what was started")
        processes.stop(set(processes.running()) - there, 4)
        raise
    say("ready")
    print(how_to_go_on(ports))
    return 0


def how_to_see_names(ports):
    if "coredns" in processes.running():
        return f"dig @127.0.0.1 -p {ports['DNS']} {services.NAME}       # the LBs that serve"
    return f"etcdctl --endpoints={services.etcd_url(ports)} get --prefix /skydns       # there is no CoreDNS to ask"


def how_to_go_on(ports):
    dashboards = "   ".join(f"http://127.0.0.1:{ports[f'API_{n}']}/" for n in NODES)
    balancers = "   ".join(f"http://{services.lb_address(n)}:{ports['LB']}/" for n in LBS)
    return f"""
dashboard, on each node:  {dashboards}
load balancers:           {balancers}

try:
  export MUSTER_URL={services.urls(ports)} PATH=$PWD/build/release/ctl:$PATH
  musterctl status
  musterctl get backends --watch
  curl -X POST 'http://127.0.0.1:{ports['APP_1']}/switch?healthy=false'    # and ...healthy=true
  musterctl why app/app-1
  {how_to_see_names(ports)}
  musterctl drain web/web-1                # no LB sends it anything new; musterctl activate web/web-1
  ./quickstart status      which process is which; kill any of them, ./quickstart starts it again
  ./quickstart drill       breaks things and measures; ./quickstart drill NAME... some of them
stop:
  ./quickstart stop"""


def status():
    ports = read_ports()
    there = processes.running()
    for name in (*services.BEHIND, "coredns", *services.IN_FRONT):
        kind, _, number = name.partition("-")
        note = ""
        if kind == "zookeeper" and name in there:
            note = services.zookeeper_mode(ports, int(number)) or "does not serve"
        elif kind == "musterd" and name in there:
            note = "ready" if services.musterd_is_ready(ports, int(number)) else "not ready"
        elif kind == "coredns":
            note = f"{services.NAME}: {' '.join(services.addresses(ports) or ['no answer'])}"
        elif kind == "agent" and name in there:
            note = "in step" if services.lb_is_in_step(ports, int(number)) else "not in step"
        elif kind == "traffic" and name in there:
            note = "{sent} requests, {failed} failed".format(**services.traffic())
        print(f"{name:12} {'pid ' + str(there[name]) if name in there else '-':12} {note}")
    if any(name.startswith("musterd") for name in there):
        cluster = next(filter(None, (services.api(ports, n, "/api/v1/cluster") for n in NODES)), {})
        master = (cluster.get("master") or {}).get("node", "none")
        states = services.backend_states(ports)
        print(f"\nmaster: {master}   backends: " + ", ".join(f"{n} {state}" for state, n in states.items()))
        print(how_to_go_on(ports))
    return 0 if {*services.BEHIND, *services.IN_FRONT} <= set(there) else 1


def stop():
    there = processes.running()
    if there:
        say(f"stopping {len(there)} processes")
    # musterd first, while it can still say goodbye to ZooKeeper.
    for prefixes in (("traffic",), ("haproxy", "agent"), ("musterd",), ("app", "nginx", "coredns"),
                     ("zookeeper", "etcd")):
        processes.stop([name for name in there if name.startswith(prefixes)], 8)
    say("stopped; logs are in .quickstart/logs, delete .quickstart to begin anew")
    return 0


def drill(*names):
    """Some of the drills, or all; on the cluster that runs, or a new one."""
    if unknown := [name for name in names if name not in DRILLS]:
        raise Failure(f"there is no drill {unknown[0]}; there are\n{describe_drills()}")
    missing = {*services.BEHIND, *services.IN_FRONT} - set(processes.running())
    if missing:
        start()
    return 0 if run_drills(read_ports(), [DRILLS[name] for name in names or DRILLS]) else 1


def describe_drills():
    return "\n".join(f"  {name:24} {' '.join(function.__doc__.split())}" for name, function in DRILLS.items())


def main(arguments):
    command, *rest = arguments or ["start"]
    commands = {"start": start, "status": status, "stop": stop, "drill": drill}
    if command not in commands or (rest and command != "drill"):
        return fail("usage: ./quickstart [start|status|stop|drill [NAME...]]; the drills are\n" + describe_drills())
    make_folders()
    with (STATE / "lock").open("w") as lock:
        try:
            if command != "status":
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return commands[command](*rest)
        except BlockingIOError:
            return fail("another ./quickstart is at work")
        except Failure as failure:
            return fail(failure)
        except KeyboardInterrupt:
            return fail("interrupted")


sys.exit(main(sys.argv[1:]))
