"""Commands that run for a while: progress on the terminal, everything in a log, nothing left behind."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTED = time.monotonic()
PROGRESS_EVERY = 10.0
PR_SET_CHILD_SUBREAPER = 36


def say(text):
    seconds = int(time.monotonic() - STARTED)
    print(f"[{seconds // 60:2d}:{seconds % 60:02d}] {text}", flush=True)


def _interrupt(*_):
    raise KeyboardInterrupt


def adopt_orphans():
    """Processes that a test leaves behind become our children, so that we find them. SIGTERM ends us, and
    what we run, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children():
    me = str(os.getpid())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
            name = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if parent == me:
            yield int(entry.name), state, name.strip()


def end_leftovers(patience=3.0):
    """Names of the processes that were still running some time after their tests; ends them."""
    deadline = time.monotonic() + patience
    while True:
        alive = []
        for pid, state, name in _children():
            if state == "Z":
                os.waitpid(pid, os.WNOHANG)
            elif pid > 1:
                alive.append((pid, name))
        if not alive or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for pid, _ in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return [f"{name} (pid {pid})" for pid, name in alive]


class ScratchDir:
    """A TMPDIR for tests, which must be empty again at the end."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="muster-run-"))
        self.path.chmod(0o711)  # servers that give root away must get at their own directories in it
        return self

    def leftovers(self):
        return sorted(entry.name for entry in self.path.iterdir())

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def _short(line):
    """Without the dots, and the parameters' bytes, with which ctest fills its lines."""
    return re.sub(r"\s*(# GetParam.*? )?\.{3,}\s*", "  ", line.strip())


def run(command, log, *, what, progress, important=None, env=None):
    """Runs `command` with its output in the file `log`. Every ten seconds the last line that matches
    `progress` is shown, lines that match `important` at once. Returns the exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    shown = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env=env, start_new_session=True)
        try:
            for line in process.stdout:
                file.write(line)
                if important and re.search(important, line):
                    say(f"{what}: {_short(line)}")
                elif time.monotonic() - shown >= PROGRESS_EVERY and (at := re.search(progress, line)):
                    say(f"{what}: {_short(at.group(0))}")
                    shown = time.monotonic()
            process.stdout.close()
            return process.wait()
        except KeyboardInterrupt:
            if process.pid > 1:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            end_leftovers()
            say("interrupted")
            sys.exit(130)


def show_end(log, lines, pattern=None):
    """Prints the end of a log, from the first match of `pattern` on where there is one."""
    text = log.read_text(errors="replace").splitlines()
    if pattern:
        first = next((i for i, line in enumerate(text) if re.search(pattern, line)), None)
        if first is not None:
            text = text[first:first + lines]
    for line in text[-lines:]:
        print("    " + line)
    print(f"    (all of it: {os.path.relpath(log)})", flush=True)
