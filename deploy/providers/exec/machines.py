"""What programs of exec providers have in common (docs/providers.md): verbs, exit codes, machines, the fence."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import subprocess
import sys

OK, EXISTS, ABSENT, QUOTA, TRANSIENT, INVALID, FENCED = 0, 10, 11, 20, 30, 40, 50
UNKNOWN = 1  # any other code: perhaps it was done


class Stop(Exception):
    """Ends the program with this exit code; the text is for people."""

    def __init__(self, code, text=""):
        super().__init__(text)
        self.code = code


def variable(name, default=None):
    value = os.environ.get(name, default)
    if value is None:
        raise Stop(INVALID, f"{name} is not set: set it in the provider's environment or the fleet's parameters")
    return value


def run(argv, troubles=(), text=None):
    """The output of a program. `troubles`: (words on its standard error, exit code of ours), the first that fits."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    for words, code in troubles:
        if words in done.stderr:
            raise Stop(code, done.stderr)
    raise Stop(UNKNOWN, f"{argv[0]}: exit code {done.returncode}: {done.stderr}")


def machine(name, fleet, token, state, address="", age_seconds=0, cluster=None):
    """`cluster`: as the machine is labelled; None: it has no such label, being made by an earlier release."""
    described = {"id": name, "fleet": fleet, "token": token, "state": state, "address": address,
                 "age_seconds": max(0, int(age_seconds))}
    return described if cluster is None else {**described, "cluster": cluster}


def epoch_of(text, code, what):
    """(era, epoch) of `era.epoch`."""
    if not re.fullmatch(r"[0-9]{1,20}\.[0-9]{1,20}", text):
        raise Stop(code, what)
    return tuple(map(int, text.split(".")))


def highest_seen(kept):
    """The fence file's. Nothing can be compared with a damaged one, so nothing is done until a person has looked."""
    if not kept.exists():
        return 0, 0
    text = kept.read_text(encoding="ascii", errors="replace").strip()
    return epoch_of(text, TRANSIENT,
                    f"{kept} is damaged: it must hold the highest FENCE_EPOCH that was seen, such as 1.57, and holds "
                    f"{text[:40]!r}. Nothing is changed until then. Make sure that no old master of this cluster is "
                    f"left anywhere, and remove the file")


def keep(kept, text):
    """After a loss of power there is the old one or this one, and never a part of one."""
    new = kept.with_name("fence.new")
    with open(new, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(kept)
    directory = os.open(kept.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def fence():
    """Refuses what a master below the highest one asks for; of this host: other hosts have files of their own.

    Any number of calls by one master are inside at once. A later master's first one waits until they are out, so that
    what it finds from then on is no earlier master's doing.
    """
    try:
        directory = pathlib.Path(variable("MUSTER_STATE_DIR"))
        directory.mkdir(parents=True, exist_ok=True)
        kept, text = directory / "fence", variable("FENCE_EPOCH")
        ours = epoch_of(text, INVALID, f"FENCE_EPOCH is no era.epoch: {text[:40]!r}")
        lock = open(directory / "fence.lock", "w", encoding="ascii")
    except OSError as error:
        raise Stop(TRANSIENT, f"MUSTER_STATE_DIR: {error}") from error
    with lock:
        try:
            while True:
                fcntl.flock(lock, fcntl.LOCK_SH)
                seen = highest_seen(kept)
                if ours < seen:
                    raise Stop(FENCED, f"{text} is below {seen[0]}.{seen[1]}, which was here before")
                if ours == seen:
                    break
                fcntl.flock(lock, fcntl.LOCK_UN)
                fcntl.flock(lock, fcntl.LOCK_EX)
                if ours > highest_seen(kept):
                    keep(kept, text)
                fcntl.flock(lock, fcntl.LOCK_UN)
        except OSError as error:
            raise Stop(TRANSIENT, f"MUSTER_STATE_DIR: {error}") from error
        yield


def find(provider, fleet, name=""):
    """(handle, machine) of this cluster's machines, and of those that say of no cluster: their tokens tell."""
    cluster = variable("MUSTER_CLUSTER")
    return [(handle, one) for handle, one in provider.find(fleet, name)
            if one.get("cluster", cluster) == cluster and name in ("", one["id"])]


def main(provider):
    """`provider` has find(fleet, id): [(handle, machine)], of whatever cluster, of all ids when that is empty;
    create(cluster, fleet, id, token); and remove(handle, grace), which returns when it is gone."""
    try:
        verb, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
        fleet = variable("MUSTER_FLEET")
        if verb == "list":
            print(json.dumps({"complete": True, "machines": [one for _, one in find(provider, fleet)]}))
        elif verb == "get":
            found = find(provider, fleet, name)
            if not found:
                raise Stop(ABSENT)
            print(json.dumps(found[0][1]))
        elif verb == "create":
            with fence():
                if find(provider, fleet, name):
                    raise Stop(EXISTS)
                provider.create(variable("MUSTER_CLUSTER"), fleet, name, variable("MUSTER_TOKEN"))
        elif verb == "remove":
            with fence():
                found = find(provider, fleet, name)
            if not found:
                raise Stop(ABSENT)
            if len(found) > 1:
                raise Stop(INVALID, f"{len(found)} machines are called {name}: none is removed before a person has "
                                    f"looked: {', '.join(handle for handle, _ in found)}")
            # Takes minutes, and the fence isn't held: no master ever takes a removal back.
            provider.remove(found[0][0], variable("MUSTER_GRACE_SECONDS"))
        elif verb != "can-remove":
            raise Stop(INVALID, f"no such verb: {verb}")
    except Stop as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.code)
