"""What the example programs of exec providers share (deploy/providers/exec/machines.py): the fence, and whose a machine
is. The examples themselves are in the conformance suite of providers."""

import json
import os
import select
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "deploy/providers/exec"
# Machines are lines of a file, and a removal waits until it is told that its machine is gone.
PROGRAM = """
import json, os, pathlib, sys
import machines
FILE = pathlib.Path(os.environ["MACHINES"])
class Cloud:
    def find(self, fleet, name):
        return [(one["id"], one) for one in map(json.loads, FILE.read_text().splitlines())]
    def create(self, cluster, fleet, name, token):
        with open(FILE, "a") as file:
            print(json.dumps(machines.machine(name, fleet, token, "running", cluster=cluster)), file=file)
    def remove(self, handle, grace):
        print("removing", handle, flush=True)
        sys.stdin.readline()
machines.main(Cloud())
"""
# The order of what keep() asks of the system.
TRACE = """
import os, pathlib, sys
import machines
steps, fsync, replace = [], os.fsync, pathlib.Path.replace
os.fsync = lambda fd: (steps.append("sync " + os.readlink(f"/proc/self/fd/{fd}")), fsync(fd))[1]
pathlib.Path.replace = lambda self, to: (steps.append(f"{self} -> {to}"), replace(self, to))[1]
machines.keep(pathlib.Path(sys.argv[1]), "1.5")
print("\\n".join(steps))
"""


class ExecExamples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.fence = self.folder / "state/fence"
        self.machines = self.folder / "machines"
        self.machines.write_text("")

    def start(self, *words, epoch="1.5", cluster="prod"):
        environment = {"PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1", "MACHINES": str(self.machines),
                       "MUSTER_STATE_DIR": str(self.folder / "state"), "MUSTER_CLUSTER": cluster,
                       "MUSTER_FLEET": "edge", "MUSTER_TOKEN": f"{cluster}-uid.nonce", "MUSTER_GRACE_SECONDS": "5",
                       "FENCE_EPOCH": epoch}
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *words], env={**os.environ, **environment}, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def call(self, *words, said="", **more):
        """The exit code and what it said to whom."""
        process = self.start(*words, **more)
        output, errors = process.communicate(said, timeout=60)
        return process.returncode, output, errors

    def test_the_highest_epoch_is_kept_and_lower_ones_are_refused(self):
        for epoch, code in (("1.5", 0), ("1.4", 50), ("0.9", 50), ("1.40", 0), ("1.5", 50), ("2.0", 0), ("1.99", 50)):
            with self.subTest(epoch):
                self.assertEqual(self.call("create", f"edge-1-{epoch}", epoch=epoch)[0], code)
        self.assertEqual(self.fence.read_text(), "2.0")

    def test_the_fence_is_synced_before_and_after_it_takes_its_name(self):
        self.fence.parent.mkdir()
        steps = subprocess.run([sys.executable, "-B", "-c", TRACE, self.fence], capture_output=True, text=True,
                               env={**os.environ, "PYTHONPATH": str(FOLDER)}, check=True).stdout.splitlines()
        new = f"{self.fence}.new"
        self.assertEqual(steps, [f"sync {new}", f"{new} -> {self.fence}", f"sync {self.fence.parent}"])

    def test_a_damaged_fence_changes_nothing_and_says_what_to_do(self):
        self.fence.parent.mkdir()
        for text in ("", "1.", "x", "1.5.7", "-1.5", "1.5\n1.6", "\0" * 4096, "9" * 99 + ".1"):
            self.fence.write_text(text)
            for verb in ("create", "remove"):
                with self.subTest(text[:20], verb=verb):
                    code, _, errors = self.call(verb, "edge-1-1")
                    self.assertEqual(code, 30, errors)  # not done; worth another try
                    self.assertIn(f"{self.fence} is damaged", errors)
                    self.assertIn("remove the file", errors)
            self.assertEqual(self.call("list")[0], 0, "what reads needs no fence")
        self.assertEqual(self.machines.read_text(), "")
        self.fence.unlink()
        self.assertEqual(self.call("create", "edge-1-1")[0], 0)

    def test_an_epoch_that_is_none_is_never_right(self):
        self.assertEqual(self.call("create", "edge-1-1", epoch="soon")[0], 40)
        self.assertFalse(self.fence.exists())

    def test_a_directory_that_cannot_be_used_means_not_done(self):
        self.fence.parent.write_text("a file")
        self.assertEqual(self.call("create", "edge-1-1")[0], 30)

    def test_a_removal_that_takes_long_holds_up_nobody(self):
        self.assertEqual(self.call("create", "edge-1-1")[0], 0)
        removal = self.start("remove", "edge-1-1")
        self.addCleanup(removal.kill)
        self.assertTrue(select.select([removal.stdout], [], [], 60)[0])
        self.assertEqual(removal.stdout.readline(), "removing edge-1-1\n")
        self.assertEqual(self.call("create", "edge-1-2")[0], 0)
        self.assertEqual(self.call("create", "edge-1-3", epoch="1.6")[0], 0, "and no later master")
        self.assertIsNone(removal.poll())
        self.assertEqual(removal.communicate("gone\n", timeout=60), ("", ""))
        self.assertEqual(removal.returncode, 0)

    def test_machines_of_other_clusters_are_not_there(self):
        self.assertEqual(self.call("create", "edge-12-1", cluster="prod")[0], 0)
        self.assertEqual(json.loads(self.call("list", cluster="staging")[1])["machines"], [])
        for verb in ("get", "remove"):
            self.assertEqual(self.call(verb, "edge-12-1", cluster="staging")[0], 11)
        self.assertEqual(self.call("create", "edge-12-1", cluster="staging")[0], 0)
        mine = json.loads(self.call("get", "edge-12-1", cluster="staging")[1])
        self.assertEqual((mine["cluster"], mine["token"]), ("staging", "staging-uid.nonce"))

    def test_of_two_machines_with_one_name_none_is_removed(self):
        one = {"id": "edge-1-1", "fleet": "edge", "token": "u.n", "state": "running"}
        self.machines.write_text(f"{json.dumps(one)}\n" * 2)
        code, _, errors = self.call("remove", "edge-1-1")
        self.assertEqual(code, 40)
        self.assertIn("2 machines are called edge-1-1", errors)


if __name__ == "__main__":
    unittest.main()
