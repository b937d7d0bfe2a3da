#!/usr/bin/env python3
"""Drawloom beside PyTorch on one GPU, in one run: attention alone, and whole training steps.

Attention: every row is timed on operands larger than the card's cache, forward and backward apart. Peers are what PyTorch
offers for the pattern: FlexAttention, dense scaled_dot_product_attention, and the same on reshaped or permuted operands where
that computes the pattern. The floor is the larger of bytes over the card's copy bandwidth and operations over its bf16 GEMM rate, both measured
in the same run.

Training: a step of the paper's models (gradient, clipping, Adam), tokens a second and peak memory, beside the numbers of a peer script's JSON
file if one is given (--peer-train FILE).

usage: bench/gpu_side_by_side.py [--bin DIR] [--rows SUBSTRING] [--no-peers] [--steps MODEL.toml ...] [--peer-train FILE] [--json FILE]
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

# name, batch, heads, n, d_qk, d_v, pattern, kind, l, c
CASES = [
    ("enwik8 fixed merged", 4, 8, 12288, 64, 64, "fixed(128, c=32)", "fixed", 128, 32),
    ("enwik8 block", 4, 8, 12288, 64, 64, "block(128)", "block", 128, 0),
    ("enwik8 summary", 4, 8, 12288, 64, 64, "summary(128, c=32)", "summary", 128, 32),
    ("enwik8 strided merged", 4, 8, 12288, 64, 64, "strided(128)", "strided", 128, 0),
    ("cifar10 local", 16, 2, 3072, 64, 128, "local(128)", "local", 128, 0),
    ("cifar10 column", 16, 2, 3072, 64, 128, "column(128)", "column", 128, 0),
    ("imagenet64 local", 4, 16, 12288, 32, 32, "local(128)", "local", 128, 0),
    ("imagenet64 column", 4, 16, 12288, 32, 32, "column(128)", "column", 128, 0),
    ("audio local", 1, 8, 65536, 64, 64, "local(256)", "local", 256, 0),
    ("audio column", 1, 8, 65536, 64, 64, "column(256)", "column", 256, 0),
]


def mask_of(kind, l, c):
    """The pattern as FlexAttention takes it."""
    parts = max(1, l // c) if c else 1

    def local(b, h, i, j):
        return (j <= i) & (i - j < l)

    def column(b, h, i, j):
        return (j <= i) & ((i - j) % l == 0)

    def block(b, h, i, j):
        return (j <= i) & (i // l == j // l)

    def summary(b, h, i, j):
        low = l - c * (h % parts + 1)
        return (j <= i) & (j % l >= low) & (j % l < low + c)

    def strided(b, h, i, j):
        return local(b, h, i, j) | column(b, h, i, j)

    def fixed(b, h, i, j):
        return block(b, h, i, j) | summary(b, h, i, j)

    return {"local": local, "column": column, "block": block, "summary": summary, "strided": strided, "fixed": fixed}[kind]


def graph_ms(run, repeats=20):
    """Median device milliseconds of `run` as a replayed CUDA graph."""
    import torch

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(2):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    times = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times[2:])


def ceilings():
    import torch

    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    gemm = 2 * 8192**3 / graph_ms(lambda: a @ b) / 1e9
    x = torch.empty(1 << 30, device="cuda", dtype=torch.uint8)
    y = torch.empty_like(x)
    copy = 2 * x.numel() / graph_ms(lambda: y.copy_(x)) / 1e9
    return gemm, copy  # TFLOP/s, TB/s


class Peers:
    """PyTorch's ways to compute one case, each with its forward and backward time."""

    def __init__(self, case):
        import torch

        self.torch = torch
        _, self.B, self.H, self.n, dk, dv, _, self.kind, self.l, self.c = case
        bytes_of_set = 2 * self.B * self.H * self.n * (2 * dk + 2 * dv)
        self.copies = max(2, int(400e6 / bytes_of_set) + 1)
        make = lambda d: torch.randn(self.B, self.H, self.n, d, device="cuda", dtype=torch.bfloat16)
        self.sets = [tuple(make(d).requires_grad_() for d in (dk, dk, dv)) + (make(dv),) for _ in range(self.copies)]

    def time(self, attend):
        torch = self.torch
        outs = [attend(q, k, v) for q, k, v, _ in self.sets]
        forward = graph_ms(lambda: [attend(q, k, v) for q, k, v, _ in self.sets])
        # The backward pass alone: events around autograd, on all sets in turn.
        times = []
        for _ in range(8):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for (q, k, v, g), o in zip(self.sets, outs):
                torch.autograd.grad(o, (q, k, v), g, retain_graph=True)
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end))
        return forward / self.copies, statistics.median(times[2:]) / self.copies

    def candidates(self):
        torch = self.torch
        sdpa = torch.nn.functional.scaled_dot_product_attention
        B, H, n, l = self.B, self.H, self.n, self.l
        causal = lambda q, k, v: sdpa(q, k, v, is_causal=True)
        if n <= 16384:
            yield "dense", causal
        if self.kind == "block":
            yield "reshape", lambda q, k, v: causal(*(t.reshape(B * H, n // l, l, -1) for t in (q, k, v))).view(B, H, n, -1)
        if self.kind == "column":
            rows = lambda t: t.view(B, H, n // l, l, -1).transpose(2, 3).reshape(B * H, l, n // l, -1)
            yield "permute", lambda q, k, v: causal(rows(q), rows(k), rows(v)).view(B, H, l, n // l, -1).transpose(2, 3).reshape(B, H, n, -1)
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        torch._dynamo.reset()
        per_head = self.H if self.kind in ("fixed", "summary") else None
        mask = create_block_mask(mask_of(self.kind, self.l, self.c), None, per_head, n, n, device="cuda")
        compiled = torch.compile(flex_attention, dynamic=False)
        yield "flex", lambda q, k, v: compiled(q, k, v, block_mask=mask)

    def best(self):
        results = {}
        for name, attend in self.candidates():
            try:
                results[name] = self.time(attend)
            except Exception as error:  # a peer that cannot do a case is a result too
                print(f"  {name}: {str(error)[:120]}", file=sys.stderr)
        return results


def ours(binary, case, repeats):
    _, B, H, n, dk, dv, pattern, *_ = case
    command = [binary, "bench", "attention", pattern, "--n", n, "--batch", B, "--heads", H, "--head-dim", dk, "--value-dim", dv, "--device", "cuda",
               "--repeats", repeats, "--json"]
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-400:])
    return json.loads(done.stdout)


def attention_table(a, gemm, copy):
    rows = []
    print(f"\nattention, bf16, ms (GEMM {gemm:.0f} TFLOP/s, copy {copy:.2f} TB/s)")
    print(f"{'row':24}{'pass':5}{'ours':>8}{'floor':>8}{'x floor':>8}{'TFLOP/s':>9}{'best peer':>18}{'peer/ours':>10}{'flex':>8}")
    for case in CASES:
        if a.rows not in case[0]:
            continue
        name, B, H, n, dk, dv, *_ = case
        try:
            mine = ours(a.binary, case, a.repeats)
        except RuntimeError as error:
            print(f"{name:24}failed: {error}", flush=True)
            continue
        peers = Peers(case).best() if a.peers else {}
        import torch

        torch.cuda.empty_cache()
        tensors = B * n * H * 2
        for index, (kind, flops_a_pair, elements) in enumerate([("fwd", 2 * (dk + dv), 2 * dk + 2 * dv), ("bwd", 2 * (3 * dk + 2 * dv), 4 * dk + 4 * dv)]):
            ms = mine["forward_ms" if index == 0 else "backward_ms"]
            flops = flops_a_pair * mine["pairs"]
            floor = max(flops / gemm, tensors * elements / copy) / 1e9
            best = min(peers, key=lambda p: peers[p][index]) if peers else None
            row = {"row": name, "pass": kind, "ms": ms, "floor_ms": floor, "tflops": flops / ms / 1e9,
                   "peers": {p: t[index] for p, t in peers.items()}}
            rows.append(row)
            peer = f"{peers[best][index]:9.3f} {best:>8}" if best else "-"
            ratio = f"{peers[best][index] / ms:10.2f}" if best else f"{'-':>10}"
            flex = f"{peers['flex'][index]:8.3f}" if "flex" in peers else f"{'-':>8}"
            print(f"{name:24}{kind:5}{ms:8.4f}{floor:8.4f}{ms / floor:8.2f}{row['tflops']:9.1f}{peer:>18}{ratio}{flex}", flush=True)
    return rows


def step_table(a):
    peers = {}
    if a.peer_train:
        peers = {r["name"]: r for r in json.load(open(a.peer_train)) if "ms" in r}
    rows = []
    print(f"\ntraining step{'':20}{'ms':>9}{'k tokens/s':>12}{'GiB':>8}{'peer k tokens/s':>17}{'peer GiB':>10}")
    for model in a.steps:
        done = subprocess.run([a.binary, "bench", "step", model, "--device", "cuda", "--repeats", str(a.repeats), "--json"], capture_output=True, text=True)
        name = pathlib.Path(model).stem
        if done.returncode:
            print(f"{name:33}failed: {done.stderr.strip()[-400:]}", flush=True)
            continue
        mine = json.loads(done.stdout)
        peer = next((peers[p] for p in peers if p == name or name.startswith(p)), None)
        rows.append({"model": name, **{k: mine[k] for k in ("ms", "tokens_per_second", "gflops", "memory_bytes", "commands")}})
        print(f"{name:33}{mine['ms']:9.2f}{mine['tokens_per_second'] / 1e3:12.1f}{mine['memory_bytes'] / 2**30:8.1f}"
              + (f"{peer['tok_s'] / 1e3:17.1f}{peer['peak_gib']:10.1f}" if peer else ""), flush=True)
        by_kind = {}
        for c in mine["commands"]:
            kind = by_kind.setdefault(c["action"], [0.0, 0.0, 0.0])
            for i, x in enumerate((c["ms"], c["flops"], c["bytes"])):
                kind[i] += x
        total = sum(k[0] for k in by_kind.values())
        for action, (ms, flops, bytes_) in sorted(by_kind.items(), key=lambda x: -x[1][0])[:12]:
            print(f"    {action[:52]:52}{100 * ms / total:6.1f} %{ms:9.3f} ms{flops / ms / 1e9:9.1f} TFLOP/s{bytes_ / ms / 1e9:7.2f} TB/s", flush=True)
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    p.add_argument("--bin", default=str(root / "build/release/bin"))
    p.add_argument("--rows", default="", help="only attention rows whose names contain this; 'none': no rows")
    p.add_argument("--no-peers", dest="peers", action="store_false")
    p.add_argument("--repeats", type=int, default=50)
    p.add_argument("--steps", nargs="*", default=[], help="model specs to time a training step of")
    p.add_argument("--peer-train", help="JSON of a peer's training steps")
    p.add_argument("--json", help="write all numbers there")
    a = p.parse_args()
    a.binary = os.path.join(a.bin, "drawloom")
    gemm, copy = ceilings() if a.rows != "none" else (math.nan, math.nan)
    out = {"gemm_tflops": gemm, "copy_tbs": copy, "attention": attention_table(a, gemm, copy) if a.rows != "none" else [], "steps": step_table(a)}
    if a.json:
        json.dump(out, open(a.json, "w"), indent=1)


if __name__ == "__main__":
    main()
