#!/usr/bin/python3
# suite: alone
"""bench/train_curves.py on the CPU: PyTorch gets the batches that training reads, and its curve is ours at equal steps.

A text and images, without dropout, in fp32: the two curves then differ by rounding only.
"""
import csv
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "test/parity")]
import safetensors_io
from window_order import WindowOrder

BIN = os.environ.get("DRAWLOOM_BIN", str(ROOT / "build/release/bin"))
TEXT = "/usr/share/dictd/gcide.dict.dz"
SMALL = ["model.layers=2", "model.d=32", "model.ff=64", "model.heads=2", "model.dropout=0.0", "train.warmup=5", "train.lr=0.003", "data.batch=2"]


class Curves(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="drawloom-curves-")
        self.addCleanup(folder.cleanup)
        self.tmp = pathlib.Path(folder.name)

    def text(self):
        path = self.tmp / "text"
        with gzip.open(TEXT) as f:
            path.write_bytes(f.read(100_000))
        return path

    def images(self):
        """CIFAR-10's format, with images that a small model can learn something of."""
        rng = np.random.default_rng(1)
        shades = (rng.integers(0, 4, (40, 3072)) * 16).astype(np.uint8)
        folder = self.tmp / "cifar"
        folder.mkdir()
        np.concatenate([np.zeros((40, 1), np.uint8), shades], 1).tofile(folder / "data_batch_1.bin")
        return folder

    def curve(self, which, model, data, sets, steps, *flags):
        out = self.tmp / f"{which}.csv"
        command = [sys.executable, ROOT / "bench/train_curves.py", "--which", which, "--model", model, "--data", data, "--device", "cpu", "--bin", BIN,
                   "--steps", steps, "--trial-steps", 1, "--work", self.tmp / f"work-{which}", "--out", out, *flags]
        command += [x for s in sets for x in ("--set", s)]
        done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(out) as f:
            return list(csv.DictReader(f))

    def check(self, model, data, sets, steps, *flags):
        ours, theirs = self.curve("ours", model, data, sets, steps, *flags), self.curve("torch", model, data, sets, steps)
        self.assertEqual([int(r["step"]) for r in ours], [steps * k // 4 for k in (1, 2, 3, 4)])
        self.assertEqual([(r["step"], r["tokens"]) for r in ours], [(r["step"], r["tokens"]) for r in theirs])
        for a, b in zip(ours, theirs):
            self.assertLess(abs(float(a["val_bits"]) - float(b["val_bits"])), 2e-4)
        self.assertLess(float(ours[-1]["val_bits"]), float(ours[0]["val_bits"]) - 0.1)
        self.assertLess(float(ours[-1]["seconds"]), 600)

    def test_text(self):
        self.check("enwik8", self.text(), SMALL + ["model.n=256"], 12, "--samples", self.tmp / "samples")
        self.assertTrue((self.tmp / "samples/sample.txt").read_bytes())
        self.assertIn("bits_per_byte", (self.tmp / "samples/test.json").read_text())

    def test_images(self):
        self.check("cifar10", self.images(), SMALL + ["model.qk=32"], 4)

    def test_order(self):
        """Two epochs and more, moving windows: all tokens as `train` says it used them."""
        text = self.text()
        n, batch, steps, split = 256, 3, 12, [6000, 2000, 0]
        command = [os.path.join(BIN, "drawloom"), "train", ROOT / "models/enwik8.toml", "--data", text, "--out", self.tmp / "run", "--steps", steps, "--quiet",
                   "--seed", 5, "--save-batches", self.tmp / "batches.safetensors"]
        sets = SMALL + [f"model.n={n}", f"data.batch={batch}", "train.accumulation=1", f"data.split={split}", "run.eval_every=0"]
        command += [x for s in sets for x in ("--set", s)]
        done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = safetensors_io.load(self.tmp / "batches.safetensors")["targets"].reshape(-1, n)
        order = WindowOrder(5, 0, split[0], n, moving=True)
        self.assertGreater(len(seen), order.count)
        data = np.frombuffer(text.read_bytes(), np.uint8)
        for k, row in enumerate(seen):
            np.testing.assert_array_equal(row, data[order.start(k) : order.start(k) + n], f"sequence {k}")


if __name__ == "__main__":
    unittest.main()
