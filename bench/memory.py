#!/usr/bin/env python3
"""Memory of training steps on a card: planned, and measured as the card's own count of what is free falls.

"measured" is what the driver says has gone since just before the program was loaded (arenas, code, graphs, cuBLASLt's own); "on the card" is the most
that nvidia-smi shows while the step runs, with the CUDA context, which no plan holds. The exit code is 1 if measured is more than --within
percent from the plan.

usage: bench/memory.py [--bin DIR] [--within PERCENT] [--repeats R] [--seconds LIMIT] [SPEC.toml ...]   (default: bench/steps/*.toml)
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading


class Watch(threading.Thread):
    """The most memory in use on the first visible card, read a few times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self):
        card = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        command = ["nvidia-smi", "-i", card, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while not self.over.wait(0.2):
            try:
                self.most = max(self.most, int(subprocess.run(command, capture_output=True, text=True).stdout.split()[0]) << 20)
            except (OSError, ValueError, IndexError):  # no nvidia-smi: nothing to show
                return


def measure(a, model):
    """What `drawloom bench step` reports, or None when it failed."""
    watch = Watch()
    watch.start()
    command = [os.path.join(a.bin, "drawloom"), "bench", "step", model, "--device", "cuda", "--repeats", str(a.repeats), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=a.seconds)
    except subprocess.TimeoutExpired:
        print(f"{pathlib.Path(model).stem:16} not done after {a.seconds} s", flush=True)
        return None
    finally:
        watch.over.set()
    if done.returncode:
        print(f"{pathlib.Path(model).stem:16} failed ({done.returncode}): {done.stderr.strip()[-600:]}", flush=True)
        return None
    return dict(json.loads(done.stdout), on_card=watch.most)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    p.add_argument("--bin", default=str(root / "build/release/bin"))
    p.add_argument("--within", type=float, default=2, help="percent")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--seconds", type=float, default=300, help="time limit for one model")
    p.add_argument("specs", nargs="*", default=sorted(str(s) for s in (root / "bench/steps").glob("*.toml")))
    a = p.parse_args()
    print(f"{'model':16}{'planned GiB':>12}{'measured':>10}{'off':>8}{'on the card':>13}{'ms a step':>11}{'k tokens/s':>12}")
    bad = 0
    for spec in a.specs:
        r = measure(a, spec)
        if r is None:
            bad += 1
            continue
        planned, measured = r["memory_bytes"], r["measured_memory_bytes"]
        off = 100 * (measured / planned - 1)
        bad += abs(off) > a.within
        print(f"{r['model']:16}{planned / 2**30:12.2f}{measured / 2**30:10.2f}{off:+7.2f}%{r['on_card'] / 2**30:13.2f}{r['ms']:11.1f}{r['tokens_per_second'] / 1e3:12.1f}",
              flush=True)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
