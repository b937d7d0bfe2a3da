#!/usr/bin/python3
"""Damaged artifacts and checkpoints, in small numbers (./dev fuzz has the large ones, with sanitizers), and full disks."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from damage import train_small_model

BIN = pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin")).resolve()
DRAWLOOM, MANGLE = str(BIN / "drawloom"), str(BIN / "drawloom-mangle")


def may_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-damage-"))
        cls.addClassCleanup(shutil.rmtree, cls.tmp)
        cls.artifact, cls.checkpoint = train_small_model(DRAWLOOM, cls.tmp)

    def mangle(self, *args):
        r = subprocess.run([MANGLE, *map(str, args)], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        return [list(map(int, re.findall(r"(\d+) (?:truncations|flips|refused|loaded|verified)", line)))
                for line in r.stdout.splitlines()]

    def test_an_artifact(self):
        (cuts, flips, refused, loaded), behind = self.mangle("artifact", self.artifact, "--flips", 2000, "--every", 13)
        self.assertEqual((cuts, flips), ((self.artifact.stat().st_size + 12) // 13, 2000))
        self.assertEqual(refused + loaded, cuts + flips)
        self.assertEqual(behind[:2], [0, 2000])
        self.assertGreater(min(behind[2:]), 100, "the verifiers refuse some and let some pass")

    def test_a_checkpoint(self):
        (cuts, flips, refused, loaded), = self.mangle("checkpoint", self.artifact, self.checkpoint, "--flips", 2000, "--every", 31)
        self.assertEqual(flips, 2000)
        self.assertGreater(cuts, 2000)
        self.assertEqual(refused + loaded, cuts + flips)

    def test_what_loads_as_something_else_is_noticed(self):
        # Without hashes (format 1) nothing tells a changed weight.
        old = self.tmp / "old"
        shutil.copytree(self.checkpoint, old)
        self.addCleanup(shutil.rmtree, old)
        (old / "state.json").write_text('{"format": 1, "step": 2}')
        r = subprocess.run([MANGLE, "checkpoint", str(self.artifact), str(old), "--every", "100000"], capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("loads as something else", r.stderr)

    def test_a_wrong_command_line(self):
        for args in ([], ["artifact"], ["artifact", str(self.artifact), "--flips", "many"]):
            r = subprocess.run([MANGLE, *args], capture_output=True, text=True)
            self.assertEqual(r.returncode, 2)

    @unittest.skipUnless(may_mount(), "needs the right to mount a file system")
    def test_a_disk_that_fills_up_keeps_the_older_checkpoint(self):
        disk, spec = self.tmp / "disk", self.tmp / "spec.toml"
        disk.mkdir()
        # A file system of 1200 KiB: a checkpoint of 68 KiB wants 1 MiB more to be free. What fills it comes between.
        train = f"{DRAWLOOM} train {spec} --data {self.tmp}/text --out {disk}/run"
        script = f"""mount -t tmpfs -o size=1200k none {disk} && {train} || exit 99
                     dd if=/dev/zero of={disk}/filler bs=1k count=500 2>/dev/null
                     {train} --resume --steps 4
                     echo "exit $?"
                     ls -a {disk}/run
                     rm {disk}/filler
                     {train} --resume --steps 4 >/dev/null 2>&1; echo "then $?" """
        r = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True)
        self.assertIn("exit 74", r.stdout, r.stderr)
        self.assertIn("a checkpoint takes 1.0", r.stderr)
        self.assertIn("free", r.stderr)
        self.assertIn("step-00000002", r.stdout)
        self.assertNotIn(".tmp", r.stdout)
        self.assertIn("then 0", r.stdout, "the older checkpoint is whole: training goes on from it")


if __name__ == "__main__":
    unittest.main()
