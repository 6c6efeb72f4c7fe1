"""Counts test cases from what ctest and GoogleTest wrote."""

import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field


@dataclass
class Outcome:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)  # of the failed ones whose report says so

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.why |= other.why
        return self

    @property
    def ran(self):
        return self.passed + len(self.failed)


def _end_of(output):
    """What a test said last, from its first failure on where it names one."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if re.search(r"Failure$|\[  FAILED  \]", line)), -30)
    return "\n".join(lines[first:])


def _of_cases(path, prefix):
    """The cases of a GoogleTest or JUnit report, or None when there is no complete one (a crash)."""
    try:
        root = xml.parse(path).getroot()
    except (OSError, xml.ParseError):
        return None
    outcome = Outcome()
    for case in root.iter("testcase"):
        name = f"{prefix}{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(name)
            outcome.why[name] = "\n".join(failure.text or failure.get("message", "")
                                          for failure in case if failure.tag in ("failure", "error"))
        elif case.get("status") == "notrun":
            continue  # filtered out or disabled
        elif case.get("result") in ("skipped", "suppressed") or case.find("skipped") is not None:
            outcome.skipped.append(name)
        else:
            outcome.passed += 1
    return outcome


def read(ctest_report, reports):
    """`ctest_report`: ctest --output-junit. `reports`: the folder in which a test that runs many cases in
    one process leaves NAME.xml; such a test counts as its cases, any other as one."""
    outcome = Outcome()
    for test in xml.parse(ctest_report).getroot().iter("testcase"):
        name = test.get("name")
        status = test.get("status")
        cases = _of_cases(reports / f"{name}.xml", f"{name}: ")
        if cases is not None:
            outcome += cases
            if status != "run" and not cases.failed:
                outcome.failed.append(f"{name} (failed after its cases had passed)")
            elif cases.ran == 0 and not cases.skipped:
                outcome.failed.append(f"{name} (ran no case)")
        elif status == "run":
            outcome.passed += 1
        elif (why := test.find("skipped")) is not None and "SKIP_" in why.get("message", ""):
            outcome.skipped.append(name)
        else:
            outcome.failed.append(name)
            if said := _end_of(test.findtext("system-out") or ""):
                outcome.why[name] = said
    return outcome
