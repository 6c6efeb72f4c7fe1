"""What the fake docker, kubectl and aws have in common: things in a JSON file, under a lock."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import signal
import sys

DIRECTORY = pathlib.Path(os.environ["FAKE_STATE"])


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def option(name):
    return next((word.split("=", 1)[1] for word in sys.argv if word.startswith(f"--{name}=")), "")


def die(text):
    print(text, file=sys.stderr)
    sys.exit(1)


@contextlib.contextmanager
def things():
    with open(DIRECTORY / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = DIRECTORY / "things.json"
        all_of_them = json.loads(file.read_text()) if file.exists() else {}
        yield all_of_them
        file.write_text(json.dumps(all_of_them))


def lose_answer():
    """What was asked for is done, and the program that asked is gone when it is."""
    if (DIRECTORY / "lose").exists():
        (DIRECTORY / "lose").unlink()
        os.kill(os.getppid(), signal.SIGKILL)
