"""Runs parts of the test suite and sums up. Called by ./test, which explains the arguments."""

import argparse
import os
import sys
import time

import parts
import running
from results import Outcome


def arguments():
    known = {part.name: part for part in (*parts.PARTS, *parts.EXTRA_PARTS)}
    parser = argparse.ArgumentParser(prog="./test", description="Builds and runs tests.")
    parser.add_argument("part", nargs="*", help=f"{', '.join(known)}, or all (the default)")
    parser.add_argument("--only", metavar="REGEX", help="run only ctest tests whose name matches")
    given = parser.parse_args()
    for name in given.part:
        if name != "all" and name not in known:
            parser.error(f"there is no part '{name}'; parts are: all {' '.join(known)}")
    everything = not given.part or "all" in given.part
    wanted = [part for part in known.values()
              if part.name in given.part or (everything and part in parts.PARTS)]
    return wanted, given.only


def main():
    wanted, only = arguments()
    os.chdir(parts.ROOT)
    running.adopt_orphans()
    total = Outcome()
    lines = []
    for part in wanted:
        if not parts.exists(part):
            lines.append(f"{part.name:12} not built yet: there is no {part.folder}/")
            running.say(lines[-1])
            continue
        began = time.monotonic()
        outcome = parts.run_part(part, only)
        total += outcome
        skipped = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
        lines.append(f"{part.name:12} {outcome.passed:5} passed, {len(outcome.failed):3} failed{skipped}"
                     f"  {time.monotonic() - began:7.1f} s")
        running.say(lines[-1])

    print("\n" + "\n".join(lines))
    for name in total.skipped:
        print(f"skipped: {name}")
    for name in total.failed:
        print(f"FAILED: {name}")
        # Again, and here: of a long run's output often only the end is kept.
        for line in total.why.get(name, "").splitlines()[:30]:
            print("    " + line)
    print(f"{total.passed} passed, {len(total.failed)} failed")
    return 1 if total.failed or total.passed == 0 else 0


sys.exit(main())
