"""What programs of exec providers have in common (docs/providers.md): verbs, exit codes, the fence."""

import fcntl
import json
import os
import pathlib
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


def machine(name, fleet, token, state, address="", age_seconds=0):
    return {"id": name, "fleet": fleet, "token": token, "state": state, "address": address,
            "age_seconds": max(0, int(age_seconds))}


class Fence:
    """Held while something is changed. Keeps the highest token that was seen, and refuses lower ones."""

    def __enter__(self):
        directory = pathlib.Path(variable("MUSTER_STATE_DIR"))
        directory.mkdir(parents=True, exist_ok=True)
        self.lock = open(directory / "fence.lock", "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        kept, ours = directory / "fence", variable("FENCE_EPOCH")
        seen = kept.read_text() if kept.exists() else "0.0"

        def order(text):
            return tuple(map(int, text.split(".")))

        if order(ours) < order(seen):
            raise Stop(FENCED, f"{ours} is below {seen}, which was here before")
        if order(ours) > order(seen):
            new = directory / "fence.new"
            new.write_text(ours)
            new.replace(kept)
        return self

    def __exit__(self, *_):
        self.lock.close()


def main(provider):
    """`provider` has list(fleet), get(fleet, id), create(fleet, id, token) and remove(fleet, id, grace)."""
    try:
        verb, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
        fleet = variable("MUSTER_FLEET")
        answer = None
        if verb == "list":
            answer = {"complete": True, "machines": provider.list(fleet)}
        elif verb == "get":
            answer = provider.get(fleet, name)
            if answer is None:
                raise Stop(ABSENT)
        elif verb == "create":
            with Fence():
                if provider.get(fleet, name) is not None:
                    raise Stop(EXISTS)
                provider.create(fleet, name, variable("MUSTER_TOKEN"))
        elif verb == "remove":
            with Fence():
                if provider.get(fleet, name) is None:
                    raise Stop(ABSENT)
                provider.remove(fleet, name, variable("MUSTER_GRACE_SECONDS"))
        elif verb != "can-remove":
            raise Stop(INVALID, f"no such verb: {verb}")
        if answer is not None:
            print(json.dumps(answer))
    except Stop as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.code)
