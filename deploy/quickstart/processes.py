"""The processes of the quickstart: started apart from the terminal, found again by pid and start time."""

import contextlib
import json
import os
import signal
import subprocess
import time

from state import STATE, Failure, tail

PIDS = STATE / "pids"


def start_time(pid):
    """In clock ticks since boot; None when there is no such process (a zombie has ended, too)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(") ")[2].split()
    except OSError:
        return None
    # Its first thread may have ended before others: these hold its ports.
    return None if fields[0] == "Z" and int(fields[17]) <= 1 else int(fields[19])


def _read():
    try:
        return json.loads(PIDS.read_text())
    except FileNotFoundError:
        return {}


def _write(table):
    PIDS.with_suffix(".new").write_text(json.dumps(table, indent=1) + "\n")
    PIDS.with_suffix(".new").rename(PIDS)


def running():
    """Name -> pid of what was started and still runs. A pid counts only with its own start time."""
    return {name: entry["pid"] for name, entry in _read().items()
            if entry["pid"] > 1 and start_time(entry["pid"]) == entry["start_time"]}


def log_of(name):
    return STATE / "logs" / f"{name}.log"


def start(name, command, cwd=None, env=None, reads=os.devnull):
    """Starts `command` in a session of its own, so that Ctrl-C in the terminal doesn't reach it."""
    with log_of(name).open("ab") as log, open(reads, "rb") as standard_input:
        process = subprocess.Popen([str(part) for part in command], stdin=standard_input, stdout=log, stderr=log,
                                   cwd=cwd or STATE, env={**os.environ, **(env or {})}, start_new_session=True)
    table = _read()
    table[name] = {"pid": process.pid, "start_time": start_time(process.pid)}
    _write(table)
    return process


def wait_until(what, condition, limit, process=None, name=None):
    """Asks `condition` until it holds; a dead `process` or the limit ends it with its last log lines."""
    deadline = time.monotonic() + limit
    while not condition():
        dead = process is not None and process.poll() is not None
        if dead or time.monotonic() > deadline:
            why = f"ended with {process.returncode}" if dead else f"was not ready after {limit} s"
            raise Failure(f"{what} {why}" + (":\n" + tail(log_of(name)) if name else ""))
        time.sleep(0.05)


def _signal(names, number):
    # Looked up again each time: one that has ended since may have given its pid to a stranger.
    for name, pid in running().items():
        if name in names:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def _is_a_machines(pid):
    """A musterd's guardian adopts what starts the programs of the machines; they are to outlive both."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return "run-machine" in file.read().split("\0")
    except OSError:
        return False


def children(name):
    """The pids that the process of that name has started itself."""
    pid = running().get(name)
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split() if not _is_a_machines(child)]
    except OSError:
        return []


def signal_all(name, number):
    """To the process of that name, and to those that it has started."""
    if name not in running():
        return
    for pid in (running()[name], *children(name)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def kill(*names):
    """As when they crash, with those that they have started; returns when all have ended, and so hold no port."""
    there = running()
    pids = [pid for name in names if name in there for pid in (there[name], *children(name))]
    victims = {pid: born for pid in pids if (born := start_time(pid)) is not None}
    for number in (signal.SIGSTOP, signal.SIGKILL):  # so that none of them can do anything about the others' end
        for pid, born in victims.items():
            if start_time(pid) == born:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
    while any(start_time(pid) == born for pid, born in victims.items()):
        reap()
        time.sleep(0.005)


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def stop(names, patience):
    """SIGTERM, again after half of the patience ("close at once"), then SIGKILL."""
    names = set(names)
    for number, limit in ((signal.SIGTERM, patience / 2), (signal.SIGTERM, patience / 2), (signal.SIGKILL, 5)):
        _signal(names, signal.SIGCONT)
        _signal(names, number)
        deadline = time.monotonic() + limit
        while names & running().keys() and time.monotonic() < deadline:
            reap()
            time.sleep(0.02)
        if not names & running().keys():
            break
    _write({name: entry for name, entry in _read().items() if name in running()})
