"""Builds the programs that the quickstart runs."""

import os
import re
import subprocess
import time

from state import BUILD, IS_BUILT, ROOT, Failure, say

PROGRAMS = ("musterd", "musterctl", "muster-agent", "example_backend")


def _run(command, log):
    """Shows where a build stands every few seconds."""
    shown = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace")
        for line in process.stdout:
            file.write(line)
            if (at := re.match(r"\[\d+/\d+\]", line)) and time.monotonic() - shown >= 3:
                say(f"building {at.group(0)}")
                shown = time.monotonic()
        code = process.wait()
    if code:
        lines = log.read_text(errors="replace").splitlines()
        first = next((i for i, line in enumerate(lines) if re.search("FAILED:|CMake Error|error:", line)), -25)
        raise Failure("the build failed:\n" + "\n".join("    " + line for line in lines[first:][:40]))


def build(targets=PROGRAMS):
    if IS_BUILT:
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    jobs = os.environ.get("MUSTER_JOBS") or str(os.cpu_count())
    say(f"building {', '.join(targets)} (release; minutes the first time, seconds later)")
    if not (BUILD / "build.ninja").exists():
        _run(["cmake", "--preset", "release"], BUILD / "quickstart-configure.log")
    _run(["ninja", "-C", str(BUILD), "-j", jobs, *targets], BUILD / "quickstart-build.log")
