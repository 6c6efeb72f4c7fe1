"""Checks of the source tree that neither compiler nor formatter makes.

    python3 tests/tidy RULE         one rule over the tree (without: lists the rules)
    python3 tests/tidy all          all of them
    python3 tests/tidy selftest     the rules themselves, and that ctest runs each: selftest RULE...
    python3 tests/tidy format       clang-format over all C++
"""

import subprocess
import sys

import selftest
from rules import RULES
from sources import ROOT, all_sources


def findings(names):
    sources = list(all_sources())
    for name in names:
        for source in sources:
            for line, message in RULES[name](source):
                yield f"{source.path}:{line}: {message} [{name}]"


def selftest_failures(run_by_ctest):
    yield from selftest.failures()
    for name in RULES.keys() ^ set(run_by_ctest):
        yield f"{name} is in only one of rules.py and CMakeLists.txt"


def format_failures():
    files = [source.path for source in all_sources() if source.is_code]
    check = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *files], cwd=ROOT, text=True,
                           stderr=subprocess.PIPE)
    wrong = sorted({line.partition(":")[0] for line in check.stderr.splitlines() if "error:" in line})
    for path in wrong:
        yield f"{path}: run clang-format-19 -i {path}"
    if check.returncode and not wrong:
        yield check.stderr.strip()


def main(arguments):
    if not arguments:
        print(__doc__ + "\nrules: " + " ".join(RULES))
        return 0
    what, *rest = arguments
    if what == "selftest":
        found = list(selftest_failures(rest))
    elif what == "format":
        found = list(format_failures())
    elif what == "all" or what in RULES:
        found = list(findings(RULES if what == "all" else [what]))
    else:
        found = [f"there is no rule '{what}'"]
    print("\n".join(found) if found else f"{what}: nothing found")
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
