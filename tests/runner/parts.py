"""The parts of ./test: what each builds and runs."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import results
from running import ScratchDir, end_leftovers, run, say, show_end

ROOT = Path(__file__).resolve().parents[2]
JOBS = os.environ.get("MUSTER_JOBS") or str(os.cpu_count())

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclass(frozen=True)
class Part:
    """`labels` are those of muster_test() in cmake/Muster.cmake; LABEL_tests is the target that builds
    them. `only`: these unit tests of them. `folder`: where the tests live; a part whose folder doesn't exist
    is not built yet."""
    name: str
    preset: str
    labels: tuple[str, ...]
    builds: bool = True
    folder: str = "tests"
    only: tuple[str, ...] = ()


PARTS = (
    Part("format", "dev", ("format",), builds=False),
    Part("tidy", "dev", ("tidy",), builds=False),
    Part("unit", "dev", ("unit",)),
    Part("integration", "dev", ("integration",)),
    Part("browser", "dev", ("browser",), folder="tests/browser"),
    Part("sim", "release", ("sim",), folder="tests/sim"),
    # What reads hostile bytes, and what has threads. All the rest by name: it takes half an hour from nothing.
    Part("memory", "asan", ("unit",), only=("base_test", "checker_tests", "config_test", "http_test", "znodes_test")),
    Part("threads", "tsan", ("unit",), only=("base_test", "checker_tests", "http_test", "observe_test")),
)
EXTRA_PARTS = (
    Part("lint", "each", ("lint",), builds=False),
    Part("asan", "asan", ("unit", "integration")),
    Part("tsan", "tsan", ("unit", "integration")),
)


def exists(part):
    folder = ROOT / part.folder
    return folder.is_dir() and any(folder.iterdir())


def _failure(part, why):
    say(f"{part.name}: FAILED: {why}")
    return results.Outcome(failed=[f"{part.name}: {why}"])


# What tests of a label need from npm, by package.json and its lock in that folder.
NPM_FOLDERS = {"browser": "tests/browser", "integration": "tests/agent/envoy"}


def _npm_packages(part, build):
    for folder in (ROOT / NPM_FOLDERS[label] for label in part.labels if label in NPM_FOLDERS):
        if not (folder / "package.json").exists() or (folder / "node_modules").exists():
            continue
        log = build / "logs/npm.log"
        if run(["npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"], log,
               what="npm ci", progress=".+"):
            show_end(log, 20)
            return False
    return True


_configured = {}


def _configure(preset, build):
    if preset not in _configured:
        log = build / "logs/configure.log"
        _configured[preset] = run(["cmake", "--preset", preset], log, what=f"configure {preset}",
                                  progress="-- .*") == 0
        if not _configured[preset]:
            show_end(log, 30, "CMake Error")
    return _configured[preset]


def _build(part, build):
    targets = part.only or [f"{label}_tests" for label in part.labels]
    known = subprocess.run(["ninja", "-C", str(build), "-t", "query", *targets],
                           capture_output=True, text=True)
    if known.returncode:
        return f"nothing to build: {known.stderr.strip()}"
    say(f"{part.name}: building {' '.join(targets)} ({part.preset})")
    log = build / f"logs/build-{part.name}.log"
    if run(["ninja", "-C", str(build), "-j", JOBS, "-k", "0", *targets], log,
           what=f"build {part.preset}", progress=r"^\[\d+/\d+\]", important="^FAILED:"):
        show_end(log, 60, "^FAILED:|error:")
        return "the build failed"
    return None


def _ctest(part, build, only):
    reports = build / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    report = build / f"logs/ctest-{part.name}.xml"
    report.unlink(missing_ok=True)
    log = build / f"logs/ctest-{part.name}.log"
    command = ["ctest", "--test-dir", str(build), "-j", JOBS, "-L", f"^({'|'.join(part.labels)})$",
               "--output-on-failure", "--no-tests=error", "--output-junit", str(report)]
    if only or part.only:
        command += ["-R", only or f"^({'|'.join(part.only)})(\\.[0-9]+)?$"]
    with ScratchDir() as scratch:
        env = {**os.environ, **SANITIZER_OPTIONS, "TMPDIR": str(scratch.path), "MUSTER_JOBS": JOBS}
        code = run(command, log, what=part.name, env=env, progress=r"^ *\d+/\d+ Test.*",
                   important=r"^ *\d+/\d+ Test.*\*\*\*(?!Skipped)")
        if not report.exists():
            show_end(log, 20)
            return _failure(part, "ctest wrote no report")
        outcome = results.read(report, reports)
        outcome.failed += [f"left running: {name}" for name in end_leftovers()]
        outcome.failed += [f"left in TMPDIR: {name}" for name in scratch.leftovers()]
    if code and not outcome.failed:
        outcome.failed.append(f"{part.name}: ctest ended with {code}")
    if outcome.ran == 0:
        outcome.failed.append(f"{part.name}: no test ran")
    if outcome.failed:
        show_end(log, 200, r"\[  FAILED  \]|Failure$|\*\*\*(?!Skipped)|ERROR: ")
    return outcome


def run_part(part, only=None):
    """Builds and runs one part. Whatever goes wrong is a failed case in the outcome."""
    build = ROOT / "build" / part.preset
    if not _npm_packages(part, build):
        return _failure(part, "npm ci failed")
    if not _configure(part.preset, build):
        return _failure(part, "cmake failed")
    if part.builds and (problem := _build(part, build)):
        return _failure(part, problem)
    return _ctest(part, build, only)
