#!/usr/bin/env python3
"""How the time of attention grows with the number of positions: strided(l) with l near the square root of n, forward and backward.

The exact pairs grow as n^1.5, so the slope of log time over log n should be 1.5 or less; the least-squares slope is printed, and the exit code
is 1 if it is above --most. l is the power of two at or below the square root: between 1.50 and 1.52 pairs an exponent, whichever
n are taken. On a CPU small n will do: --device cpu --from 10 --to 14.

usage: bench/growth.py [--bin DIR] [--device cpu|cuda] [--from K] [--to K] [--heads H] [--head-dim D] [--repeats R] [--most SLOPE] [--json FILE]
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys


def measure(a, n):
    """Milliseconds of attention forward and backward at n positions, and the pairs, as `drawloom bench attention` reports them."""
    pattern = f"strided({1 << int(math.log2(n)) // 2})"
    command = [os.path.join(a.bin, "drawloom"), "bench", "attention", pattern, "--n", n, "--heads", a.heads, "--head-dim", a.head_dim,
               "--device", a.device, "--repeats", a.repeats, "--json"]
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{pattern} at n {n} failed: {done.stderr.strip()[-800:]}")
    return json.loads(done.stdout)


def slope(xs, ys):
    """Of the least-squares line through the points."""
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys)) / sum((x - x0) ** 2 for x in xs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    p.add_argument("--bin", default=str(root / "build/release/bin"))
    p.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    p.add_argument("--from", dest="first", type=int, default=14, help="log2 of the least n [14]")
    p.add_argument("--to", dest="last", type=int, default=20, help="log2 of the largest n [20]")
    p.add_argument("--heads", type=int, default=8)
    p.add_argument("--head-dim", type=int, default=64)
    p.add_argument("--repeats", type=int, default=20)
    p.add_argument("--most", type=float, default=1.52)
    p.add_argument("--json", help="write all numbers there")
    a = p.parse_args()
    rows = []
    for k in range(a.first, a.last + 1):
        r = measure(a, 1 << k)
        rows.append({key: r[key] for key in ("pattern", "n", "pairs", "forward_ms", "backward_ms", "device", "precision")})
        if len(rows) == 1:
            print(f"{r['device']}, {r['precision']}, {a.heads} heads of {a.head_dim}")
            print(f"{'n':>9} {'pattern':14}{'pairs':>10}{'forward ms':>12}{'backward ms':>12}{'ns a position':>15}")
        ms = r["forward_ms"] + r["backward_ms"]
        print(f"{r['n']:9} {r['pattern']:14}{r['pairs']:10.2e}{r['forward_ms']:12.3f}{r['backward_ms']:12.3f}{ms * 1e6 / r['n']:15.1f}", flush=True)
    logs = [math.log(r["n"]) for r in rows]
    found = {what: slope(logs, [math.log(of(r)) for r in rows]) for what, of in (
        ("time", lambda r: r["forward_ms"] + r["backward_ms"]), ("forward", lambda r: r["forward_ms"]),
        ("backward", lambda r: r["backward_ms"]), ("pairs", lambda r: r["pairs"]))}
    print("slope of log over log n: " + ", ".join(f"{what} {s:.3f}" for what, s in found.items()))
    if a.json:
        json.dump({"rows": rows, "slopes": found}, open(a.json, "w"), indent=1)
    sys.exit(found["time"] > a.most)


if __name__ == "__main__":
    main()
