#!/usr/bin/python3
# suite: alone
"""Parity with PyTorch: the same model, initial weights and batches, trained by both in fp32.

For each pattern: every gradient of step 1 agrees within 1e-4 (relative, in norm), and the losses of 50 steps within 1e-4.
The gradient comparison starts from weights whose zero tensors (biases, the output matrix) were given random values, since
zeros would make most gradients zero. Gradients that vanish exactly in theory (a key bias shifts all scores of a row
alike) are compared on the scale of the largest gradient instead.
"""
import gzip
import json
import math
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np
import torch

import safetensors_io as st
from torch_model import Model, decays

DRAWLOOM = str(pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin")) / "drawloom")
TEXT = os.environ.get("DRAWLOOM_TEXT", "/usr/share/dictd/gcide.dict.dz")  # a text, or one compressed by gzip
N, D, HEADS, LAYERS, BATCH, STEPS, LR, WARMUP, WD = 144, 64, 4, 4, 4, 50, 2e-3, 10, 0.01

CASES = {
    "fixed-merged": ('pattern = "fixed(48, c=12)"', [("fixed", 48, 12)], 48),
    "strided-interleaved": ('layers = ["column(36)", "local(36)"]', [("column", 36, 0), ("local", 36, 0)], 36),
    "dense": ('pattern = "dense"', [("dense", 0, 0)], 48),
}


def spec(attention, width, text, out, heads=HEADS, qk=D // 2):
    return f"""
[model]
name = "parity"
n = {N}
layers = {LAYERS}
heads = {heads}
d = {D}
qk = {qk}
dropout = 0.0
embedding_width = {width}
[attention]
{attention}
[data]
kind = "text"
path = "{text}"
split = [0.9, 0.05, 0.05]
batch = {BATCH}
[train]
steps = {STEPS}
lr = {LR}
warmup = {WARMUP}
clip = 1.0
weight_decay = {WD}
ema = 0.0
seed = 7
[run]
out = "{out}"
log_every = 1
eval_every = 0
checkpoint_every = 0
"""


def learning_rate(step):
    """Linear warm-up, then cosine to zero; step counts from 0."""
    if step < WARMUP:
        return LR * (step + 1) / WARMUP
    return LR * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / max(1, STEPS - WARMUP)))


def write_text(path):
    """The first MiB of the text."""
    with (gzip.open if TEXT.endswith("z") else open)(TEXT, "rb") as f:
        path.write_bytes(f.read(1 << 20))


def torch_losses(model, batches, autocast=None):
    """PyTorch's losses of all steps, by the same AdamW, clipping and schedule; `autocast`: a 16-bit type."""
    device = model.p["embed.token"].device
    groups = [{"params": [p for k, p in model.p.items() if decays(k, p) == d], "weight_decay": WD * d} for d in (True, False)]
    opt = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(STEPS):
        for g in opt.param_groups:
            g["lr"] = learning_rate(step)
        opt.zero_grad()
        tokens, targets = (torch.from_numpy(batches[k][step]).long().to(device) for k in ("tokens", "targets"))
        with torch.autocast(device.type, autocast, enabled=autocast is not None):
            loss = model.loss(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(model.p.values()), 1.0)
        opt.step()
        losses.append(float(loss))
    return losses


def logged_losses(folder):
    """What `drawloom train` logged, a step each."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [r["nll"] for r in log if r.get("event") == "step"]


def relative(a, b):
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(2)
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-parity-"))
        cls.text = cls.tmp / "text"
        write_text(cls.text)

    def train(self, name, *flags):
        attention, _, width = CASES[name]
        folder = self.tmp / name
        folder.mkdir(exist_ok=True)
        (folder / "spec.toml").write_text(spec(attention, width, self.text, folder / "run"))
        r = subprocess.run([DRAWLOOM, "train", str(folder / "spec.toml"), "--overwrite", *map(str, flags)], capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr + r.stdout)
        return folder

    def model(self, name, weights):
        _, kinds, width = CASES[name]
        return Model(weights, LAYERS, HEADS, D // 2, width, kinds, N)

    def check_gradients(self, name):
        folder = self.tmp / name
        folder.mkdir(exist_ok=True)
        self.train(name, "--save-init", folder / "init.safetensors", "--steps", 0)
        weights = st.load(folder / "init.safetensors")
        rng = np.random.default_rng(0)
        for k, w in weights.items():
            if not w.any() or k.endswith("norm1.weight") or k.endswith("norm2.weight"):
                weights[k] = (w + rng.standard_normal(w.shape) * 0.1).astype(np.float32)
        st.save(folder / "noisy.safetensors", weights)
        self.train(name, "--init", folder / "noisy.safetensors", "--steps", 1,
                   "--save-batches", folder / "batch.safetensors", "--save-gradients", folder / "grads.safetensors")
        batch, ours = st.load(folder / "batch.safetensors"), st.load(folder / "grads.safetensors")
        model = self.model(name, weights)
        model.loss(torch.from_numpy(batch["tokens"][0]).long(), torch.from_numpy(batch["targets"][0]).long()).backward()
        self.assertEqual(set(ours), set(model.p))
        largest = max(float(p.grad.abs().max()) for p in model.p.values())
        for k, p in model.p.items():
            theirs = p.grad.numpy()
            if k.endswith("qkv.bias"):  # the key third vanishes in exact arithmetic
                q = D // 2
                self.assertLess(np.abs(ours[k][q : 2 * q] - theirs[q : 2 * q]).max(), 1e-6 * largest, k)
                ours[k], theirs = np.delete(ours[k], slice(q, 2 * q)), np.delete(theirs, slice(q, 2 * q))
            self.assertGreater(np.linalg.norm(theirs), 0, k)
            self.assertLess(relative(ours[k], theirs), 1e-4, k)

    def check_losses(self, name):
        folder = self.tmp / name
        self.train(name, "--save-init", folder / "init.safetensors", "--save-batches", folder / "batches.safetensors")
        batches = st.load(folder / "batches.safetensors")
        ours = logged_losses(folder / "run")
        self.assertEqual(len(ours), STEPS)
        theirs = torch_losses(self.model(name, st.load(folder / "init.safetensors")), batches)
        for step in range(STEPS):
            self.assertLess(abs(ours[step] - theirs[step]), 1e-4 * theirs[step], f"step {step}: {ours[step]} and {theirs[step]}")
        self.assertLess(ours[-1], ours[0] - 1.0, "training must have made progress for the comparison to mean much")


for _name in CASES:
    setattr(Parity, f"test_{_name.replace('-', '_')}_gradients", lambda self, n=_name: self.check_gradients(n))
    setattr(Parity, f"test_{_name.replace('-', '_')}_losses", lambda self, n=_name: self.check_losses(n))

if __name__ == "__main__":
    unittest.main()
