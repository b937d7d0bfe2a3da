#!/usr/bin/env python3
"""Memory of training steps: planned, and measured on a card or in this machine's own memory.

On a card "measured" is what the driver says has gone since just before the program was loaded (arenas, code, graphs, cuBLASLt's own); "in all" is the most
that nvidia-smi shows while the step runs, with the CUDA context, which no plan holds. On a CPU "measured" is by how much the process's resident memory has
grown since then, and "in all" is the process's peak, with the program's own code and libraries. The exit code is 1 if measured is more than --within percent from
the plan.

With --modes each spec runs with every memory.recompute, and with "auto" at 40, 60 and 80 % of what "none" takes. Then the losses after the last step
must have the same bits, "auto" must fit (arenas, which is what a budget is for), and where "block" fits too must be as fast to within --noise percent, or the exit code
is 1. A budget that nothing fits is shown as such.

usage: bench/memory.py [--device cuda|cpu] [--bin DIR] [--modes] [--within PERCENT] [--noise PERCENT] [--repeats R] [--rounds R] [--seconds LIMIT] [--under COMMAND] [SPEC.toml ...]
Default specs: bench/steps/*.toml on a card; on a CPU models of its size, one of each kind.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODES = ("none", "elementwise", "attention", "block", "all")
SHARES = (80, 60, 40)  # percent of what "none" takes
# The last one is a cut of imagenet64: fewer and narrower layers, the same length and patterns.
CPU_SPECS = {"enwik8-small": (), "cifar10-small": (), "music-small": (), "demo-text": (),
             "imagenet64": ("model.layers=4", "model.heads=4", "model.d=128", "data.batch=1")}


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


class Failed(Exception):
    pass


def execute(command, seconds):
    """Its stdout, and the most memory in bytes that was resident of it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, text=True)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if process.returncode < 0:
            raise Failed(f"not done after {seconds} s")
        if process.returncode:
            raise Failed(f"failed ({process.returncode}): {err.read().strip()[-600:]}")
        return out.read(), usage.ru_maxrss << 10


class Model:
    """One setting of a spec, ready to be timed."""

    def __init__(self, a, model, settings, folder):
        self.a, drawloom = a, os.path.join(a.bin, "drawloom")
        sets, bench = [x for s in settings for x in ("--set", s)], [drawloom, "bench", "step", "--repeats", str(a.repeats), "--json"]
        if a.device == "cuda":
            self.command = [*a.under.split(), *bench, model, *sets, "--device", "cuda"]
        else:  # compiled before, so that the process has only what a step takes
            artifact = os.path.join(folder, f"{len(os.listdir(folder))}.loom")
            execute([drawloom, "compile", model, *sets, "-o", artifact], a.seconds)
            self.command = [*a.under.split(), *bench, artifact]

    def run(self):
        """What `drawloom bench step` reports and "in_all"."""
        if self.a.device == "cpu":
            out, peak = execute(self.command, self.a.seconds)
            return dict(json.loads(out), in_all=peak)
        watch = Watch()
        watch.start()
        try:
            out, _ = execute(self.command, self.a.seconds)
        finally:
            watch.over.set()
        return dict(json.loads(out), in_all=watch.most)


def measure(a, model, settings):
    with tempfile.TemporaryDirectory() as folder:
        return Model(a, model, settings, folder).run()


def race(a, model, both):
    """Least milliseconds of two settings that take turns."""
    with tempfile.TemporaryDirectory() as folder:
        models = [Model(a, model, settings, folder) for settings in both]
        times = [[m.run()["ms"] for m in models] for _ in range(a.rounds)]
    return [min(column) for column in zip(*times)]


def report(a, name, mode, r):
    """Prints a line; whether measured is near the plan."""
    planned, measured = r["memory_bytes"], r["measured_memory_bytes"]
    off = 100 * (measured / planned - 1)
    print(f"{name:16}{mode:14}{planned / 2**20:12.1f}{measured / 2**20:10.1f}{off:+7.2f}%{r['in_all'] / 2**20:10.1f}{r['ms']:11.1f}"
          f"{r['tokens_per_second'] / 1e3:12.1f}  {r['loss']!r}", flush=True)
    return abs(off) <= a.within


def check(good, name, text):
    if not good:
        print(f"{name:16}{text}", flush=True)
    return not good


def sweep(a, model, settings):
    """All modes of a model; how much is wrong."""
    name, bad, rows = pathlib.Path(model).stem, 0, {}
    settings_of = {mode: [*settings, f"memory.recompute={mode}"] for mode in MODES}
    for mode in MODES:
        rows[mode] = measure(a, model, settings_of[mode])
        bad += not report(a, name, mode, rows[mode])
    for share in SHARES:
        budget = rows["none"]["arena_bytes"] * share // 100
        title = f"auto {share} %"
        settings_of[title] = [*settings, "memory.recompute=auto", f"memory.budget={budget}"]
        try:
            rows[title] = measure(a, model, settings_of[title])
        except Failed as e:
            if min(rows[mode]["arena_bytes"] for mode in MODES) <= budget:
                raise
            print(f"{name:16}{title:14}nothing fits: {str(e).splitlines()[0]}", flush=True)
            continue
        bad += not report(a, name, title, rows[title])
        bad += check(rows[title]["arena_bytes"] <= budget, name, f"{title} does not fit")
        if rows["block"]["arena_bytes"] <= budget:
            ours, block = race(a, model, [settings_of[title], settings_of["block"]])
            print(f"{name:16}{title:14}{ours:.1f} ms, block {block:.1f} ms", flush=True)
            bad += check(ours <= block * (1 + a.noise / 100), name, f"{title} is slower than block")
    return bad + check(len({r["loss"] for r in rows.values()}) == 1, name, "losses differ")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    p.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    p.add_argument("--modes", action="store_true", help="every memory.recompute")
    p.add_argument("--within", type=float, default=2, help="percent")
    p.add_argument("--noise", type=float, default=2, help="percent")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--rounds", type=int, default=3, help="in which auto and block take turns")
    p.add_argument("--seconds", type=float, default=300, help="time limit for one model")
    p.add_argument("--under", default="", help="what starts a timed program, such as 'taskset -c 0,1'")
    p.add_argument("specs", nargs="*")
    a = p.parse_args()
    models = [(s, ()) for s in a.specs]
    if not models and a.device == "cpu":
        models = [(str(ROOT / f"models/{name}.toml"), settings) for name, settings in CPU_SPECS.items()]
    elif not models:
        models = [(str(s), ()) for s in sorted((ROOT / "bench/steps").glob("*.toml"))]
    print(f"{'model':16}{'recompute':14}{'planned MiB':>12}{'measured':>10}{'off':>8}{'in all':>10}{'ms a step':>11}{'k tokens/s':>12}  loss")
    bad = 0
    for model, settings in models:
        try:
            if a.modes:
                bad += sweep(a, model, settings)
            else:
                r = measure(a, model, settings)
                bad += not report(a, r["model"], r["recompute"], r)
        except Failed as e:
            print(f"{pathlib.Path(model).stem:16}{e}", flush=True)
            bad += 1
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
