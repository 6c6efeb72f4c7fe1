"""Starts, shows and stops the quickstart's cluster. Called by ./quickstart, which explains the arguments."""

import fcntl
import os
import re
import shutil
import sys

import lbs
import processes
import services
from build import build
from drill import run as run_drills
from drills import DRILLS
from state import BACKENDS, NODES, PORT_NAMES, STATE, Failure, choose_ports, fail, make_folders, read_ports, say
from surge import run as run_surge

# A path of a socket has 107 bytes at most, and HAProxy makes it longer for a moment.
LONGEST_STATE = 62


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
    ensure("prometheus", services.start_prometheus)
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
    wait("prometheus", lambda: services.prometheus_is_ready(ports))
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


def wait_for_load_balancers(ports):
    """muster makes them, once it knows what they are to serve; and those that somebody has killed anew."""
    seen = None

    def complete():
        nonlocal seen
        why = lbs.unsettled(ports)
        if why != seen:
            say(f"load balancers: {why or 'all serve'}")
            seen = why
        return not why

    # Somebody may have them under load.
    least = services.size_limits(ports)[0]
    if len(lbs.serving(ports)) < least or not services.lbs_in_rotation(ports):
        processes.wait_until("the fleet", complete, 90)
    if "traffic" not in processes.running():
        services.start_traffic()


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
    if services.has_dns_server():
        least = services.size_limits(ports)[0]
        processes.wait_until(services.NAME, lambda: len(services.addresses(ports) or []) >= least, 30)


def begin_anew():
    """Nothing runs: what is left on the disk is of a cluster that has ended."""
    lbs.end_all()
    for name in (*(f"{kind}-{n}" for kind in ("zookeeper", "node", "lb") for n in NODES),
                 "etcd", "coredns", "nginx", "prometheus", "lbs", "secrets"):
        shutil.rmtree(STATE / name, ignore_errors=True)
    (STATE / "traffic.json").unlink(missing_ok=True)


def start():
    if len(str(STATE)) > LONGEST_STATE:
        raise Failure(f"{STATE} is too long a path for the sockets in it: at most {LONGEST_STATE} bytes")
    build()
    there = set(processes.running())
    if not there:
        begin_anew()
    # With something still running the ports stay as they are.
    ports = read_ports() if there else choose_ports()
    if set(ports) != set(PORT_NAMES):
        raise Failure("what runs was started by an earlier version: ./quickstart stop, and then ./quickstart")
    try:
        start_missing(ports)
        say("applying two groups and a fleet (musterctl apply)")
        for warning in services.apply(ports, services.groups(ports)):
            if "gives no series now" not in warning:  # before the first load balancer there are none
                say(warning)
        wait_for_verdicts(ports)
        wait_for_load_balancers(ports)
        wait_for_names(ports)
    except BaseException:
        say("stopping what was started")
        processes.stop(set(processes.running()) - there, 4)
        if not there:
            lbs.end_all()
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
    balancers = "   ".join(f"http://{lb.address}/" for lb in lbs.serving(ports))
    return f"""
dashboard, on each node:  {dashboards}
load balancers:           {balancers}
Prometheus:               http://127.0.0.1:{ports['PROMETHEUS']}/

try:
  export MUSTER_URL={services.urls(ports)} PATH=$PWD/build/release/ctl:$PATH
  musterctl status
  musterctl get backends --watch
  curl -X POST 'http://127.0.0.1:{ports['APP_1']}/switch?healthy=false'    # and ...healthy=true
  musterctl why app/app-1
  {how_to_see_names(ports)}
  musterctl drain web/web-1                # no LB sends it anything new; musterctl activate web/web-1
  ./quickstart load 3x     three times the load: the fleet grows to 4 load balancers, and shrinks again
  musterctl scale explain edge
  ./quickstart status      which process is which; kill any of them, ./quickstart starts it again (muster: the LBs)
  ./quickstart drill       breaks things and measures; ./quickstart drill NAME... some of them
stop:
  ./quickstart stop"""


def status():
    ports = read_ports()
    there = processes.running()
    for name in (*services.BEHIND, "coredns", "traffic"):
        kind, _, number = name.partition("-")
        note = ""
        if kind == "zookeeper" and name in there:
            note = services.zookeeper_mode(ports, int(number)) or "does not serve"
        elif kind == "musterd" and name in there:
            note = "ready" if services.musterd_is_ready(ports, int(number)) else "not ready"
        elif kind == "coredns":
            note = f"{services.NAME}: {' '.join(services.addresses(ports) or ['no answer'])}"
        elif kind == "prometheus" and name in there:
            note = f"http://127.0.0.1:{ports['PROMETHEUS']}/"
        elif kind == "traffic" and name in there:
            note = "{sent} requests, {failed} failed, {sent_again} sent again".format(**services.traffic())
        print(f"{name:12} {'pid ' + str(there[name]) if name in there else '-':12} {note}")
    if any(name.startswith("musterd") for name in there):
        status_of_fleet(ports)
        cluster = next(filter(None, (services.api(ports, n, "/api/v1/cluster") for n in NODES)), {})
        master = (cluster.get("master") or {}).get("node", "none")
        states = services.backend_states(ports)
        print(f"\nmaster: {master}   backends: " + ", ".join(f"{n} {state}" for state, n in states.items()))
        print(how_to_go_on(ports))
    return 0 if {*services.BEHIND, "traffic"} <= set(there) else 1


def status_of_fleet(ports):
    scaling = services.scaling(ports)
    if not scaling:
        return
    phases = {one["id"]: one["phase"] for one in scaling["instances"]}
    for lb in lbs.every():
        pids = ", ".join(f"{name} {pid}" for name in ("haproxy", "muster-agent") for pid in lbs.pids(lb, name)[:1])
        step = "in step" if lb.is_in_step() else "not in step"
        print(f"{lb.id:12} {lb.host} {lb.address}   {phases.get(lb.id, 'unknown')}, {step}   pid {pids or '-'}")
    least, most, _ = services.size_limits(ports)
    print(f"\nfleet {services.FLEET}: {list(phases.values()).count('serving')} serve, {scaling['target']} are to "
          f"({least} to {most})\n    {services.why_this_size(scaling)}")


def stop():
    there = processes.running()
    machines = lbs.every() if lbs.programs() else []
    if there or machines:
        say(f"stopping {len(there)} processes and {len(machines)} load balancers")

    def end(*prefixes):
        processes.stop([name for name in there if name.startswith(prefixes)], 8)

    end("traffic")
    # musterd first, while it can still say goodbye to ZooKeeper, and before it could replace what ends.
    end("musterd")
    if not lbs.end_all():
        say("some load balancers could not be ended: ./quickstart status")
    end("app", "nginx", "coredns", "prometheus", "haproxy", "agent")
    end("zookeeper", "etcd")
    say("stopped; logs are in .quickstart/logs, all else begins anew with the next start")
    return 0


def drill(*names):
    """Some of the drills, or all; on the cluster that runs, or a new one."""
    if unknown := [name for name in names if name not in DRILLS]:
        raise Failure(f"there is no drill {unknown[0]}; there are\n{describe_drills()}")
    start_if_missing()
    return 0 if run_drills(read_ports(), [DRILLS[name] for name in names or DRILLS]) else 1


def start_if_missing():
    if {*services.BEHIND, "traffic"} - set(processes.running()):
        start()


def load(times="3x", *options):
    """N times the usual load for a while, on the cluster that runs, or a new one."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x?", times)
    length = re.fullmatch(r"--for (\d+)s?", " ".join(options)) if options else True
    if not found or not length or not 0 < float(found[1]) <= 10:
        raise Failure("usage: ./quickstart load [Nx] [--for SECONDSs]; N from 1 to 10, such as: load 3x --for 60s")
    start_if_missing()
    return 0 if run_surge(read_ports(), float(found[1]), int(length[1]) if options else 40) else 1


def describe_drills():
    return "\n".join(f"  {name:24} {' '.join(function.__doc__.split())}" for name, function in DRILLS.items())


def main(arguments):
    command, *rest = arguments or ["start"]
    commands = {"start": start, "status": status, "stop": stop, "drill": drill, "load": load}
    if command not in commands or (rest and command not in ("drill", "load")):
        return fail("usage: ./quickstart [start|status|stop|load [Nx] [--for SECONDSs]|drill [NAME...]]; the drills "
                    "are\n" + describe_drills())
    make_folders()
    with (STATE / "lock").open("w") as lock:
        try:
            if command != "status":
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            code = commands[command](*rest)
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            if command != "status":
                raise
            # Its reader has gone, as `head` does; what is left of the text goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except BlockingIOError:
            return fail("another ./quickstart is at work")
        except Failure as failure:
            return fail(failure)
        except KeyboardInterrupt:
            return fail("interrupted")


sys.exit(main(sys.argv[1:]))
