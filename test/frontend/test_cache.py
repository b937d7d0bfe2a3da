#!/usr/bin/python3
"""The compile cache: what is found in it, what is not, and that many processes may use it at once."""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRAWLOOM = str(pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin")).resolve() / "drawloom")

SPEC = """[model]
n = 20
layers = 2
heads = 2
d = 16

[attention]
pattern = "fixed(8, c=4)"
"""


def child_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class CompileCache(unittest.TestCase):
    def setUp(self):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-cache-"))
        self.addCleanup(shutil.rmtree, self.tmp)
        self.spec = self.tmp / "spec.toml"
        self.spec.write_text(SPEC)
        self.folder = self.tmp / "cache" / "drawloom" / "artifacts"

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("DRAWLOOM_CACHE")}
        return env | {"XDG_CACHE_HOME": str(self.tmp / "cache")}

    def call(self, *args):
        r = subprocess.run([DRAWLOOM, *map(str, args)], capture_output=True, text=True, errors="replace", env=self.environment(), cwd=self.tmp)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def compile(self, *args, spec=None):
        """The artifact, whether it came from the cache, and what was said on stderr."""
        r = self.call("compile", spec or self.spec, "-o", self.tmp / "m.loom", "--json", *args)
        return (self.tmp / "m.loom").read_bytes(), json.loads(r.stdout), r.stderr

    def entries(self):
        return sorted(self.folder.iterdir()) if self.folder.exists() else []

    def test_the_second_time_it_is_found(self):
        first, report, _ = self.compile()
        self.assertFalse(report["cached"])
        second, again, _ = self.compile()
        self.assertTrue(again["cached"])
        self.assertEqual(first, second)
        for key in ("kernels", "code_bytes", "memory_bytes", "parameters"):
            self.assertEqual(report[key], again[key])
        text = self.call("compile", self.spec, "-o", self.tmp / "m.loom").stdout
        self.assertIn("found in the compile cache", text)

    def test_what_the_compiler_does_not_see_makes_no_difference_but_is_in_the_artifact(self):
        self.compile()
        found, report, _ = self.compile("--set", "train.lr=0.125")
        self.assertTrue(report["cached"])
        made, _, _ = self.compile("--set", "train.lr=0.125", "--no-cache")
        self.assertIn(b'"lr":0.125', found)
        self.assertEqual(found, made)

    def test_what_the_compiler_sees_makes_a_difference(self):
        self.compile()
        for change in (["--set", "model.layers=1"], ["--set", "data.batch=3"], ["--set", "attention.pattern=local(5)"],
                       ["--opt-level", "1"], ["--target", "x86-64-v3", "--opt-level", "0"],
                       ["--set", "memory.recompute=block"]):
            self.assertFalse(self.compile(*change)[1]["cached"], change)

    def test_no_cache_neither_reads_nor_writes(self):
        self.assertFalse(self.compile("--no-cache")[1]["cached"])
        self.assertEqual(self.entries(), [])
        self.compile()
        self.assertFalse(self.compile("--no-cache")[1]["cached"])

    def test_printing_and_verifying_go_through_the_compiler(self):
        self.compile()
        self.assertFalse(self.compile("--verify-each")[1]["cached"])
        printed = self.call("compile", self.spec, "-o", self.tmp / "m.loom", "--print").stdout
        self.assertTrue("func.func @gradient" in printed, "the IR is printed")

    def test_a_bad_entry_is_a_miss_and_is_replaced(self):
        first, _, _ = self.compile()
        entry, = self.entries()
        good = entry.read_bytes()
        for bad in (b"", good[:-1], good[:len(good) // 2] + b"!" + good[len(good) // 2 + 1:]):
            entry.write_bytes(bad)
            again, report, _ = self.compile()
            self.assertFalse(report["cached"])
            self.assertEqual(again, first)
            self.assertTrue(self.compile()[1]["cached"])

    def test_eight_processes_compile_the_same_at_once(self):
        outs = [self.tmp / f"{k}.loom" for k in range(8)]
        running = [subprocess.Popen([DRAWLOOM, "compile", str(self.spec), "-o", str(out)], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, env=self.environment()) for out in outs]
        for process in running:
            self.assertEqual((process.communicate()[1], process.returncode), (b"", 0))
        self.assertEqual(len({out.read_bytes() for out in outs}), 1)
        self.assertEqual(len(self.entries()), 1, "one entry and nothing left over")
        self.assertTrue(self.compile()[1]["cached"])

    def test_a_full_cache_drops_what_was_not_used_for_longest(self):
        for layers in (1, 2, 3):
            self.compile("--set", f"model.layers={layers}")
        size = sum(e.stat().st_size for e in self.entries())
        limit = dict(os.environ, XDG_CACHE_HOME=str(self.tmp / "cache"), DRAWLOOM_CACHE_LIMIT=str(size))
        subprocess.run([DRAWLOOM, "compile", str(self.spec), "--set", "model.layers=4", "-o", str(self.tmp / "m.loom")],
                       check=True, capture_output=True, env=limit)
        self.assertLessEqual(sum(e.stat().st_size for e in self.entries()), size)
        self.assertTrue(self.compile("--set", "model.layers=4")[1]["cached"])
        self.assertFalse(self.compile("--set", "model.layers=1")[1]["cached"])

    def test_the_choice_of_what_to_recompute_is_kept_with_it(self):
        auto = ["--set", "memory.recompute=auto", "--set", "memory.budget=1GiB"]
        _, _, said = self.compile(*auto)
        self.assertIn("recompute: layers", said)
        _, report, again = self.compile(*auto)
        self.assertTrue(report["cached"])
        self.assertEqual(said, again)

    def test_other_verbs_use_it(self):
        self.compile()
        (self.tmp / "text").write_bytes(bytes(range(32, 127)) * 40)
        train = ["train", self.spec, "--data", self.tmp / "text", "--out", self.tmp / "run", "--steps", "1", "--overwrite"]
        self.assertIn("found in the compile cache", self.call(*train).stderr)
        self.assertIn("compiled ", self.call(*train, "--no-cache").stderr)
        self.assertIn("found in the compile cache", self.call("sample", self.spec, "--out", self.tmp / "run", "--length", "3").stderr)

    def test_attention_alone_is_kept_too(self):
        bench = ["bench", "attention", "local(4)", "--n", "32", "--heads", "1", "--head-dim", "8", "--repeats", "1", "--threads", "1"]
        self.call(*bench, "--no-cache")
        self.assertEqual(self.entries(), [])
        self.call(*bench)
        entry, = self.entries()
        os.utime(entry, (0, 0))
        self.call(*bench)
        self.assertGreater(entry.stat().st_mtime, 0, "it was used")

    def test_inspect_says_the_same_from_it(self):
        made = self.call("inspect", self.spec, "--no-cache").stdout
        self.assertEqual(self.entries(), [])
        self.assertEqual(self.call("inspect", self.spec).stdout, made)
        self.assertEqual(len(self.entries()), 1)
        self.assertEqual(self.call("inspect", self.spec).stdout, made)

    def test_a_gpu_artifact_is_kept_with_what_ptxas_said(self):
        first, report, said = self.compile("--target", "sm_90a")
        second, again, said_again = self.compile("--target", "sm_90a")
        self.assertTrue(again["cached"])
        self.assertEqual((first, report["resources"], said), (second, again["resources"], said_again))
        self.assertFalse(self.compile("--target", "sm_80")[1]["cached"])

    def test_doctor_says_what_it_holds(self):
        self.compile()
        cache = json.loads(self.call("doctor", "--quick", "--json").stdout)["cache"]
        entry, = self.entries()
        self.assertEqual((cache["path"], cache["entries"], cache["bytes"]), (str(self.folder), 1, entry.stat().st_size))
        self.assertIn("1 compiled model, ", self.call("doctor", "--quick").stdout)

    def test_a_limit_that_is_no_size(self):
        r = subprocess.run([DRAWLOOM, "compile", str(self.spec), "-o", str(self.tmp / "m.loom")], capture_output=True, text=True,
                           env=self.environment() | {"DRAWLOOM_CACHE_LIMIT": "much"})
        self.assertEqual(r.returncode, 2)
        self.assertIn("DRAWLOOM_CACHE_LIMIT is 'much'", r.stderr)

    def test_the_largest_model_takes_half_a_second_from_it(self):
        # In processor time, which other work on this machine does not add to.
        model = ROOT / "models/cifar10-distaug.toml"
        self.compile(spec=model)
        before = child_seconds()
        self.assertTrue(self.compile(spec=model)[1]["cached"])
        self.assertLess(child_seconds() - before, 0.5)


if __name__ == "__main__":
    unittest.main()
