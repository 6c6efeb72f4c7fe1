"""Runs all drills on a quickstart of its own (programs: MUSTER_QUICKSTART_BUILD), then some again, to see that each
leaves all as it was; and one that must fail, to see that this is noticed. Then its fleet follows a load."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "deploy/quickstart"
sys.path.insert(0, str(QUICKSTART))

STATE = Path(tempfile.mkdtemp(prefix="muster-drill-"))
os.environ["MUSTER_QUICKSTART_STATE"] = str(STATE)
import lbs  # noqa: E402
import processes  # noqa: E402  (reads the environment, as all of them)
import services  # noqa: E402
from drill import Found, judge  # noqa: E402
from load import Lost  # noqa: E402
from state import PORT_NAMES, read_ports  # noqa: E402
from surge import BASE, path_of, wanted_size  # noqa: E402

_reserved = []


def free_port():
    """As free_port() of tests/support: reserved against all other tests until this process ends."""
    for number in range(22000 + os.getpid() * 97 % 9000, 32000):
        name, probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket()
        try:
            probe.bind(("127.0.0.1", number))
            name.bind(f"\0muster-test-port-{number}")
            _reserved.append(name)
            return number
        except OSError:
            name.close()
        finally:
            probe.close()
    raise RuntimeError("no free port below 32000")


def judges_badly():
    """The drills' own judge on made-up findings."""
    lost = Lost("lb", "/", 1.0, "503")
    allowed = Found(1, 1, may_fail=1, excused=lambda one: one.began <= 1)
    late = Lost("lb", "/", 2.0, "503")
    cases = ((Found(1, 1), [], 0), (Found(2, 1), [], 1), (Found(1, 1), [lost], 1), (allowed, [lost], 0),
             (allowed, [late], 1), (allowed, [lost, lost], 2))
    return [number for number, (found, what, count) in enumerate(cases) if len(list(judge(found, what))) != count]


def sizes_badly():
    """What `load` says of sizes, on made-up ones."""
    paths = (([2], "2"), ([2, 3, 4, 3, 2], "2 -> 4 -> 2"), ([2, 4, 2], "2 -> 4 -> 2"), ([2, 3], "2 -> 3"),
             ([2, 3, 2, 3, 2], "2 -> 3 -> 2 -> 3 -> 2"))
    wanted = ((100, 2), (140, 2), (141, 3), (260, 4), (9999, 5))
    return ([f"the path of {sizes}" for sizes, path in paths if path_of(sizes) != path]
            + [f"the size for {load}" for load, size in wanted if wanted_size((2, 5, 70), load) != size])


def leaves_a_child_alive():
    """Whether kill() comes back while what a killed process has started still holds its port."""
    holder = ("import socket; there = socket.create_server(('127.0.0.1', 0)); much = b'x' * (1 << 29);"
              "print(there.getsockname()[1], flush=True); there.accept()")
    (STATE / "logs").mkdir(exist_ok=True)
    processes.start("parent", ["sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", holder])
    processes.wait_until("the child", lambda: processes.log_of("parent").read_text().endswith("\n"), 30)
    with socket.socket() as client:
        processes.kill("parent")
        return client.connect_ex(("127.0.0.1", int(processes.log_of("parent").read_text()))) == 0


def quickstart(*arguments, **environment):
    print("$ quickstart", *arguments, environment or "", flush=True)
    return subprocess.run([sys.executable, "-B", str(QUICKSTART), *arguments],
                          env={**os.environ, **environment}).returncode


def main():
    STATE.chmod(0o755)
    (STATE / "env").write_text("".join(f"{name}={free_port()}\n" for name in PORT_NAMES))
    failed = [f"case {number} of the judge" for number in judges_badly()] + sizes_badly()
    try:
        if leaves_a_child_alive():
            failed.append("what is killed goes on")
        if quickstart("drill"):
            failed.append("a promise was broken")
        if quickstart("drill", "drain_backend", "restart_haproxy"):
            failed.append("it can't be run again at once")
        if quickstart("drill", "drain_backend", MUSTER_DRILL_SLACK="0.001") != 1:
            failed.append("a broken promise is not noticed")
        if quickstart("load", "3x", "--for", "5s"):
            failed.append("the fleet did not follow the load")
        if warnings := services.apply(read_ports(), services.groups(read_ports())):
            failed.append(f"muster warns of the quickstart's own documents: {warnings}")
        if wanted_size(services.size_limits(read_ports()), 3 * BASE + services.TRAFFIC) != 4:
            failed.append("three times the load is not for 4 load balancers")
        if quickstart("drill", "no_such") != 1:
            failed.append("there is no drill of that name, and nobody says so")
    finally:
        quickstart("stop")
        if lbs.programs():
            failed.append("load balancers are left")
        if failed:
            for log in sorted((*(STATE / "logs").glob("*.log"), *STATE.glob("lbs/*/*/*/*.log"))):
                print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-20:], sep="\n")
        subprocess.run(["rm", "-rf", str(STATE)], check=True)
    print("FAILED: " + "; ".join(failed) if failed else "all drills as promised")
    return 1 if failed else 0


sys.exit(main())
