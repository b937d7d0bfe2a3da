#!/usr/bin/python3
# suite: alone
"""Training end to end through the command line: the same bits for every recompute mode, thread count, repetition and
stop-and-resume; signals; compile-then-train; drawloom-run without a compiler."""
import gzip
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin"))
DRAWLOOM, RUN = str(BIN / "drawloom"), str(BIN / "drawloom-run")
TEXT = "/usr/share/dictd/gcide.dict.dz"

SPEC = """
[model]
name = "bits"
n = 100                       # not a multiple of the stride
layers = 3
heads = 2
d = 48
dropout = 0.2
[attention]
layers = ["fixed(32, c=8)", "column(16)", "j <= i and (i - j < 9 or (i - j) mod 7 == 0)"]
[data]
kind = "text"
path = "{text}"
split = [0.9, 0.05, 0.05]
batch = 3
[train]
steps = 12
lr = 3e-3
warmup = 3
ema = 0.9
accumulation = 2
seed = 3
[run]
out = "{out}"
log_every = 1
eval_every = 0
checkpoint_every = 0
"""


def run(*args, **kw):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, errors="replace", **kw)


def weights(folder):
    """Hash of everything that a run leaves behind in its newest checkpoint: weights, moments, moving average."""
    last = max(pathlib.Path(folder).glob("step-*"))
    h = hashlib.sha256()
    for f in sorted(last.glob("*.safetensors")):
        h.update(f.read_bytes())
    return last.name, h.hexdigest()


class Training(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-e2e-"))
        cls.text = cls.tmp / "text"
        with gzip.open(TEXT) as f:
            cls.text.write_bytes(f.read(1 << 18))
        cls.spec = cls.tmp / "spec.toml"
        cls.spec.write_text(SPEC.format(text=cls.text, out=cls.tmp / "reference"))
        r = run(DRAWLOOM, "train", cls.spec, "--threads", 1)
        assert r.returncode == 0, r.stderr
        cls.reference = weights(cls.tmp / "reference")

    def train(self, name, *args):
        r = run(DRAWLOOM, "train", self.spec, "--out", self.tmp / name, *args)
        self.assertEqual(r.returncode, 0, r.stderr)
        return weights(self.tmp / name)

    def test_two_threads_give_the_same_bits(self):
        self.assertEqual(self.train("threads2", "--threads", 2), self.reference)

    def test_a_second_run_gives_the_same_bits(self):
        self.assertEqual(self.train("again", "--threads", 1), self.reference)

    def test_recomputing_attention_gives_the_same_bits(self):
        self.assertEqual(self.train("attention", "--set", "memory.recompute=attention"), self.reference)

    def test_recomputing_blocks_gives_the_same_bits(self):
        self.assertEqual(self.train("block", "--set", "memory.recompute=block", "--threads", 2), self.reference)

    def test_recomputing_everything_gives_the_same_bits(self):
        self.assertEqual(self.train("all", "--set", "memory.recompute=all"), self.reference)

    def test_recomputing_to_a_budget_gives_the_same_bits(self):
        plan = json.loads(run(DRAWLOOM, "inspect", self.spec, "--json").stdout)["plan"]["memory"]
        memory = plan["without_state"]  # a budget does not count decoding's caches
        budget = ["--set", "memory.recompute=auto", "--set", f"memory.budget={memory - 1}"]
        report = json.loads(run(DRAWLOOM, "inspect", self.spec, "--json", *budget).stdout)
        self.assertLess(report["plan"]["memory"]["total"], plan["total"])
        self.assertEqual(self.train("budget", *budget), self.reference)

    def test_another_seed_gives_other_bits(self):
        self.assertNotEqual(self.train("seed", "--set", "train.seed=4"), self.reference)

    def test_stop_and_resume_at_any_step_gives_the_same_bits(self):
        for stop in (1, 5, 11):
            name = f"resume{stop}"
            self.train(name, "--stop-after", stop)
            self.assertEqual(self.train(name, "--resume"), self.reference, f"stopped after {stop}")

    def test_compile_then_train_does_as_train(self):
        loom = self.tmp / "model.loom"
        r = run(DRAWLOOM, "compile", self.spec, "-o", loom)
        self.assertEqual(r.returncode, 0, r.stderr)
        for i, tool in enumerate((DRAWLOOM, RUN)):
            out = self.tmp / f"compiled{i}"
            r = run(tool, "train", loom, "--out", out)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(weights(out), self.reference)

    def test_signals_save_a_checkpoint_and_the_run_goes_on_from_it(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = self.tmp / f"signal{code}"
            p = subprocess.Popen([DRAWLOOM, "train", self.spec, "--out", out, "--set", "train.steps=100000"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            log = out / "log.jsonl"
            deadline = time.time() + 60
            while time.time() < deadline and (not log.exists() or log.read_text().count('"step"') < 3):
                time.sleep(0.05)
            p.send_signal(number)
            text, _ = p.communicate(timeout=60)
            self.assertEqual(p.returncode, code, text)
            step = int(re.search(r"step-(\d+)", weights(out)[0])[1])
            self.assertGreaterEqual(step, 1)
            r = run(DRAWLOOM, "train", self.spec, "--out", out, "--set", "train.steps=100000", "--resume", "--stop-after", step + 2)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(int(re.search(r"step-(\d+)", weights(out)[0])[1]), step + 2)

    def test_the_loss_falls_and_evaluation_and_sampling_work(self):
        log = [json.loads(x) for x in (self.tmp / "reference" / "log.jsonl").read_text().splitlines()]
        nll = [r["nll"] for r in log if r.get("event") == "step"]
        self.assertLess(nll[-1], nll[0])
        r = run(DRAWLOOM, "eval", self.spec, "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        report = json.loads(r.stdout)
        self.assertTrue(2 < report["bits_per_byte"] < 8.5, report)
        self.assertGreater(report["standard_error"], 0)
        contexts = [json.loads(run(DRAWLOOM, "eval", self.spec, "--json", "--min-context", c).stdout) for c in (0, 50)]
        self.assertNotEqual(contexts[0]["bits_per_byte"], contexts[1]["bits_per_byte"])
        a, b = (run(DRAWLOOM, "sample", self.spec, "--length", 60, "--seed", 5, "--prompt", "The ") for _ in range(2))
        self.assertEqual(a.returncode, 0, a.stderr)
        self.assertEqual(a.stdout, b.stdout)
        self.assertIn("The ", a.stdout)

    def test_drawloom_run_links_no_compiler(self):
        libraries = run("ldd", RUN).stdout
        self.assertIn("libc.so", libraries)
        self.assertNotRegex(libraries, "(?i)llvm|mlir")


if __name__ == "__main__":
    unittest.main()
