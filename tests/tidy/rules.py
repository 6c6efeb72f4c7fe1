"""What neither compiler nor formatter sees. A rule takes a source and yields (line number, what to do instead)."""

import re

from sources import ROOT

RULES = {}


def rule(function):
    RULES[function.__name__] = function
    return function


def _each(lines, pattern, message):
    for number, line in enumerate(lines, 1):
        if at := re.search(pattern, line):
            yield number, message.format(at.group(0).strip())


INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
MAY_INCLUDE = {
    "common": {"common"},
    "checker": {"common", "checker"},
    "scaler": {"common", "scaler"},
    "dnsupdate": {"common", "dnsupdate"},
    "orchestrator": {"common", "checker", "scaler", "dnsupdate", "orchestrator"},
    "agent": {"common", "agent"},
    "ctl": {"common", "checker", "scaler", "ctl"},
    "deploy": {"common", "deploy"},
}
COMMON_MAY_INCLUDE = {
    "base": {"base"},
    "net": {"base", "net"},
    "config": {"base", "config", "observe"},
    "znodes": {"base", "config", "znodes"},
    "coordination": {"base", "coordination"},
    "http": {"base", "http", "net", "observe"},
    "observe": {"base", "observe"},
}


def _includes(source, kind):
    for number, line in enumerate(source.lines, 1):
        if (at := INCLUDE.match(line)) and at.group(1) == kind:
            yield number, at.group(2)


@rule
def include_direction(source):
    if not source.is_code or not source.folders:
        return
    own = source.folders[0]
    for number, target in _includes(source, '"'):
        folder = target.split("/")[0]
        if folder not in MAY_INCLUDE and folder != "tests":
            yield number, f'"{target}": name our headers from the root of the tree'
        elif own in MAY_INCLUDE and folder not in MAY_INCLUDE[own]:
            yield number, (f"{own}/ may include only {', '.join(sorted(MAY_INCLUDE[own]))}: what both need "
                           "moves down to common/ as a small named type")
        elif own == folder == "common" and len(source.folders) > 1:
            part = source.folders[1]
            allowed = COMMON_MAY_INCLUDE.get(part, set(COMMON_MAY_INCLUDE) | {part})
            if target.split("/")[1] not in allowed:
                yield number, f"common/{part} may include only {', '.join(sorted(allowed))} of common/"


LIBRARY_PLACES = (
    ("boost/beast", ("common/http/", "common/net/", "tests/fencing/late_network"), "talk HTTP through common/http"),
    ("boost/asio/impl/", ("common/net/",), "Asio is compiled in common/net"),
    ("zookeeper/", ("common/coordination/", "orchestrator/guardian", "tests/coordination/", "tests/guardian/",
                    "tests/support/"), "go through coordination::Store"),
    ("yaml-cpp/", ("common/config/", "ctl/"), "read configuration through common/config"),
    ("spdlog/", ("common/observe/",), "log through common/observe"),
)


@rule
def library_place(source):
    if not source.is_code:
        return
    for number, target in _includes(source, "<"):
        for prefix, places, instead in LIBRARY_PLACES:
            if target.startswith(prefix) and not source.path.startswith(places):
                yield number, f"<{target}> only in {', '.join(places)}: {instead}"


@rule
def narrow_includes(source):
    if not source.is_code or source.path.startswith("common/net/"):
        return
    for number, target in _includes(source, "<"):
        if target in ("boost/asio.hpp", "boost/beast.hpp", "boost/beast/http.hpp", "boost/json.hpp",
                      "boost/url.hpp", "boost/asio/experimental/awaitable_operators.hpp"):
            yield number, f"<{target}> is slow to compile: include the headers of what is used"


@rule
def clock_calls(source):
    if not source.is_code or source.path.startswith(("common/base/asio_clock.", "tests/support/", "tests/bench/")):
        return
    yield from _each(
        source.code_lines,
        r"\w+_clock::now|\b(clock_gettime|gettimeofday|timespec_get)\s*\(|\btime\s*\(\s*(nullptr|NULL|0|&\w+)\s*\)",
        "{}: take a Clock& or `now` (tests: VirtualClock, or Stopwatch of tests/support)")
    if not source.path.startswith(("common/", "tests/")):
        yield from _each(source.code_lines, r"\b(steady|system|high_resolution)_timer\b",
                         "{}: use Clock::sleep_until or with_timeout")


@rule
def no_sleeps(source):
    if source.is_code and not source.path.startswith("tests/support/"):
        yield from _each(source.code_lines, r"\bthis_thread::sleep_\w+|\b(usleep|nanosleep|sleep)\s*\(",
                         "{} waits for a time: wait for the condition (eventually() of tests/support, Clock)")


@rule
def seeded_chance(source):
    if source.is_code and not source.path.endswith("/main.cpp") and not source.path.startswith("common/base/"):
        yield from _each(source.code_lines,
                         r"\brandom_device\b|\bdefault_random_engine\b|\b(std::|::)s?rand\s*\(|\bgetrandom\s*\(",
                         "{}: take a seeded generator as argument; only main.cpp draws seeds")


@rule
def no_detached(source):
    if source.is_code:
        yield from _each(source.code_lines, r"^[^#]*\bdetached\b|\.detach\(\)",
                         "detached hides failures and outlives its owner: spawn it in a TaskGroup "
                         "(in a test: co_spawn with `rethrow` of tests/support)")


@rule
def no_leftovers(source):
    if not source.path.startswith("tests/tidy/"):
        yield from _each(source.lines, r"\b(FIXME|TODO|XXX|HACK)\b(?!-)", "{}: do it, or open an issue")


@rule
def sizes(source):
    if not source.is_code and source.suffix not in (".py", ".cmake"):
        return
    if len(source.lines) > (600 if source.path.startswith("tests/") else 450):
        yield 1, f"{len(source.lines)} lines: look for the second idea and give it a file of its own"
    for number, line in enumerate(source.lines, 1):
        if len(line) > (110 if source.is_code else 120):
            yield number, f"{len(line)} characters wide: wrap it at 100"


@rule
def pragma_once(source):
    if source.suffix == ".hpp":
        first = next((line for line in source.code_lines if line.strip()), "")
        if first.strip() != "#pragma once":
            yield 1, "a header begins with #pragma once"


@rule
def no_machine_paths(source):
    if not source.path.startswith("tests/tidy/"):
        yield from _each(source.lines, r"(?<![\w.$}\-*])/(work|tmp/build[\w-]*)(/|\b(?![\w-]))",
                         "{} exists on one machine only: make it relative to the tree or to a TempDir")


VAGUE = r"(?i)^(utils?|helpers?|misc|stuff|common_\w+)$"


@rule
def telling_names(source):
    for part in source.path.split("/"):
        if re.match(VAGUE, part.partition(".")[0]):
            yield 1, f"'{part}' says nothing: name the thing that is in it"
    if source.is_code:
        yield from _each(source.code_lines,
                         r"\b(class|struct)\s+\w*[a-z](Impl|Manager|Base|Helper|Utils?)\b"
                         r"|\bnamespace\s+(utils?|helpers?)\b",
                         "{}: an interface has the plain name, an implementation says how")


@rule
def aimed_kills(source):
    if not source.path.startswith("tests/tidy/"):
        yield from _each(source.code_lines if source.is_code else source.lines,
                         r"(?<![\w/])(pkill|killall)\b(?! \()|\bkill\s*\(\s*-1\b|\bkill\s+(-\w+\s+)*-1\b",
                         "{} hits strangers: end only what you started, by a pid checked to be > 1")


@rule
def no_skipped_tests(source):
    if source.is_test and source.is_code:
        yield from _each(source.code_lines, r"\bDISABLED_\w+",
                         "{}: a test runs or is not there (./test lists what GTEST_SKIP leaves out)")


@rule
def no_stale_placeholders(source):
    if source.path.endswith("placeholder.cpp") and len(list((ROOT / source.path).parent.glob("*.cpp"))) > 1:
        yield 1, "the folder has sources now: remove it"


NAME_OF_OPERATIONS = re.compile(r'(?:\.(?:counter|gauge|histogram)|log::(?:info|warn|error))\(\s*"([a-z_]+)"')


@rule
def documented_names(source):
    if not source.is_code or source.is_test:
        return
    page = (ROOT / "docs/operations.md").read_text()
    for at in NAME_OF_OPERATIONS.finditer(source.text):
        if f"`{at.group(1)}`" not in page:
            yield source.text.count("\n", 0, at.start()) + 1, (
                f"'{at.group(1)}' is a metric or an event: docs/operations.md lists them all")
