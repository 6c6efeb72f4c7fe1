"""The drills. Each says what it breaks and which requests nobody can save; all others must be answered."""

import http.server
import math
import os
import signal
import socket
import threading
import time

import haproxy
import lbs
import processes
import services
import yaml
from drill import SLACK, Broken, Found
from state import BACKENDS, NODES

INTERVAL, TIMEOUT, FALL = 1.0, 0.5, 2  # of groups.yaml
SESSION = 2.0  # a node's, in ZooKeeper
OUTAGE = 20.0
DRILLS = {}


def drill(function):
    DRILLS[function.__name__] = function
    return function


def within(seconds):
    return seconds * SLACK


def probe_gap(world, limit):
    if (gap := world.longest_gap()) > within(limit):
        raise Broken(f"a backend was not probed for {gap:.2f} s, promised are {within(limit):.2f} s")


@drill
def kill_backend(world):
    """A backend's process dies. Refused connections go to another backend; only what it was just answering is lost."""
    world.afterwards(world.restart, "app-2", services.start_example_backend, 2)
    under_way = world.load.under_way(path="/seen")
    start = time.monotonic()
    processes.kill("app-2")
    world.wait("app-2 out of both LBs", lambda: world.everywhere("app", "app-2", "maintenance"))
    return Found(time.monotonic() - start, within(FALL * INTERVAL + 1), under_way,
                 lambda lost: lost.path == "/seen" and lost.began <= start)


@drill
def hang_backend(world):
    """A backend accepts and never answers. What was sent to it before it was found out can't be sent again; it is at
    most its share, and nothing of it may be sent later."""
    world.afterwards(processes.signal_all, "app-3", signal.SIGCONT)
    start = time.monotonic()
    under_way = world.load.under_way(path="/seen")
    processes.signal_all("app-3", signal.SIGSTOP)
    world.wait("app-3 out of both LBs", lambda: world.everywhere("app", "app-3", "maintenance"))
    end = time.monotonic()
    # It stays hung until clients have given up, so that what is lost is seen.
    world.wait("what was sent to it is over", lambda: not world.load.under_way(until=end))
    share = math.ceil(world.load.sent(start, end, path="/seen") / len(BACKENDS))
    return Found(end - start, within(FALL * INTERVAL + TIMEOUT + 1), under_way + share,
                 lambda lost: lost.path == "/seen" and lost.began <= end)


@drill
def drain_backend(world):
    """People drain a backend, and take that back."""
    start = time.monotonic()
    world.drain("web/web-1")
    world.wait("web-1 drained in both LBs", lambda: world.everywhere("web", "web-1", "drain"))
    end = time.monotonic()
    world.let_pass(40)
    for address in world.addresses:
        if world.load.newest("web-1", address) > end:
            raise Broken(f"{address} sends to a backend in drain")
    world.musterctl("activate", "web/web-1")
    world.wait("requests go to web-1 again",
               lambda: all(world.load.newest("web-1", address) > end for address in world.addresses))
    return Found(end - start, within(1))


class NewBackend(http.server.ThreadingHTTPServer):
    """Answers everything; clients that go away are none of its business."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = b"new\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)

    def handle_error(self, *_):
        pass


@drill
def add_backend(world):
    """A backend joins a group, gets its share, and leaves."""
    server = NewBackend()
    world.afterwards(server.server_close)
    world.afterwards(server.shutdown)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    usual = services.groups(world.ports)
    documents = list(yaml.safe_load_all(usual))
    documents[0]["spec"]["backends"].append({"name": "new", "address": "127.0.0.1:%d" % server.server_port})

    def leave():
        world.wait("the usual groups applied", lambda: world.applies(usual))
        world.wait("it has gone", lambda: world.everywhere("web", "new", None))

    world.afterwards(leave)
    start = time.monotonic()
    services.apply(world.ports, yaml.safe_dump_all(documents))
    world.wait("answers of the new one through both LBs",
               lambda: all(world.load.newest("new", address) for address in world.addresses))
    return Found(time.monotonic() - start, within(3 * INTERVAL + 1))


@drill
def change_algorithm(world):
    """A group's algorithm changes: each HAProxy reloads, and no connection is lost."""
    usual = services.groups(world.ports)
    documents = list(yaml.safe_load_all(usual))
    documents[0]["spec"]["lb"]["algorithm"] = "least_connections"
    before = {lb: haproxy.worker(lb) for lb in world.lbs}

    def have_reloaded(since):
        now = {lb: haproxy.worker(lb) for lb in world.lbs}
        return all(now[lb] not in (None, since[lb]) for lb in world.lbs)

    def back():
        changed = {lb: haproxy.worker(lb) for lb in world.lbs}
        world.wait("the usual groups applied", lambda: world.applies(usual))
        world.wait("both have reloaded again", lambda: have_reloaded(changed))

    start = time.monotonic()
    services.apply(world.ports, yaml.safe_dump_all(documents))
    world.afterwards(back)
    world.wait("both have reloaded", lambda: have_reloaded(before))
    end = time.monotonic()
    world.let_pass(40)
    return Found(end - start, within(5))


@drill
def stop_zookeeper(world):
    """All of ZooKeeper is gone for 20 s. Nothing changes meanwhile; the effect is how soon a change gets through
    again."""
    before = world.servers()

    def nothing_changes():
        if (now := world.servers()) != before:
            raise Broken(f"the LBs have changed their servers: {now} was {before}")

    world.forget_gaps()
    world.stop_zookeeper()
    world.watch(OUTAGE, nothing_changes)
    probe_gap(world, INTERVAL + 0.25)
    start = time.monotonic()
    world.start_zookeeper()
    world.afterwards(world.wait, "activate", lambda: world.takes("activate", "web/web-1"))
    world.wait("a node takes changes", lambda: world.takes("drain", "web/web-1"), 40)
    world.wait("web-1 drained in both LBs", lambda: world.everywhere("web", "web-1", "drain"))
    return Found(time.monotonic() - start, within(15))


@drill
def restart_haproxy(world):
    """HAProxy dies and is started again, behind the agent's back: what is sent to it until it accepts is lost, and what
    it was answering. What was drained stays so."""
    world.drain("web/web-2")
    world.wait("web-2 drained in both LBs", lambda: world.everywhere("web", "web-2", "drain"))
    lb = world.lbs[0]
    world.wait("it is in the file", lambda: lb.file_says("haproxy.cfg", r"server web-2 .* weight 0\b"))
    address = lb.address
    start = time.monotonic()
    under_way = world.load.under_way(address=address)
    lbs.kill(lb, "haproxy")
    lbs.start_again(lb, "haproxy")
    world.wait("it accepts", lambda: accepts(address))
    accepting = time.monotonic()
    world.wait("web-2 in drain", lambda: world.server(lb, "web", "web-2") == "drain")
    end = time.monotonic()
    world.let_pass(40)
    if world.load.newest("web-2", address) > end:
        raise Broken("it sends to a backend in drain")
    return Found(end - start, within(3), under_way + world.load.sent(start, accepting, address=address),
                 lambda lost: lost.address == address and lost.began <= accepting)


def accepts(address):
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@drill
def kill_agent(world):
    """The agent dies, and starts again while there is no ZooKeeper: it goes by what was known last."""
    world.drain("web/web-3")
    world.wait("web-3 drained in both LBs", lambda: world.everywhere("web", "web-3", "drain"))
    before = world.servers()
    known = r"{[^{}]*web-3[^{}]*drain|{[^{}]*drain[^{}]*web-3"
    lb = world.lbs[-1]  # of the first one, HAProxy isn't its machine's any more
    world.wait("that is on disk", lambda: lb.file_says(f"last-good.edge.{lb.id}", known))
    lbs.kill(lb, "muster-agent")
    world.stop_zookeeper()
    start = time.monotonic()
    lbs.start_again(lb, "agent")
    world.wait("it is in step", lb.is_in_step)
    end = time.monotonic()
    world.let_pass(40)
    if (now := world.servers()) != before:
        raise Broken(f"the LBs have changed their servers: {now} was {before}")
    return Found(end - start, within(5))


@drill
def kill_master(world):
    """The node in office dies: another takes over at once, and probes go on in time."""
    victim = world.master()
    world.afterwards(world.restart, f"musterd-{victim}", services.start_musterd, victim)
    child = next(iter(processes.children(f"musterd-{victim}")))
    world.forget_gaps()
    start = time.monotonic()
    os.kill(child, signal.SIGKILL)
    world.wait("another master", lambda: world.master(but=victim) not in (None, victim))
    end = time.monotonic()
    world.probes_go_on()
    probe_gap(world, INTERVAL + 0.25)
    world.wait("its guardian has ended", lambda: f"musterd-{victim}" not in processes.running())
    return Found(end - start, within(1))


@drill
def freeze_master(world):
    """The node in office stands still, with its guardian, as on a host that is lost, and comes back."""
    victim = world.master()
    name = f"musterd-{victim}"
    world.afterwards(processes.signal_all, name, signal.SIGCONT)
    world.forget_gaps()
    start = time.monotonic()
    processes.signal_all(name, signal.SIGSTOP)
    world.wait("another master", lambda: world.master(but=victim) not in (None, victim))
    end = time.monotonic()
    world.probes_go_on()
    probe_gap(world, SESSION + INTERVAL + 0.5)
    return Found(end - start, within(SESSION + 1))


@drill
def kill_zookeeper_leader(world):
    """One ZooKeeper server dies, the leader: the effect is how soon a change gets through again."""
    leader = next(n for n in NODES if services.zookeeper_mode(world.ports, n) == "leader")
    world.forget_gaps()
    world.afterwards(world.start_zookeeper)
    start = time.monotonic()
    processes.kill(f"zookeeper-{leader}")
    world.afterwards(world.wait, "activate", lambda: world.takes("activate", "web/web-4"))
    world.wait("a node takes changes", lambda: world.takes("drain", "web/web-4"))
    world.wait("web-4 drained in both LBs", lambda: world.everywhere("web", "web-4", "drain"))
    end = time.monotonic()
    probe_gap(world, INTERVAL + 0.25)
    return Found(end - start, within(8))


@drill
def kill_lb(world):
    """A load balancer dies, with its agent. Clients whose connection is refused try the next address of the name; what
    it was just answering is lost. The effect is how soon as many serve as before."""
    world.follow_the_name()
    there = {lb.id for lb in world.lbs}
    victim = world.lbs[0]
    world.wait("requests", lambda: world.load.sent(address=victim.address) >= 40)
    start = time.monotonic()
    under_way = world.load.under_way(address=victim.address)
    lbs.kill(victim)
    killed = time.monotonic()
    under_way += world.load.sent(start, killed, address=victim.address)

    def serving():
        return [lb for lb in lbs.serving(world.ports) if lb != victim]

    world.wait("as many serve as before", lambda: len(serving()) >= len(there), 60)
    end = time.monotonic()
    new = next(lb for lb in serving() if lb.id not in there)
    world.wait("requests go to the new one", lambda: world.load.sent(end, address=new.address) >= 40)
    world.wait("the dead one is removed", lambda: victim not in lbs.every(), 60)
    return Found(end - start, within(40), under_way, lambda one: one.address == victim.address and one.began <= killed)
