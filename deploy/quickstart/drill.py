"""Runs drills against the quickstart: each breaks one thing under load, and says what clients saw of it.

What counts comes from clients and from HAProxy, not from muster's own counters: requests through the load
balancers, the states of HAProxy's servers, and what the example backends have seen of probes."""

import contextlib
import os
import time
from dataclasses import dataclass

import haproxy
import lbs
import processes
import services
from clients import Client, Name
from load import FollowingLoad, Load
from state import BACKENDS, NODES, Failure, say

PER_SECOND = 40  # requests to each load balancer
SETTLING = 90  # seconds until all is as before: a fleet that has grown takes most of it
# On a machine that has other things to do, too, all takes longer.
SLACK = float(os.environ.get("MUSTER_DRILL_SLACK", "1"))
GROUPS = {"web": tuple(f"web-{n}" for n in BACKENDS), "app": tuple(f"app-{n}" for n in BACKENDS)}


class Broken(Exception):
    """A promise that was not kept."""


@dataclass
class Found:
    """What a drill has measured. `effect`: seconds; `within`: what is promised. `may_fail`: how many requests can't be
    saved by anybody; `excused`: which ones these may be."""
    effect: float
    within: float
    may_fail: int = 0
    excused: object = lambda lost: False


def judge(found, lost):
    """What was not as promised; pure."""
    if found.effect > found.within:
        yield f"it took {found.effect:.2f} s, promised are {found.within:.1f} s"
    unexcused = [one for one in lost if not found.excused(one)]
    if len(lost) > found.may_fail or unexcused:
        for one in (unexcused or lost)[:5]:
            yield f"lost: {one.address}{one.path} {one.why}"


class World:
    """The running quickstart with a load of its own, and what drills do with it."""

    def __init__(self, ports):
        self.ports = ports
        self.lbs = []
        self.load = None
        self._undo = contextlib.ExitStack()

    @property
    def addresses(self):
        return [lb.address for lb in self.lbs]

    def begin(self):
        """The load goes to the load balancers that there are; a drill may have changed which ones."""
        there = lbs.serving(self.ports)
        if there != self.lbs:
            self.end()
            self.lbs = there
            self.load = Load(self.addresses, ("/", "/seen"), PER_SECOND)

    def end(self):
        if self.load:
            self.load.stop()
        self.load, self.lbs = None, []

    def follow_the_name(self):
        """For the rest of the drill the load goes where the name leads to. Half of it: so one of two that is left alone
        with it is no reason for the fleet to grow."""
        there = self.lbs
        self.end()
        self.lbs = there
        name = Name(self.ports)
        self.load = FollowingLoad([Client(name, n) for n in range(24)], ("/", "/seen"), PER_SECOND * len(there) / 2)
        self.afterwards(name.stop)

    # --- waiting

    def wait(self, what, condition, limit=30):
        """Until it holds; returns how many seconds that took."""
        start = time.monotonic()
        limit *= max(1, SLACK)
        while not condition():
            if time.monotonic() - start > limit:
                raise Broken(f"not within {limit:.0f} s: {what}")
            time.sleep(0.01)
        return time.monotonic() - start

    def let_pass(self, requests):
        """Until so many more have been sent to each load balancer."""
        start = time.monotonic()
        for address in self.addresses:
            self.wait("requests", lambda to=address: self.load.sent(start, address=to) >= requests)

    def watch(self, seconds, claim):
        """The claim holds all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            claim()
            time.sleep(0.1)

    # --- changing

    def afterwards(self, undo, *arguments):
        """When the drill is over, however it ends; the last one first."""
        self._undo.callback(undo, *arguments)

    def musterctl(self, *arguments):
        services.run_musterctl("--url", services.urls(self.ports), *arguments)

    def takes(self, *arguments):
        """Whether a node could do it now."""
        return self._works(self.musterctl, *arguments)

    def applies(self, documents):
        """Likewise."""
        return self._works(services.apply, self.ports, documents)

    @staticmethod
    def _works(function, *arguments):
        try:
            function(*arguments)
        except Failure:
            return False
        return True

    def drain(self, backend):
        self.afterwards(self.wait, f"activate {backend}", lambda: self.takes("activate", backend))
        self.musterctl("drain", backend)

    def stop_zookeeper(self):
        self.afterwards(self.start_zookeeper)
        processes.kill(*(f"zookeeper-{n}" for n in NODES))

    def start_zookeeper(self):
        there = processes.running()
        for n in NODES:
            if f"zookeeper-{n}" not in there:
                services.start_zookeeper(self.ports, n)
        self.wait("ZooKeeper serves", lambda: all(services.zookeeper_mode(self.ports, n) for n in NODES))

    def restart(self, name, start, *arguments):
        if name not in processes.running():
            start(self.ports, *arguments)

    # --- asking

    @staticmethod
    def server(lb, group, name):
        return haproxy.servers(lb).get((group, name))

    def everywhere(self, group, name, state):
        return all(self.server(lb, group, name) == state for lb in self.lbs)

    def servers(self):
        """Of all load balancers, as they say."""
        return {lb: haproxy.servers(lb) for lb in self.lbs}

    def master(self, but=None):
        """The number of the node in office as another node than `but` says, or None."""
        for node in NODES:
            if node != but and (cluster := services.api(self.ports, node, "/api/v1/cluster")):
                master = (cluster["master"] or {}).get("node", "n0")
                return int(master[1:]) or None
        return None

    def forget_gaps(self):
        for n in BACKENDS:
            services.example_backend(self.ports, n, "POST")

    def probes_go_on(self):
        """Waits for two more of each example backend."""
        def seen():
            return [services.example_backend(self.ports, n)["health_requests"] for n in BACKENDS]

        wanted = [count + 2 for count in seen()]
        self.wait("probes of all backends", lambda: all(now >= then for now, then in zip(seen(), wanted)))

    def longest_gap(self):
        """Between two probes of any example backend, as the backends say."""
        return max(services.example_backend(self.ports, n)["longest_gap_seconds"] for n in BACKENDS)

    def unsettled(self):
        """What is not as it was at the beginning; empty: all is."""
        missing = [name for name in (*services.BEHIND, "traffic") if name not in processes.running()]
        if missing:
            return f"{', '.join(missing)} not running"
        for n in NODES:
            if not services.musterd_is_ready(self.ports, n):
                return f"musterd-{n} not ready"
            nodes = (services.api(self.ports, n, "/api/v1/nodes") or {"nodes": []})["nodes"]
            if len(nodes) != len(NODES) or any(not node["shards"] for node in nodes):
                return "some node has no shards"
        states = services.backend_states(self.ports)
        if states["up"] != sum(map(len, GROUPS.values())) or states.total() != states["up"]:
            return "backends: " + ", ".join(f"{count} {state}" for state, count in states.items())
        return lbs.unsettled(self.ports) or self._servers_unsettled()

    def _servers_unsettled(self):
        wanted = {(group, name): "ready" for group, names in GROUPS.items() for name in names}
        for lb in lbs.serving(self.ports):
            if haproxy.servers(lb) != wanted:
                return f"the servers of {lb.id} are not as in groups.yaml"
        return ""

    def settle(self):
        why = "?"

        def settled():
            nonlocal why
            why = self.unsettled()
            return not why

        try:
            self.wait("all as before", settled, SETTLING)
        except Broken as broken:
            raise Failure(f"{broken}: {why}") from broken

    def perform(self, drill):
        """Runs it, puts all back, and judges. Returns a row of the table, and whether all was as promised."""
        self.begin()
        start = time.monotonic()
        found, broken = None, []
        try:
            with self._undo:
                found = drill(self)
        except (Broken, Failure) as error:
            broken.append(str(error))
        self.settle()
        lost = self.load.failures(start)
        if found:
            broken += judge(found, lost)
        row = (drill.__name__, self.load.sent(start), self.load.sent_again(start), len(lost),
               found.may_fail if found else 0,
               f"{found.effect:.2f} s" if found else "-", f"{found.within:.1f} s" if found else "-",
               "FAILED" if broken else "ok")
        return row, broken


COLUMNS = "{:<26} {:>6} {:>6} {:>7} {:>8} {:>15} {:>7}  {}"


def run(ports, drills):
    """Returns whether all was as promised."""
    world = World(ports)
    good = True
    try:
        say("waiting until all is well")
        world.settle()
        print("\n" + COLUMNS.format("drill", "sent", "again", "failed", "allowed", "time to effect", "bound", ""))
        for drill in drills:
            row, broken = world.perform(drill)
            print(COLUMNS.format(*row), *(f"    {why}" for why in broken), sep="\n", flush=True)
            good = good and not broken
    finally:
        world.end()
    print("\nall as promised" if good else "\nNOT as promised", flush=True)
    return good
