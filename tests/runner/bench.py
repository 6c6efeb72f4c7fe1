"""Builds and runs the benchmarks. Called by ./bench, which explains the arguments."""

import argparse
import os
import re
import subprocess
import sys
import time

import running
from parts import JOBS, ROOT

BUILD = ROOT / "build/release"


def known_names():
    return sorted(path.name.removesuffix("_bench.cpp") for path in (ROOT / "tests/bench").glob("*_bench.cpp"))


def arguments():
    known = known_names()
    parser = argparse.ArgumentParser(prog="./bench", description="Builds and runs benchmarks.")
    parser.add_argument("name", nargs="*", help=f"{', '.join(known) or 'there is none yet'} (default: all)")
    parser.add_argument("--list", action="store_true", help="only names them")
    given = parser.parse_args()
    if given.list:
        print("\n".join(known))
        sys.exit(0)
    for name in given.name:
        if name not in known:
            parser.error(f"there is no benchmark '{name}'; there are: {' '.join(known)}")
    return given.name or known


def build(names):
    steps = (["cmake", "--preset", "release"],
             ["ninja", "-C", str(BUILD), "-j", JOBS, *(f"bench_{name}" for name in names)])
    for command in steps:
        log = BUILD / f"logs/bench-{command[0]}.log"
        if running.run(command, log, what="build release", progress=r"^\[\d+/\d+\]", important="^FAILED:"):
            running.show_end(log, 60, "^FAILED:|error:|CMake Error")
            return False
    return True


def run(name):
    """Shows all that the program writes, and returns its exit code and its metric lines."""
    running.say(f"bench {name}")
    metrics = []
    with running.ScratchDir() as scratch:
        process = subprocess.Popen([BUILD / f"tests/bench/bench_{name}"], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "TMPDIR": str(scratch.path)})
        for line in process.stdout:
            print("    " + line, end="", flush=True)
            if re.fullmatch(r"metric \S+ \S+ \S+\s*", line):
                metrics.append(line.strip())
        code = process.wait()
        left = running.end_leftovers() + scratch.leftovers()
    for thing in left:
        running.say(f"bench {name} left behind: {thing}")
    return code, metrics


def main():
    names = arguments()
    os.chdir(ROOT)
    if not names:
        print("there is no benchmark yet")
        return 1
    running.adopt_orphans()
    if not build(names):
        print("the build failed")
        return 1
    failed = []
    metrics = []
    for name in names:
        began = time.monotonic()
        code, found = run(name)
        metrics += found
        if code or not found:
            failed.append(f"bench {name}: " + (f"ended with {code}" if code else "printed no metric"))
        running.say(f"bench {name}: {time.monotonic() - began:.0f} s")
    print()
    for line in failed + metrics:
        print(line)
    return 1 if failed else 0


sys.exit(main())
