"""What the quickstart keeps in .quickstart/, and how it talks to people."""

import os
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Tests run all this beside a quickstart of people, with programs that are built already.
STATE = Path(os.environ.get("MUSTER_QUICKSTART_STATE", ROOT / ".quickstart"))
IS_BUILT = "MUSTER_QUICKSTART_BUILD" in os.environ
BUILD = Path(os.environ.get("MUSTER_QUICKSTART_BUILD", ROOT / "build/release"))
ENV = STATE / "env"

NODES = (1, 2, 3)
BACKENDS = (1, 2, 3, 4, 5, 6)
PORT_NAMES = ("LB", "ETCD", "ETCD_PEER", "DNS", "PROMETHEUS",
              *(f"{kind}_{n}" for n in NODES for kind in ("ZK", "ZK_QUORUM", "ZK_ELECTION", "API")),
              *(f"{kind}_{n}" for n in BACKENDS for kind in ("WEB", "APP")))

_began = time.monotonic()


class Failure(Exception):
    """Ends the quickstart with a message for people."""


def say(text):
    print(f"[{time.monotonic() - _began:5.1f} s] {text}", flush=True)


def tail(path, lines=15):
    try:
        return "\n".join("    " + line for line in path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # our own, closed a moment ago, is free
        try:
            probe.bind(("", port))  # nor at another address of this machine: load balancers have several
        except OSError:
            return False
    return True


def read_ports():
    if not ENV.exists():
        return {}
    lines = (line.partition("=") for line in ENV.read_text().splitlines() if "=" in line)
    return {name: int(value) for name, _, value in lines if name in PORT_NAMES}


def choose_ports():
    """The ports of the last start where all are free, else new ones; below 32768, where the kernel takes none
    for outgoing connections. API_1 is 9700 where that is free."""
    ports = read_ports()
    if set(ports) != set(PORT_NAMES) or not all(_is_free(port) for port in ports.values()):
        candidates = (port for port in range(9700, 32768) if _is_free(port))
        order = sorted(PORT_NAMES, key=lambda name: not name.startswith("API_"))
        ports = {name: next(candidates) for name in order}
    text = "".join(f"{name}={ports[name]}\n" for name in PORT_NAMES)
    ENV.write_text("# Chosen by ./quickstart; read again at the next start.\n" + text)
    return ports


def make_folders():
    for folder in (STATE, STATE / "logs"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text)
    return path


def is_root():
    return os.geteuid() == 0


def fail(error):
    print(f"\n./quickstart: {error}", file=sys.stderr)
    return 1
