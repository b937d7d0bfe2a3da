#!/usr/bin/env python3
"""Validation bits against wall-clock seconds: a paper model trained for some minutes by Drawloom or by PyTorch.

Both train the same network from the same weights on the same batches in the same order, with the same AdamW, clipping, dropout rate and
schedule: warm-up, then a cosine to zero at the last minute, over as many steps as the tool takes in the time (counted in a short trial that the clock
does not see). Seconds count from the start of the process: compiling belongs to them. Run the two on two cards at the same time:

  CUDA_VISIBLE_DEVICES=0 bench/train_curves.py --which ours  --model cifar10 --minutes 8 --data cifar-10-batches-bin --out ours.csv
  CUDA_VISIBLE_DEVICES=1 bench/train_curves.py --which torch --model cifar10 --minutes 8 --data cifar-10-batches-bin --out torch.csv

The CSV has the columns seconds, step, tokens, val_bits. With --samples FOLDER, ours then writes a text or a sheet of images and measures the test part.
PyTorch reads the initial weights and the resolved spec that `drawloom` writes on the processor, before its clock starts.
"""
import argparse
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/parity"))
import safetensors_io
from window_order import WindowOrder

HELD_OUT_IMAGES, SHOWN_IMAGES, TEXT_WINDOWS = 2000, 256, 21  # validation is the first 256 held-out images, or 21 windows of text
IMAGE = 3072
# What a few minutes call for in place of the paper's days.
CHANGES = {
    "cifar10": {"data.batch": 16, "train.warmup": 200, "train.lr": 0.0007},
    "enwik8": {"data.batch": 4, "train.accumulation": 1, "train.warmup": 200, "train.lr": 0.0007},
}


def read_data(spec_kind, path):
    """The bytes of the data set as Drawloom orders them: a text, or images pixel after pixel (R, G, B). None for sound, which only Drawloom decodes."""
    import numpy as np

    if spec_kind == "audio":
        return None

    if spec_kind == "text":
        return np.fromfile(path, np.uint8)
    batches = sorted(pathlib.Path(path).glob("data_batch_*.bin"))
    planes = np.concatenate([np.fromfile(f, np.uint8).reshape(-1, IMAGE + 1)[:, 1:] for f in batches])
    return planes.reshape(-1, 3, IMAGE // 3).transpose(0, 2, 1).reshape(-1)


def split_of(spec_kind, data, n):
    """train, validation and test, in images or bytes: validation small enough to be measured every half minute. None: the spec's."""
    if spec_kind == "audio":
        return None
    if spec_kind == "images":
        images = len(data) // IMAGE
        held = min(HELD_OUT_IMAGES, images // 5)
        shown = min(SHOWN_IMAGES, held // 2)
        return [images - held, shown, held - shown]
    held = min(TEXT_WINDOWS, len(data) // n // 10) * n
    return [len(data) - 2 * held, held, held]


class Run:
    """The spec of the run, and what follows from it."""

    def __init__(self, a):
        self.a = a
        self.drawloom = os.path.join(a.bin, "drawloom")
        self.folder = pathlib.Path(a.work)
        self.folder.mkdir(parents=True, exist_ok=True)
        changes = dict(CHANGES.get(a.model, {}), **{"train.seed": 1, "memory.recompute": "none", "run.checkpoint_every": 0, "run.log_every": 10})
        sets = [f"{k}={json.dumps(v)}" for k, v in changes.items()] + a.set
        kind = self.resolve(sets)["data.kind"]
        self.data = read_data(kind, a.data)
        n = self.resolve(sets)["model.n"]
        split = split_of(kind, self.data, n)
        self.sets = sets + [f"data.path={json.dumps(str(a.data))}"] + ([f"data.split={split}"] if split else [])
        self.spec = self.resolve(self.sets)
        self.tokens_a_step = n * self.spec["data.batch"] * self.spec["train.accumulation"]

    def flags(self, sets):
        return [x for s in sets for x in ("--set", s)]

    def resolve(self, sets):
        command = [self.drawloom, "config", "show", self.model(), "--json", *self.flags(sets)]
        shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return {k: v["value"] for k, v in shown.items()}

    def model(self):
        return str(pathlib.Path(self.a.models) / f"{self.a.model}.toml")

    def train(self, out, steps, *flags, sets=(), device=None, popen=False):
        command = [self.drawloom, "train", self.model(), "--out", str(out), "--overwrite", "--quiet", "--steps", str(steps), "--device", device or self.a.device,
                   *map(str, flags), *self.flags(self.sets + list(sets))]
        if popen:
            return subprocess.Popen(command)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\nfailed: {done.stderr[-2000:]}")

    def steps_in(self, step_seconds, startup, evaluation):
        """Steps that fit the minutes, with an evaluation each --eval-seconds; and the steps between evaluations."""
        if self.a.steps:
            return self.a.steps, max(1, self.a.steps // 4)
        seconds = self.a.minutes * 60 - startup
        share = self.a.eval_seconds / (self.a.eval_seconds + evaluation)
        return max(1, int(seconds * share * 0.98 / step_seconds)), max(1, round(self.a.eval_seconds / step_seconds))


def events(folder, kind):
    return [r for r in map(json.loads, (folder / "log.jsonl").read_text().splitlines()) if r["event"] == kind]


def ours(run):
    """Trains with Drawloom; returns rows (seconds, step, bits) and the run's folder."""
    trial, out = run.folder / "trial", run.folder / "run"
    began = time.time()
    run.train(trial, run.a.trial_steps, sets=["run.eval_every=1000000", f"run.log_every={max(1, run.a.trial_steps // 2)}"])
    steps_logged, startup = events(trial, "step"), events(trial, "start")[0]["time"] - began
    evaluation = events(trial, "eval")[-1]["seconds"]
    steps, every = run.steps_in(steps_logged[-1]["ms"] / 1e3, startup, evaluation)
    print(f"trial: {steps_logged[-1]['ms']:.1f} ms a step, {startup:.1f} s to start, {evaluation:.2f} s an evaluation; {steps} steps", flush=True)
    began = time.time()
    flags = ["--max-seconds", run.a.minutes * 60 * 1.2]
    process = run.train(out, steps, *flags, sets=[f"run.eval_every={every}"], popen=True)
    if process.wait() != 0:
        sys.exit(f"training failed with exit code {process.returncode}")
    key = "bits_per_dim" if run.spec["data.kind"] == "images" else "bits_per_byte"
    return [(e["time"] - began, e["step"], e[key]) for e in events(out, "eval")], out


def torch_peer(run):
    import numpy as np
    import torch
    from torch_peer import Network

    a, spec = run.a, run.spec
    n, batch, accumulation = spec["model.n"], spec["data.batch"], spec["train.accumulation"]
    images = spec["data.kind"] == "images"
    cut = [int(x) * (IMAGE if images else 1) for x in spec["data.split"]]
    run.train(run.folder / "init", 0, "--save-init", run.folder / "init.safetensors", device="cpu",
              sets=["run.eval_every=0", "data.batch=1", 'memory.recompute="block"'])  # weights depend on neither
    weights = safetensors_io.load(run.folder / "init.safetensors")
    began = time.time()
    torch.manual_seed(1)
    cuda = a.device == "cuda"
    if cuda:
        torch.set_float32_matmul_precision("high")
    model = Network(spec, a.device, a.attention)
    model.load(weights)
    if cuda:
        for layer in model.layers:  # one compilation for each kind of layer
            layer.compile(dynamic=False)
    optimizer = torch.optim.AdamW(model.decay_groups(spec["train.weight_decay"]), lr=0.0, betas=(spec["train.beta1"], spec["train.beta2"]),
                                  eps=spec["train.epsilon"], **({"fused": True} if cuda else {}))
    parameters = list(model.parameters())
    order = WindowOrder(spec["train.seed"], 0, cut[0], n, moving=not images)
    autocast = lambda: torch.autocast("cuda", torch.bfloat16) if cuda else torch.autocast("cpu", enabled=False)

    def rows(starts):
        y = torch.from_numpy(np.stack([run.data[s : s + n] for s in starts])).to(a.device).long()
        return torch.nn.functional.pad(y[:, :-1], (1, 0), value=256), y

    def step(number, lr):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for k in range(number * accumulation, (number + 1) * accumulation):
            x, y = rows([order.start(k * batch + b) for b in range(batch)])
            with autocast():
                loss = model(x, y) / accumulation
            loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, spec["train.clip"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def evaluate():
        model.eval()
        starts = list(range(cut[0], cut[0] + cut[1], n))
        total = 0.0
        for k in range(0, len(starts), batch):
            group = starts[k : k + batch]
            padded = group + group[:1] * (batch - len(group))  # one shape, one compilation; the copies are left out below
            x, y = rows(padded)
            with autocast():
                if len(group) == batch:
                    total += float(model(x, y)) * batch
                else:
                    total += sum(float(model(x[b : b + 1].expand(batch, -1), y[b : b + 1].expand(batch, -1))) for b in range(len(group)))
        model.train()
        return total / len(starts) / math.log(2)

    def synchronize():
        if cuda:
            torch.cuda.synchronize()

    # The trial compiles and times; the weights and the optimizer are then as they were. Its compile time counts.
    step(0, 0.0)
    evaluate()
    synchronize()
    compiled = time.time()
    for k in range(a.trial_steps):
        step(k, 0.0)
    synchronize()
    stepped = time.time()
    evaluate()
    synchronize()
    evaluated = time.time()
    model.load(weights)
    optimizer.state.clear()
    began += time.time() - compiled  # what the clock does not see
    steps, every = run.steps_in((stepped - compiled) / a.trial_steps, compiled - began, evaluated - stepped)
    print(f"trial: {(stepped - compiled) / a.trial_steps * 1e3:.1f} ms a step, {time.time() - began:.1f} s to start, "
          f"{evaluated - stepped:.2f} s an evaluation; {steps} steps, attention {a.attention}", flush=True)
    curve, warmup, peak = [], spec["train.warmup"], spec["train.lr"]
    for k in range(steps):
        lr = peak * (k + 1) / warmup if k < warmup else peak * 0.5 * (1 + math.cos(math.pi * (k - warmup) / max(1, steps - warmup)))
        step(k, lr)
        if (k + 1) % every == 0 or k + 1 == steps:
            bits = evaluate()
            curve.append((time.time() - began, k + 1, bits))
        if time.time() - began > a.minutes * 60 * 1.2:
            break
    return curve


def sample(run, out, folder):
    """A text or a sheet of images from the trained weights, and the bits of the test part."""
    folder.mkdir(parents=True, exist_ok=True)
    common = [run.model(), "--out", str(out), *run.flags(run.sets + ["sample.batch=16"]), "--device", run.a.device]
    evaluated = subprocess.run([run.drawloom, "eval", *common, "--split", "test", "--json"], capture_output=True, text=True)
    (folder / "test.json").write_text(evaluated.stdout + evaluated.stderr[-500:] * bool(evaluated.returncode))
    command = {
        "images": ["--count", "16", "--sheet", str(folder / "sheet.png")],
        "audio": ["--out-file", str(folder / "sample.wav")],
        "text": ["--prompt", "The ", "--length", str(min(800, run.spec["model.n"] - 4))],
    }[run.spec["data.kind"]]
    done = subprocess.run([run.drawloom, "sample", *common, *command], capture_output=True)
    (folder / "sample.txt").write_bytes(done.stdout + (done.stderr[-2000:] if done.returncode else b""))
    print(f"samples in {folder}; test: {' '.join(evaluated.stdout.split())[:200]}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    p.add_argument("--which", choices=("ours", "torch"), required=True)
    p.add_argument("--model", default="cifar10", help="a name in --models")
    p.add_argument("--models", default=str(ROOT / "models"), help="folder of specs")
    p.add_argument("--data", required=True, type=lambda x: pathlib.Path(x).resolve(), help="text file, or folder of CIFAR-10 batches (as many as there are)")
    p.add_argument("--minutes", type=float, default=8)
    p.add_argument("--eval-seconds", type=float, default=30, help="between evaluations")
    p.add_argument("--steps", type=int, help="so many steps and four evaluations, whatever the time: for comparing the two tools step by step")
    p.add_argument("--trial-steps", type=int, default=20)
    p.add_argument("--attention", choices=("exact", "dense"), default="exact", help="PyTorch's: the model's pattern, or causal dense attention instead")
    p.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    p.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change the spec; may be repeated")
    p.add_argument("--work", default="curves-work", help="folder for the run")
    p.add_argument("--samples", help="ours: write samples of the trained model into this folder")
    p.add_argument("--out", required=True, help="CSV file")
    a = p.parse_args()
    run = Run(a)
    if a.which == "torch" and run.data is None:
        p.error("PyTorch's side reads texts and images only")
    curve, out = ours(run) if a.which == "ours" else (torch_peer(run), None)
    with open(a.out, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["seconds", "step", "tokens", "val_bits"])
        for seconds, step, bits in curve:
            w.writerow([f"{seconds:.2f}", step, step * run.tokens_a_step, f"{bits:.5f}"])
            print(f"{seconds:8.1f} s  step {step:6}  {step * run.tokens_a_step / 1e6:8.2f} M tokens  {bits:.4f} bits", flush=True)
    if out and a.samples:
        sample(run, out, pathlib.Path(a.samples))


if __name__ == "__main__":
    main()
