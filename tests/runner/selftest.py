"""Tests of the runner: a failure of any kind must be counted, and nothing may pass unseen."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import results
import running


def ctest_report(*cases):
    return "<testsuite>" + "".join(cases) + "</testsuite>"


def gtest_report(*cases):
    return "<testsuites><testsuite>" + "".join(cases) + "</testsuite></testsuites>"


PASSED = '<testcase name="unit" classname="unit" status="run"/>'
FAILED = '<testcase name="unit" classname="unit" status="fail"><failure message=""/></testcase>'


class Counting(unittest.TestCase):
    def read(self, ctest, **reports):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in reports.items():
                (Path(folder) / f"{name}.xml").write_text(text)
            report = Path(folder) / "ctest-report"
            report.write_text(ctest)
            return results.read(report, Path(folder))

    def test_a_test_of_one_case_counts_as_one(self):
        outcome = self.read(ctest_report(PASSED, '<testcase name="two" classname="two" status="run"/>'))
        self.assertEqual((outcome.passed, outcome.failed), (2, []))

    def test_a_folder_of_unit_tests_counts_as_its_cases(self):
        outcome = self.read(ctest_report(FAILED), unit=gtest_report(
            '<testcase classname="A" name="Works" status="run" result="completed"/>',
            '<testcase classname="A" name="Breaks" status="run" result="completed">'
            '<failure>a.cpp:3 is off</failure></testcase>',
            '<testcase classname="A" name="Filtered" status="notrun" result="suppressed"/>',
            '<testcase classname="A" name="Skips" status="run" result="skipped"><skipped/></testcase>'))
        self.assertEqual(outcome, results.Outcome(1, ["unit: A.Breaks"], ["unit: A.Skips"],
                                                  {"unit: A.Breaks": "a.cpp:3 is off"}))

    def test_a_crash_counts_as_failed_with_or_without_half_a_report(self):
        self.assertEqual(self.read(ctest_report(FAILED)).failed, ["unit"])
        self.assertEqual(self.read(ctest_report(FAILED), unit="<testsuites><testsuite>").failed, ["unit"])

    def test_the_end_of_a_failed_test_is_kept(self):
        outcome = self.read(ctest_report(
            '<testcase name="unit" status="fail"><failure message=""/>'
            '<system-out>fine\nx.cpp:7: Failure\n2 isn\'t 3</system-out></testcase>'))
        self.assertEqual(outcome.why, {"unit": "x.cpp:7: Failure\n2 isn't 3"})

    def test_a_failure_after_all_cases_counts(self):
        outcome = self.read(ctest_report(FAILED), unit=gtest_report(
            '<testcase classname="A" name="Works" status="run" result="completed"/>'))
        self.assertEqual((outcome.passed, len(outcome.failed)), (1, 1))

    def test_a_unit_test_without_cases_counts_as_failed(self):
        self.assertEqual(len(self.read(ctest_report(PASSED), unit=gtest_report()).failed), 1)

    def test_what_did_not_run_counts_as_failed_unless_it_skipped_itself(self):
        outcome = self.read(ctest_report(
            '<testcase name="gone" status="notrun"><skipped message="Unable to find executable"/></testcase>',
            '<testcase name="off" status="disabled"/>',
            '<testcase name="self" status="notrun"><skipped message="SKIP_RETURN_CODE=4"/></testcase>'))
        self.assertEqual(outcome, results.Outcome(0, ["gone", "off"], ["self"]))


class LeftBehind(unittest.TestCase):
    def test_an_orphan_is_found_and_ended(self):
        running.adopt_orphans()
        subprocess.run(["sh", "-c", "sleep 4321 &"], check=True)
        self.assertRegex(" ".join(running.end_leftovers(patience=0.1)), r"^sleep 4321 \(pid \d+\)$")
        self.assertEqual(running.end_leftovers(patience=0.1), [])

    def test_what_ends_by_itself_in_time_is_not_left_behind(self):
        running.adopt_orphans()
        subprocess.run(["sh", "-c", "sleep 0.1 &"], check=True)
        self.assertEqual(running.end_leftovers(patience=10), [])

    def test_files_in_the_scratch_folder_are_seen_and_removed(self):
        with running.ScratchDir() as scratch:
            (scratch.path / "forgotten").touch()
            self.assertEqual(scratch.leftovers(), ["forgotten"])
        self.assertFalse(scratch.path.exists())

    def test_the_exit_code_and_the_whole_output_are_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "logs/x.log"
            code = running.run([sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"], log,
                               what="test", progress="nothing", env=dict(os.environ))
            self.assertEqual((code, log.read_text()), (3, "one\ntwo\n"))


if __name__ == "__main__":
    unittest.main()
