"""The load balancers that muster has made: which ones there are, what runs of them, and how they end.

They are machines of the process provider (docs/providers.md), which leaves a record of each on the disk. Their
processes are nobody's children: whose they are is told by MUSTER_MACHINE in their environment."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import processes
import services
from state import NODES, STATE

MACHINES = services.MACHINES


@dataclass(frozen=True)
class LB:
    id: str
    host: str
    directory: Path
    address: str
    agent: str  # where its agent's metrics are
    token: str

    def file_says(self, name, pattern):
        try:
            return re.search(pattern, (self.directory / name).read_text()) is not None
        except OSError:
            return False

    def is_in_step(self):
        """The agent says so, and the LB answers."""
        return services.answers(f"http://{self.agent}/healthz") and services.answers(f"http://{self.address}/")

    def agent_metric(self, name):
        """None while it doesn't answer."""
        try:
            with urllib.request.urlopen(f"http://{self.agent}/metrics", timeout=1) as reply:
                lines = reply.read().decode().splitlines()
        except OSError:
            return None
        return next((float(line.split()[-1]) for line in lines if line.startswith(name + " ")), None)


def _read(file):
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def _find(host, directory):
    record = _read(directory / "machine.json")
    if not record:
        return None
    return LB(record["id"], host, directory, record["address"], f"{record['ip']}:{record['ports']['agent']}",
              record["token"])


def every():
    """All machines of all hosts, also such that are being made or removed."""
    found = (_find(f"n{n}", directory) for n in NODES
             for directory in (MACHINES / str(n) / services.FLEET).glob("[!.]*"))
    return sorted(filter(None, found), key=lambda lb: [int(part) for part in re.findall(r"\d+", lb.id)])


def serving(ports):
    """Those that muster has in service."""
    phases = {one["id"]: one["phase"] for one in (services.scaling(ports) or {"instances": []})["instances"]}
    return [lb for lb in every() if phases.get(lb.id) == "serving"]


def unsettled(ports):
    """What keeps the fleet from being as it is at the beginning; empty: nothing does."""
    scaling, (least, _, _) = services.scaling(ports), services.size_limits(ports)
    if not scaling or not scaling["begun"]:
        return "nobody says what there is of the fleet"
    phases = [one["phase"] for one in scaling["instances"]]
    if scaling["target"] != least or phases != ["serving"] * least or scaling["under_way"]:
        return f"the fleet has {', '.join(phases) or 'no load balancers'}; {scaling['target']} are to serve"
    there = serving(ports)
    if len(services.lbs_in_rotation(ports)) != least or len(there) != least:
        return f"not {least} load balancers are healthy"
    for lb in there:
        if lb.agent_metric("muster_agent_connected") != 1 or not lb.is_in_step():
            return f"the agent of {lb.id} is not in step"
    return ""


# --- their processes ---------------------------------------------------------------------------------------

def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) > 1]


def _text(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def programs(lb=None):
    """(pid, start time) -> the program's path, of one machine or of all."""
    mark = f"MUSTER_MACHINE={lb.directory}:{lb.token}" if lb else f"MUSTER_MACHINE={MACHINES}/"
    found = {}
    for pid in _pids():
        born = processes.start_time(pid)
        if born is not None and any(one == mark or (not lb and one.startswith(mark)) for one in _text(pid, "environ")):
            found[pid, born] = (_text(pid, "cmdline") or [""])[0]
    return found


def _supervisors(lb=None):
    """(pid, start time) of those that started the programs; they have no mark."""
    found = []
    for pid in _pids():
        words = _text(pid, "cmdline")
        if "run-machine" in words and Path(words[0]).name == "musterd":
            directory = words[words.index("run-machine") + 1]
            is_it = directory == str(lb.directory) if lb else directory.startswith(f"{MACHINES}/")
            if is_it and (born := processes.start_time(pid)) is not None:
                found.append((pid, born))
    return found


def _signal(victims, number):
    for pid, born in victims:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                # Whom the handle holds is looked at after it was opened: it can't change any more.
                if processes.start_time(pid) == born:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def _alive(victims):
    return [(pid, born) for pid, born in victims if processes.start_time(pid) == born]


def pids(lb, program):
    """Of a program of this machine, the oldest first."""
    return [pid for pid, _ in sorted((one for one, path in programs(lb).items() if Path(path).name == program),
                                     key=lambda one: one[1])]


def kill(lb, program=None):
    """As when it crashes, or all of the machine; returns when all have ended, and so hold no port."""
    victims = [one for one, path in programs(lb).items() if program in (None, Path(path).name)]
    if program is None:
        victims = _supervisors(lb) + victims
    for number in (signal.SIGSTOP, signal.SIGKILL):  # so that none of them can do anything about the others' end
        _signal(victims, number)
    while _alive(victims):
        processes.reap()
        time.sleep(0.005)


def start_again(lb, name):
    """What people do when one program of a machine has died; muster would replace the machine after a while."""
    program = next(one for one in _read(lb.directory / "machine.json")["programs"] if one["name"] == name)
    mark = {"MUSTER_MACHINE": f"{lb.directory}:{lb.token}"}
    with (lb.directory / f"{name}.log").open("ab") as log:
        subprocess.Popen(program["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=STATE,
                         env={**os.environ, **mark}, start_new_session=True)


def end_all(patience=4):
    """To be called when no musterd runs any more that could make new ones."""
    supervisors = _supervisors()
    _signal(supervisors, signal.SIGKILL)  # it would only wait for its programs
    for number, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
        deadline = time.monotonic() + limit
        while (left := list(programs())) and time.monotonic() < deadline:
            _signal(left, number)
            processes.reap()
            time.sleep(0.1)
    return not programs()
