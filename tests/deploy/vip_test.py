"""Two CoreDNS behind an address of keepalived's, each on a host of its own (network namespaces), with the files that
deploy/ ships: a CoreDNS is killed, a host is killed, etcd hangs. In all of it the address answers again within 3 s.

Ends with 77 where there is no CoreDNS or no namespaces can be made, and says which."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77
LIMIT = 3.0  # seconds without an answer
VIP, CLIENT = "192.0.2.53", "192.0.2.21"  # etcd runs where the client is
HOSTS = {"a": "192.0.2.51", "b": "192.0.2.52"}
NAME, CANARY = "api.example.org", "_muster-canary.example.org"
started = []


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def eventually(limit, holds, what):
    end = time.monotonic() + limit
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


class Network:
    """A namespace for each host and the client, on one bridge in a namespace of its own."""

    def __init__(self):
        self.names = {name: f"muster-{os.getpid()}-{name}" for name in ("switch", "client", *HOSTS)}

    def make(self):
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.names["switch"], "link", "add", "name", "switch0", "type", "bridge")
        run("ip", "-n", self.names["switch"], "link", "set", "dev", "switch0", "up")
        for host, address in {"client": CLIENT, **HOSTS}.items():
            switch = ("ip", "-n", self.names["switch"], "link")
            run(*switch, "add", "name", host, "type", "veth",
                "peer", "name", "eth0", "netns", self.names[host])
            run(*switch, "set", "dev", host, "master", "switch0", "up")
            run("ip", "-n", self.names[host], "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", self.names[host], "link", "set", "eth0", "up")

    def cable(self, host, state):
        run("ip", "-n", self.names["switch"], "link", "set", "dev", host, state)

    def inside(self, host, *command):
        return ["ip", "netns", "exec", self.names[host], *command]

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Daemon:
    def __init__(self, command, log):
        self.command, self.log = command, log
        self.process = None
        started.append(self)
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)

    def signal(self, number):
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


def question(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">6H", 4711, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">2H", kind, 1)


class Client(threading.Thread):
    """Asks the address every 20 ms, from the client's namespace, and notes when it was answered."""

    def __init__(self, namespace):
        super().__init__(daemon=True)
        self.namespace, self.answers, self.stop, self.trouble = namespace, [], False, None

    def run(self):
        try:
            with open(f"/run/netns/{self.namespace}", encoding="ascii") as place:
                libc = __import__("ctypes").CDLL(None, use_errno=True)
                if libc.setns(place.fileno(), 0) != 0:  # of this thread alone
                    raise OSError("setns")
            while not self.stop:
                self.ask()
                time.sleep(0.02)
        except OSError as error:
            self.trouble = error

    def ask(self):
        with socket.socket(type=socket.SOCK_DGRAM) as server:
            server.settimeout(0.2)
            try:
                server.connect((VIP, 53))
                server.send(question(NAME, 1))
                answer = server.recv(4096)
            except OSError:
                return
            flags, _, count = struct.unpack_from(">3H", answer, 2)
            if flags & 0xF == 0 and count > 0:
                self.answers.append(time.monotonic())

    def answered_since(self, moment):
        return bool(self.answers) and self.answers[-1] > moment

    def longest_gap(self, since, until):
        times = [since, *(at for at in self.answers if since < at < until), until]
        return max(later - earlier for earlier, later in zip(times, times[1:]))


def etcdctl(network, *arguments):
    return run(*network.inside("client", "etcdctl", f"--endpoints=http://{CLIENT}:2379", *arguments),
               env={**os.environ, "ETCDCTL_API": "3"}, timeout=10)


def corefile(folder):
    text = (ROOT / "deploy/coredns/Corefile").read_text()
    ours = re.sub(r"endpoint .*", f"endpoint http://{CLIENT}:2379", text)
    assert ours != text
    path = folder / "Corefile"
    path.write_text(ours)
    return path


def keepalived(folder, host, script):
    text = (ROOT / "deploy/keepalived/keepalived.conf").read_text()
    assert "/usr/lib/muster/ask-canary" in text
    text = text.replace("/usr/lib/muster/ask-canary", str(script))
    if host == "b":
        swapped = {HOSTS["a"]: HOSTS["b"], HOSTS["b"]: HOSTS["a"], "priority 150": "priority 149"}
        text = re.sub("|".join(map(re.escape, swapped)), lambda at: swapped[at.group()], text)
    path = folder / f"keepalived-{host}.conf"
    path.write_text(text)
    return path


class World:
    def __init__(self, network, folder, coredns):
        self.network, self.folder = network, folder
        self.etcd = Daemon(network.inside("client", "etcd", f"--data-dir={folder}/etcd", "--log-level=error",
                                          f"--listen-client-urls=http://{CLIENT}:2379",
                                          f"--advertise-client-urls=http://{CLIENT}:2379",
                                          "--listen-peer-urls=http://127.0.0.1:2380"), folder / "etcd.log")
        eventually(20, self.put_records, "etcd is up")
        script = folder / "ask-canary"
        script.write_text((ROOT / "deploy/keepalived/ask-canary").read_text())
        script.chmod(0o755)
        path = corefile(folder)
        self.coredns, self.keepalived = {}, {}
        for host in HOSTS:
            as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                         "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")
            self.coredns[host] = Daemon(network.inside(host, *as_nobody, coredns, "-conf", str(path)),
                                        folder / f"coredns-{host}.log")
        for host in HOSTS:
            eventually(20, lambda at=host: self.canary(at), f"the CoreDNS of {host} answers the canary")
            self.keepalived[host] = Daemon(
                network.inside(host, "keepalived", "-n", "-l", "-D", "-f", str(keepalived(folder, host, script)),
                               "-p", f"{folder}/{host}.pid", "-r", f"{folder}/{host}-vrrp.pid",
                               "-c", f"{folder}/{host}-checkers.pid"), folder / f"keepalived-{host}.log")
        self.client = Client(network.names["client"])
        self.client.start()

    def put_records(self):
        try:
            etcdctl(self.network, "put", "/skydns/org/example/api/lb-1", json.dumps({"host": "192.0.2.99", "ttl": 5}))
            etcdctl(self.network, "put", "/skydns/org/example/_muster-canary/canary",
                    json.dumps({"text": "muster/c-1", "ttl": 5}))
            return True
        except subprocess.SubprocessError:
            return False

    def canary(self, host):
        ask = self.network.inside(host, str(self.folder / "ask-canary"), "127.0.0.1", CANARY)
        return subprocess.run(ask, capture_output=True).returncode == 0

    def holds(self, host):
        return VIP in run("ip", "-n", self.network.names[host], "-4", "address", "show", "eth0")

    def back_after(self, what, act):
        """How long the address did not answer."""
        began = time.monotonic()
        act()
        done = time.monotonic()
        # It has to stop answering, or the fault was none; or the other one was faster than the client could see.
        eventually(LIMIT, lambda: self.client.answered_since(done), f"{what}: {VIP} answers again")
        # It must go on, too, after the priorities have settled.
        end = done + 2 * LIMIT
        eventually(3 * LIMIT, lambda: time.monotonic() > end, "")
        gap = self.client.longest_gap(began, end)
        print(f"{what}: without an answer for {gap:.2f} s")
        assert gap < LIMIT, f"{what}: {VIP} did not answer for {gap:.2f} s"
        return gap


def drill(world):
    eventually(20, lambda: world.holds("a") and not world.holds("b"), "a has the address")
    eventually(5, lambda: world.client.answered_since(0), f"{VIP} answers")

    world.back_after("CoreDNS killed", world.coredns["a"].kill)
    assert world.holds("b") and not world.holds("a"), "the address is where CoreDNS is"
    world.back_after("CoreDNS started again", world.coredns["a"].start)
    eventually(20, lambda: world.holds("a") and not world.holds("b"), "a has the address again")

    def kill_host():
        world.network.cable("a", "down")
        world.coredns["a"].kill()
        world.keepalived["a"].kill()

    world.back_after("host killed", kill_host)
    assert world.holds("b")
    run("ip", "-n", world.network.names["a"], "address", "flush", "dev", "eth0")
    run("ip", "-n", world.network.names["a"], "address", "add", f"{HOSTS['a']}/24", "dev", "eth0")
    world.network.cable("a", "up")
    world.coredns["a"].start()
    eventually(20, lambda: world.canary("a"), "the CoreDNS of a is back")
    # A host's /run is empty after a start. Here the killed processes may still be zombies of others.
    for pid_file in world.folder.glob("a*.pid"):
        pid_file.unlink()
    world.keepalived["a"].start()
    eventually(20, lambda: world.holds("a") and not world.holds("b"), "a has the address after all")

    # No DNS server is any better now, so one of them has to keep the address, and answer what it knows.
    world.etcd.signal(signal.SIGSTOP)
    eventually(30, lambda: not world.canary("a") and not world.canary("b"), "no CoreDNS answers the canary")
    eventually(30, lambda: world.holds("a") != world.holds("b"), "one has the address")
    world.etcd.signal(signal.SIGCONT)
    eventually(30, lambda: world.canary("a") and world.canary("b"), "the canary is back")
    now = time.monotonic()
    eventually(10, lambda: world.client.answered_since(now), f"{VIP} answers")
    assert world.client.trouble is None, world.client.trouble


def main():
    get = subprocess.run([ROOT / "deploy/coredns/get"], capture_output=True, text=True)
    if get.returncode != 0:
        skip("no CoreDNS: " + get.stderr.strip())
    if os.geteuid() != 0:
        skip("only root can make network namespaces")
    network = Network()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            try:
                network.make()
            except (OSError, subprocess.CalledProcessError) as error:
                skip(f"no network namespaces can be made: {getattr(error, 'stderr', '') or error}")
            try:
                drill(World(network, folder, get.stdout.split()[-1]))
            except BaseException:
                for log in sorted(folder.glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
                raise
        finally:
            for daemon in reversed(started):
                daemon.signal(signal.SIGCONT)
                daemon.kill()
            network.remove()


if __name__ == "__main__":
    main()
