#!/usr/bin/python3
"""The long runs of ./dev fuzz, on programs built with sanitizers: every truncation and many flips of a real artifact and
a real checkpoint, then each fuzz target for some time. Ends with: N ran, N failed."""
import argparse, concurrent.futures, os, pathlib, random, re, shutil, struct, subprocess, sys, tempfile, time, zlib

from damage import train_small_model

ROOT = pathlib.Path(__file__).resolve().parents[2]


def png(width, height, colour_type, depth=8):
    """A PNG file with noise in it."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    rows = b"".join(b"\0" + random.randbytes(width * channels * depth // 8) for _ in range(height))
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(rate, channels, frames):
    """A WAV file with noise in it."""
    data = random.randbytes(2 * channels * frames)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def write_seeds(folder, artifact, checkpoint):
    seeds = {
        "artifact": [artifact.read_bytes()],
        "safetensors": [(checkpoint / f"{name}.safetensors").read_bytes() for name in ("weights", "optimizer")],
        "cifar": [random.randbytes(3073 * count) for count in (1, 2)],
        "png": [png(3, 2, 2), png(5, 1, 6), png(2, 2, 0, 16), png(1, 1, 4)],
        "text": [bytes([7, 1, 128, 128]) + b"some text, and some more of it " * 9],
        "sound": [wav(12000, 1, 300), wav(44100, 2, 500), wav(8000, 1, 0), wav(48000, 1, 200)[:-33]],
        "codes": [struct.pack("<8f", 0, 1, -1, 0.5, 1e-9, 7, float("nan"), float("-inf"))],
        "spec": [p.read_bytes() for p in sorted((ROOT / "models").glob("*.toml"))],
    }
    for target, inputs in seeds.items():
        (folder / target).mkdir()
        for k, content in enumerate(inputs):
            (folder / target / f"seed-{k}").write_bytes(content)
    return list(seeds)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--bin", type=pathlib.Path, required=True, help="programs that make the model")
    p.add_argument("--sanitized", type=pathlib.Path, required=True, help="programs that are tested")
    p.add_argument("--seconds", type=int, default=60, help="for each fuzz target")
    p.add_argument("--flips", type=int, default=100_000, help="of the artifact and of the checkpoint")
    p.add_argument("names", nargs="*", help="run only what has one of these in its name")
    a = p.parse_args()
    a.bin, a.sanitized = a.bin.resolve(), a.sanitized.resolve()
    random.seed(1)
    tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-fuzz-"))
    found = ROOT / ".cache" / "fuzz"
    found.mkdir(parents=True, exist_ok=True)
    artifact, checkpoint = train_small_model(str(a.bin / "drawloom"), tmp)
    mangle = [str(a.sanitized / "drawloom-mangle")]
    jobs = {"mangle artifact": mangle + ["artifact", str(artifact), "--flips", str(a.flips)],
            "mangle checkpoint": mangle + ["checkpoint", str(artifact), str(checkpoint), "--flips", str(a.flips)]}
    (tmp / "seeds").mkdir()
    for target in write_seeds(tmp / "seeds", artifact, checkpoint):
        jobs[f"fuzz {target}"] = [str(a.sanitized / f"fuzz-{target}"), str(tmp / "seeds" / target), f"-max_total_time={a.seconds}", "-timeout=30",
                                  "-rss_limit_mb=4096", "-print_final_stats=1", "-use_value_profile=1", f"-artifact_prefix={found}/{target}-"]
    jobs = {k: v for k, v in jobs.items() if not a.names or any(n in k for n in a.names)}

    # What it decodes goes through a cache, of which each run has its own; and it says so each time.
    shm = "/dev/shm" if os.path.isdir("/dev/shm") else None
    cache = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-fuzz-", dir=shm))
    if "fuzz sound" in jobs:
        jobs["fuzz sound"].append("-close_fd_mask=2")

    def run(name):
        start = time.time()
        r = subprocess.run(jobs[name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=tmp,
                           env=dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1", DRAWLOOM_CACHE=str(cache / "decoded")))
        units = re.search(r"stat::number_of_executed_units: *(\d+)", r.stdout)
        said = f"{units[1]} inputs" if units else "; ".join(r.stdout.splitlines())
        print(f"{'ok  ' if r.returncode == 0 else 'FAIL'} {name:18} {time.time() - start:7.1f} s  {said}", flush=True)
        if r.returncode:
            print("".join(f"  | {line}\n" for line in r.stdout.splitlines()[-60:]), flush=True)
        return r.returncode == 0

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        good = list(pool.map(run, jobs))
    shutil.rmtree(tmp)
    shutil.rmtree(cache)
    if False in good:
        print(f"inputs that fail are in {found}")
    print(f"{len(good)} ran, {good.count(False)} failed")
    sys.exit(0 if good and all(good) else 1)


main()
