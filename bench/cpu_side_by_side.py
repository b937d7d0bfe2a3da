#!/usr/bin/python3
"""Drawloom beside PyTorch on this CPU, in one run: a training step, and attention alone, with the same number of threads.

PyTorch trains such patterns on a CPU only with a dense masked attention, so that is the peer. Each figure is the median
of several repetitions; ours and the peer's alternate so that a drifting clock meets both.

usage: bench/cpu_side_by_side.py [--bin build/release/bin] [--threads 2] [--n 4096] [--json FILE]
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "parity"))
from torch_model import Model, mask  # noqa: E402

SPEC = """
[model]
name = "bench"
n = {n}
layers = 6
heads = 4
d = 256
[attention]
pattern = "fixed(128, c=32)"
[data]
kind = "text"
path = "/dev/null"
batch = 1
[train]
steps = 1
"""


def torch_weights(n, layers=6, d=256, width=128):
    rng = np.random.default_rng(0)
    f = 4 * d
    shapes = {"embed.token": (257, d), "embed.pos0": ((n + width - 1) // width, d), "embed.pos1": (width, d), "norm.weight": (d,), "norm.bias": (d,),
              "out.weight": (256, d), "out.bias": (256,)}
    for k in range(layers):
        for name, rows, cols in (("qkv", 3 * d, d), ("proj", d, d), ("ff1", f, d), ("ff2", d, f)):
            shapes[f"layers.{k}.{name}.weight"], shapes[f"layers.{k}.{name}.bias"] = (rows, cols), (rows,)
        for name in ("norm1", "norm2"):
            shapes[f"layers.{k}.{name}.weight"], shapes[f"layers.{k}.{name}.bias"] = (d,), (d,)
    return {k: (rng.standard_normal(s) * 0.02).astype(np.float32) for k, s in shapes.items()}


def torch_step(n):
    """Median seconds of one training step (forward, backward, clip, AdamW)."""
    model = Model(torch_weights(n), 6, 4, 256, 128, [("fixed", 128, 32)], n)
    params = list(model.p.values())
    opt = torch.optim.AdamW(params, lr=1e-4, weight_decay=0.01)
    tokens = torch.randint(0, 256, (1, n))

    def step():
        opt.zero_grad()
        model.loss(tokens, tokens).backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()

    return step


def torch_attention(kind, l, c, n, heads=4, d=64):
    m = torch.stack([mask(kind, n, l, c, h) for h in range(heads)])
    q, k, v = (torch.randn(1, heads, n, d, requires_grad=True) for _ in range(3))
    do = torch.randn(1, heads, n, d)

    def step():
        s = (q @ k.transpose(-1, -2) / math.sqrt(d)).masked_fill(~m, -math.inf)
        torch.softmax(s, -1).matmul(v).backward(do)

    return step


def median(f, repeats):
    f()
    ts = []
    for _ in range(repeats):
        t = time.perf_counter()
        f()
        ts.append(time.perf_counter() - t)
    return statistics.median(ts)


def ours(bin, verb, *args):
    r = subprocess.run([f"{bin}/drawloom", "bench", verb, *map(str, args), "--json"], capture_output=True, text=True)
    if r.returncode:
        sys.exit(f"drawloom bench {verb} failed ({r.returncode}):\n{r.stderr}")
    return json.loads(r.stdout)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default="build/release/bin")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--n", type=int, default=4096)
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--json", help="write the table there too")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        spec = pathlib.Path(tmp) / "bench.toml"
        spec.write_text(SPEC.format(n=a.n))
        mine = ours(a.bin, "step", spec, "--threads", a.threads)
        rows.append(("training step, 6 layers d 256 fixed(128, c=32)", mine["ms"] / 1e3, median(torch_step(a.n), a.repeats)))
        for kind, l, c in (("local", 128, 0), ("fixed", 128, 32), ("column", 128, 0)):
            text = f"{kind}({l}, c={c})" if c else f"{kind}({l})"
            mine = ours(a.bin, "attention", text, "--n", a.n, "--heads", 4, "--head-dim", 64, "--threads", a.threads)
            rows.append((f"attention forward + backward, {text}", (mine["forward_ms"] + mine["backward_ms"]) / 1e3,
                         median(torch_attention(kind, l, c, a.n), a.repeats)))
    print(f"{'n = %d, %d threads' % (a.n, a.threads):52} {'ours ms':>10} {'PyTorch ms':>11} {'ours/PyTorch':>13}")
    for name, x, y in rows:
        print(f"{name:52} {x * 1e3:10.1f} {y * 1e3:11.1f} {x / y:13.3f}")
    if a.json:
        json.dump([dict(case=n, ours_s=x, torch_s=y) for n, x, y in rows], open(a.json, "w"), indent=1)


if __name__ == "__main__":
    main()
