"""More load for a while: the fleet grows for it, and shrinks when it is over. Clients follow the fleet's name."""

import math
import time

import lbs
import services
from clients import Client, Name
from load import FollowingLoad
from state import Failure, say

BASE = 80  # requests a second, all together: what the drills send
CLIENTS = 32
AT_ONCE = 3.0  # seconds between two lines
PATIENCE = 90  # seconds for each direction; alone on a machine it takes a quarter of it


def wanted_size(limits, per_second):
    """What the policy makes of so many requests a second."""
    least, most, of_each = limits
    return min(most, max(least, math.ceil(per_second / of_each)))


def path_of(sizes):
    """The turning points: 2 3 4 3 2 is 2 -> 4 -> 2."""
    turns = [size for n, size in enumerate(sizes)
             if n in (0, len(sizes) - 1) or (sizes[n - 1] < size) != (size < sizes[n + 1])]
    return " -> ".join(map(str, turns))


class Surge:
    def __init__(self, ports):
        self._ports = ports
        self._limits = services.size_limits(ports)
        self._name = Name(ports)
        self._load = FollowingLoad([Client(self._name, n) for n in range(CLIENTS)], ("/", "/seen"), BASE)
        self._began = time.monotonic()
        self._shown = 0, self._began  # requests, when
        self.sizes = []  # that were seen, each once in a row

    def _look(self):
        """How many serve; None: nobody says."""
        scaling = services.scaling(self._ports)
        if not scaling:
            return None
        size = sum(one["phase"] == "serving" for one in scaling["instances"])
        if self.sizes[-1:] != [size]:
            self.sizes.append(size)
        now, (sent, since) = time.monotonic(), self._shown
        if now - since >= AT_ONCE:
            total = self._load.sent()
            say(f"{size} serve, {scaling['target']} wanted   {(total - sent) / (now - since):5.1f} requests/s   "
                f"{len(self._load.failures())} failed   {services.why_this_size(scaling)}")
            self._shown = total, now
        return size

    def _until(self, condition, at_least, patience):
        """Whether it came to hold; looks on for `at_least` seconds."""
        start = time.monotonic()
        held = False
        while time.monotonic() - start < max(at_least, 0 if held else at_least + patience):
            held = condition(self._look()) or held
            time.sleep(0.2)
        return held

    def run(self, times, seconds):
        """Whether all was as it should be."""
        least = self._limits[0]
        most = wanted_size(self._limits, BASE * times + services.TRAFFIC)
        wrong = []
        self._until(lambda _: True, 3, 0)
        say(f"{BASE * times:.0f} requests a second for {seconds} s, not {BASE}: {most} load balancers are to serve")
        self._load.per_second = BASE * times
        if not self._until(lambda size: size == most, seconds, PATIENCE):
            wrong.append(f"it did not come to {most} load balancers")
        say(f"{BASE} requests a second again: {least} are to serve")
        self._load.per_second = BASE
        # What ends is looked at to its end.
        if not self._until(lambda size: size == least == len(lbs.every()), 3, PATIENCE):
            wrong.append(f"it did not come back to {least} load balancers")
        self.stop()
        if max(self.sizes) != most:
            wrong.append(f"there were up to {max(self.sizes)} load balancers")
        wrong += [f"lost: {one.address}{one.path} {one.why}" for one in self._load.failures()[:5]]
        if self._load.next_ones():
            wrong.append(f"{self._load.next_ones()} connections were refused by an address that the name had")
        self.tell(wrong)
        return not wrong

    def tell(self, wrong=()):
        print(f"\n{self._load.sent()} requests in {time.monotonic() - self._began:.0f} s, "
              f"{len(self._load.failures())} failed, {self._load.sent_again()} sent again over a new connection; "
              f"load balancers: {path_of(self.sizes)}",
              *(f"    {why}" for why in wrong), sep="\n", flush=True)

    def stop(self):
        self._name.stop()
        self._load.stop()


def run(ports, times, seconds):
    say("waiting until all is well")
    start = time.monotonic()
    while why := lbs.unsettled(ports):
        if time.monotonic() - start > PATIENCE:
            raise Failure(why)
        time.sleep(0.2)
    surge = Surge(ports)
    try:
        return surge.run(times, seconds)
    except KeyboardInterrupt:
        surge.stop()
        surge.tell()
        raise
    finally:
        surge.stop()
